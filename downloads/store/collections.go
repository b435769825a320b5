package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"scout/downloads/transfer"
)

// Collection is files of another program that belong together: those of a
// repository, or of one model.
type Collection struct {
	Program  string
	Name     string // of Ollama, what the program calls the model
	Repo     string // USER/REPO on Hugging Face, if the place says so
	Revision string // the commit, or the digest of Ollama's manifest; may be empty
	Files    []Found
}

// Collections is what the other programs have, sorted by program and name. No
// file is read but small ones that say what the others are.
func (e Elsewhere) Collections() []Collection {
	var all []Collection
	for _, folder := range e.ollama {
		all = append(all, ollamaCollections(folder)...)
	}
	for _, folder := range e.hub {
		all = append(all, hubCollections(folder)...)
	}
	for _, folder := range e.lmStudio {
		all = append(all, studioCollections(folder)...)
	}
	for _, folder := range e.llamaCpp {
		all = append(all, llamaCppCollections(folder)...)
	}
	slices.SortStableFunc(all, func(a, b Collection) int {
		return cmp.Or(cmp.Compare(a.Program, b.Program), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Repo, b.Repo))
	})
	return all
}

// Unreadable are folders of other programs that are there and cannot be read,
// such as that of Ollama's service, which belongs to another user.
func (e Elsewhere) Unreadable() []string {
	var folders []string
	for _, folder := range slices.Concat(e.ollama, e.hub, e.lmStudio, e.llamaCpp) {
		if _, err := os.ReadDir(folder); err != nil && !errors.Is(err, fs.ErrNotExist) && !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	return folders
}

// ollamaCollections are the models of Ollama's manifests, with their vision
// towers.
func ollamaCollections(folder string) []Collection {
	var all []Collection
	manifests := filepath.Join(folder, "manifests")
	_ = filepath.WalkDir(manifests, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fs.SkipDir // what cannot be read has nothing for us
		}
		if d.IsDir() {
			return nil
		}
		name, _ := filepath.Rel(manifests, path)
		c := Collection{Program: ollamaProgram, Name: ollamaName(name)}
		var layers []ollamaLayer
		layers, c.Revision = readOllamaManifest(path)
		for _, l := range layers {
			f, ok := plain(c.Program, "sha256:"+l.digest, filepath.Join(folder, "blobs", "sha256-"+l.digest), l.digest)
			if !ok || f.Size != l.size { // not whole: nothing of the model is of use
				return nil
			}
			f.Role = l.role
			c.Files = append(c.Files, f)
		}
		if len(c.Files) > 0 {
			all = append(all, c)
		}
		return nil
	})
	return all
}

// hubCollections are the repositories of a Hugging Face cache, at the commits
// that have files there:
//
//	models--USER--REPO/snapshots/COMMIT/PATH ─► ../../blobs/SHA256
func hubCollections(folder string) []Collection {
	var all []Collection
	repositories, _ := os.ReadDir(folder) // a folder that cannot be read has nothing for us
	for _, r := range repositories {
		repo, ok := strings.CutPrefix(r.Name(), "models--")
		if !ok {
			continue
		}
		snapshots := filepath.Join(folder, r.Name(), "snapshots")
		commits, _ := os.ReadDir(snapshots)
		for _, commit := range commits {
			c := Collection{Program: hubProgram, Repo: strings.Replace(repo, "--", "/", 1), Revision: commit.Name()}
			for _, f := range weightsBelow(c.Program, filepath.Join(snapshots, commit.Name())) {
				f.SHA256 = linkedDigest(f.Path)
				c.Files = append(c.Files, f)
			}
			if len(c.Files) > 0 {
				all = append(all, c)
			}
		}
	}
	return all
}

// linkedDigest is the digest that a file of a snapshot is named for where it
// lies; empty where there are no links.
func linkedDigest(path string) string {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return ""
	}
	if base := filepath.Base(target); (transfer.Blob{SHA256: base}).Check() == nil {
		return base
	}
	return ""
}

// studioCollections are the folders USER/REPO of LM Studio.
func studioCollections(folder string) []Collection {
	var all []Collection
	for _, f := range weightsBelow(studioProgram, folder) {
		parts := strings.Split(f.Name, "/")
		var repo string
		if len(parts) > 2 {
			repo, f.Name = parts[0]+"/"+parts[1], strings.Join(parts[2:], "/")
		}
		all = addTo(all, Collection{Program: studioProgram, Repo: repo}, f)
	}
	return all
}

// addTo adds a file to the collection of its repository; one without stays
// alone.
func addTo(all []Collection, c Collection, f Found) []Collection {
	for i, other := range all {
		if c.Repo != "" && other.Repo == c.Repo && other.Revision == c.Revision {
			all[i].Files = append(all[i].Files, f)
			return all
		}
	}
	c.Files = []Found{f}
	return append(all, c)
}

// hubAddress is the address of a file of a repository.
var hubAddress = regexp.MustCompile(`^https://[^/]+/([^/]+/[^/]+)/resolve/([^/]+)/(.+)$`)

