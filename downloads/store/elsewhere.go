package store

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"scout/downloads/transfer"
)

// Found is a model file that another program has.
type Found struct {
	Program string // "Ollama"
	Name    string // what the program calls it
	Path    string
	Size    int64
	SHA256  string // as its place says; empty if it says nothing
}

// Elsewhere is where other programs keep models. It only reads there.
type Elsewhere struct {
	ollama   []string // folders with blobs and manifests
	hub      []string // folders of models--USER--REPO
	lmStudio []string // folders of USER/REPO/FILE.gguf
	llamaCpp []string // folders of FILE.gguf
}

// NewElsewhere knows the places from the environment and the person's folder.
//
// Ollama: OLLAMA_MODELS, ~/.ollama/models, and where its service on Linux has
// them. Hugging Face and llama.cpp, in the order llama.cpp looks: LLAMA_CACHE,
// HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME/hub, XDG_CACHE_HOME and
// ~/.cache. LM Studio: ~/.lmstudio/models and ~/.cache/lm-studio/models.
func NewElsewhere(env func(string) string, home string) Elsewhere {
	var e Elsewhere
	add := func(to *[]string, folder string, more ...string) {
		if folder == "" || !filepath.IsAbs(folder) {
			return
		}
		if p := filepath.Join(append([]string{folder}, more...)...); !slices.Contains(*to, p) {
			*to = append(*to, p)
		}
	}
	add(&e.ollama, env("OLLAMA_MODELS"))
	add(&e.ollama, home, ".ollama", "models")
	if runtime.GOOS == "linux" {
		add(&e.ollama, "/usr/share/ollama/.ollama/models")
	}
	for _, name := range []string{"LLAMA_CACHE", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"} {
		add(&e.hub, env(name))
	}
	add(&e.hub, env("HF_HOME"), "hub")
	caches := []string{env("XDG_CACHE_HOME"), filepath.Join(home, ".cache"), filepath.Join(home, "Library", "Caches"), env("LOCALAPPDATA")}
	for _, cache := range caches {
		add(&e.hub, cache, "huggingface", "hub")
		add(&e.llamaCpp, cache, "llama.cpp")
		add(&e.lmStudio, cache, "lm-studio", "models")
	}
	add(&e.llamaCpp, env("LLAMA_CACHE"))
	add(&e.lmStudio, home, ".lmstudio", "models")
	return e
}

// Candidates are files that may be a blob: those whose place names its digest
// first, then those of its size. None has been read.
func (e Elsewhere) Candidates(blob transfer.Blob) []Found {
	var found []Found
	for _, f := range e.byDigest(blob.SHA256) {
		if f.Size == blob.Size {
			found = append(found, f)
		}
	}
	for _, f := range e.loose() {
		if f.Size == blob.Size {
			found = append(found, f)
		}
	}
	return found
}

// All is every model file that the other programs have.
func (e Elsewhere) All() []Found {
	found := append(e.ollamaModels(), e.hubModels()...)
	found = append(found, e.loose()...)
	slices.SortStableFunc(found, func(a, b Found) int {
		return cmp.Or(cmp.Compare(a.Program, b.Program), cmp.Compare(a.Name, b.Name))
	})
	return found
}

// plain describes a plain file, following links; ok is false for anything else.
func plain(program, name, path, digest string) (f Found, ok bool) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return Found{}, false
	}
	return Found{Program: program, Name: name, Path: path, Size: info.Size(), SHA256: digest}, true
}

// byDigest looks where files are named for their digests.
func (e Elsewhere) byDigest(digest string) []Found {
	if (transfer.Blob{SHA256: digest}).Check() != nil {
		return nil
	}
	var found []Found
	add := func(program, path string) {
		if f, ok := plain(program, "sha256-"+digest[:12], path, digest); ok {
			found = append(found, f)
		}
	}
	for _, folder := range e.ollama {
		add("Ollama", filepath.Join(folder, "blobs", "sha256-"+digest))
	}
	for _, folder := range e.hub {
		repositories, _ := os.ReadDir(folder) // a folder that cannot be read has nothing for us
		for _, r := range repositories {
			if strings.HasPrefix(r.Name(), "models--") {
				add("the Hugging Face cache", filepath.Join(folder, r.Name(), "blobs", digest))
			}
		}
	}
	return found
}

// loose are files whose places say nothing of what is in them.
func (e Elsewhere) loose() []Found {
	var found []Found
	for program, folders := range map[string][]string{"LM Studio": e.lmStudio, "llama.cpp": e.llamaCpp} {
		for _, folder := range folders {
			found = append(found, weightsBelow(program, folder)...)
		}
	}
	slices.SortFunc(found, func(a, b Found) int { return cmp.Compare(a.Path, b.Path) })
	return found
}