// llamaCppCollections are the files of llama.cpp's own cache of before it used
// that of Hugging Face: USER_REPO_FILE.gguf, beside it the address and the
// digest in FILE.gguf.json, or the digest in FILE.gguf.etag.
func llamaCppCollections(folder string) []Collection {
	var all []Collection
	for _, f := range weightsBelow(llamaCppProgram, folder) {
		if strings.HasPrefix(f.Name, "models--") {
			continue // LLAMA_CACHE may be a cache of Hugging Face's layout, which hubCollections reads
		}
		c := Collection{Program: llamaCppProgram}
		var said struct{ URL, ETag string }
		if data, err := readSmall(f.Path + ".json"); err == nil {
			_ = json.Unmarshal(data, &said) // what says nothing is no matter
		}
		if data, err := readSmall(f.Path + ".etag"); err == nil && said.ETag == "" {
			said.ETag = string(data)
		}
		if tag := strings.Trim(strings.TrimSpace(said.ETag), `"`); (transfer.Blob{SHA256: tag}).Check() == nil {
			f.SHA256 = tag
		}
		if m := hubAddress.FindStringSubmatch(said.URL); m != nil {
			c.Repo = m[1]
			if len(m[2]) == 40 {
				c.Revision = m[2]
			}
			// The rest of the file's own name is that of the repository's file.
			f.Name = m[3]
		}
		all = addTo(all, c, f)
	}
	return all
}

// readSmall reads a file that says something about another one.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxManifest))
}

// ollamaLayer is a file of a model of Ollama's.
type ollamaLayer struct {
	role   Role
	digest string
	size   int64
}

// readOllamaManifest is what a manifest of Ollama's says of the model's files,
// and its digest. A model that is not one GGUF file has none.
func readOllamaManifest(path string) (layers []ollamaLayer, digest string) {
	data, err := readSmall(path)
	if err != nil {
		return nil, ""
	}
	layers = parseOllamaManifest(data)
	if layers == nil {
		return nil, ""
	}
	sum := sha256.Sum256(data)
	return layers, hex.EncodeToString(sum[:])
}

// parseOllamaManifest is the weights and vision towers of a manifest, nil if it
// is not that of one GGUF file.
func parseOllamaManifest(data []byte) []ollamaLayer {
	var m struct {
		Layers []struct {
			MediaType string `json:"mediaType"`
			Digest    string `json:"digest"`
			Size      int64  `json:"size"`
		} `json:"layers"`
	}
	if json.Unmarshal(data, &m) != nil {
		return nil
	}
	var layers []ollamaLayer
	weights := 0
	for _, l := range m.Layers {
		layer := ollamaLayer{size: l.Size}
		switch l.MediaType {
		case "application/vnd.ollama.image.model":
			layer.role = Weights
			weights++
		case "application/vnd.ollama.image.projector":
			layer.role = Projector
		default:
			continue
		}
		var ok bool
		if layer.digest, ok = strings.CutPrefix(l.Digest, "sha256:"); !ok || (transfer.Blob{SHA256: layer.digest, Size: l.Size}).Check() != nil {
			return nil
		}
		layers = append(layers, layer)
	}
	if weights != 1 {
		return nil
	}
	return layers
}

// Sets are folders of other programs that seem to have all parts of a split
// model, under names by which the parts find each other. isPart tells whether
// a file's name is that of part i. None of the files has been read.
func (e Elsewhere) Sets(parts []transfer.Blob, isPart func(name string, i int) bool) [][]Found {
	folders := map[string][]Found{}
	for _, c := range e.Collections() {
		for _, f := range c.Files {
			folder := filepath.Dir(f.Path)
			folders[folder] = append(folders[folder], f)
		}
	}
	var sets [][]Found
	for _, files := range folders {
		var set []Found
		for i, part := range parts {
			at := slices.IndexFunc(files, func(f Found) bool {
				return f.Size == part.Size && (f.SHA256 == "" || f.SHA256 == part.SHA256) && isPart(filepath.Base(f.Path), i)
			})
			if at < 0 {
				break
			}
			set = append(set, files[at])
		}
		if len(set) == len(parts) && sameStem(set) {
			sets = append(sets, set)
		}
	}
	slices.SortFunc(sets, func(a, b []Found) int {
		// Those whose digests are known first: they are not read in vain.
		return cmp.Or(-cmp.Compare(len(a[0].SHA256), len(b[0].SHA256)), cmp.Compare(a[0].Path, b[0].Path))
	})
	return sets
}

// sameStem tells whether the names of parts differ in their numbers alone.
func sameStem(set []Found) bool {
	stem := func(f Found) string {
		base := filepath.Base(f.Path)
		return base[:max(0, len(base)-len("-00001-of-00002.gguf"))]
	}
	return !slices.ContainsFunc(set, func(f Found) bool { return stem(f) != stem(set[0]) })
}