const deepest = 4 // folders below a program's own

// weightsBelow are the GGUF files below a folder.
func weightsBelow(program, folder string) []Found {
	var found []Found
	_ = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fs.SkipDir // what cannot be read has nothing for us
		}
		name, _ := filepath.Rel(folder, path)
		if d.IsDir() && strings.Count(name, string(filepath.Separator)) >= deepest {
			return fs.SkipDir
		}
		if strings.EqualFold(filepath.Ext(path), ".gguf") {
			if f, ok := plain(program, filepath.ToSlash(name), path, ""); ok {
				found = append(found, f)
			}
		}
		return nil
	})
	return found
}

// ollamaModels are the models of Ollama's manifests.
func (e Elsewhere) ollamaModels() []Found {
	var found []Found
	for _, folder := range e.ollama {
		manifests := filepath.Join(folder, "manifests")
		_ = filepath.WalkDir(manifests, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return fs.SkipDir
			}
			if d.IsDir() {
				return nil
			}
			name, _ := filepath.Rel(manifests, path)
			for _, digest := range ollamaWeights(path) {
				if f, ok := plain("Ollama", ollamaName(name), filepath.Join(folder, "blobs", "sha256-"+digest), digest); ok {
					found = append(found, f)
				}
			}
			return nil
		})
	}
	return found
}

// ollamaName is a model's name as its users write it, from the manifest's path
// registry.ollama.ai/library/llama4/scout.
func ollamaName(path string) string {
	parts := strings.Split(filepath.ToSlash(path), "/")
	if len(parts) != 4 {
		return filepath.ToSlash(path)
	}
	name := parts[2] + ":" + parts[3]
	if parts[1] != "library" {
		name = parts[1] + "/" + name
	}
	if parts[0] != "registry.ollama.ai" {
		name = parts[0] + "/" + name
	}
	return name
}

// ollamaWeights are the digests of the weights in a manifest of Ollama's.
func ollamaWeights(path string) []string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	var m struct {
		Layers []struct {
			MediaType string `json:"mediaType"`
			Digest    string `json:"digest"`
		} `json:"layers"`
	}
	if json.NewDecoder(io.LimitReader(f, maxManifest)).Decode(&m) != nil {
		return nil
	}
	var digests []string
	for _, l := range m.Layers {
		digest, ok := strings.CutPrefix(l.Digest, "sha256:")
		if ok && l.MediaType == "application/vnd.ollama.image.model" && (transfer.Blob{SHA256: digest}).Check() == nil {
			digests = append(digests, digest)
		}
	}
	return digests
}

// hubModels are the GGUF files of the Hugging Face cache.
func (e Elsewhere) hubModels() []Found {
	var found []Found
	for _, folder := range e.hub {
		snapshots, _ := filepath.Glob(filepath.Join(folder, "models--*", "snapshots", "*"))
		for _, snapshot := range snapshots {
			repository := strings.TrimPrefix(filepath.Base(filepath.Dir(filepath.Dir(snapshot))), "models--")
			repository = strings.Replace(repository, "--", "/", 1)
			for _, f := range weightsBelow("the Hugging Face cache", snapshot) {
				f.Name = repository + "/" + f.Name
				if target, err := filepath.EvalSymlinks(f.Path); err == nil {
					if base := filepath.Base(target); (transfer.Blob{SHA256: base}).Check() == nil {
						f.SHA256 = base
					}
				}
				found = append(found, f)
			}
		}
	}
	return found
}

// Adopt verifies a file of another program against a blob. If it is the blob,
// the file of a model that is used where it lies is returned; ok is false if it
// is not, and why says it in words fit for "not used: ".
func Adopt(ctx context.Context, found Found, blob transfer.Blob, each func(done int64)) (f File, ok bool, why string, err error) {
	before, err := os.Stat(found.Path)
	if err != nil {
		return File{}, false, "it cannot be read any more", nil
	}
	right, err := hasSum(ctx, found.Path, blob, each)
	switch {
	case ctx.Err() != nil:
		return File{}, false, "", context.Cause(ctx)
	case err != nil:
		return File{}, false, err.Error(), nil
	case !right:
		return File{}, false, "its checksum differs", nil
	}
	after, err := os.Stat(found.Path)
	if err != nil || !after.ModTime().Equal(before.ModTime()) || after.Size() != blob.Size {
		return File{}, false, "it changed while it was read", nil
	}
	return File{
		Role: Weights, Name: found.Name, SHA256: blob.SHA256, Size: blob.Size,
		Path: found.Path, Modified: after.ModTime(), Owner: found.Program,
	}, true, "", nil
}
