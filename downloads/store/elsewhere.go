package store

import (
	"cmp"
	"context"
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
	Role    Role   // of Ollama's; empty where only the name can tell
}

// The programs, as they are named to a person.
const (
	ollamaProgram   = "Ollama"
	hubProgram      = "the Hugging Face cache"
	studioProgram   = "LM Studio"
	llamaCppProgram = "llama.cpp"
)

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
		add(ollamaProgram, filepath.Join(folder, "blobs", "sha256-"+digest))
	}
	for _, folder := range e.hub {
		repositories, _ := os.ReadDir(folder) // a folder that cannot be read has nothing for us
		for _, r := range repositories {
			if strings.HasPrefix(r.Name(), "models--") {
				add(hubProgram, filepath.Join(folder, r.Name(), "blobs", digest))
			}
		}
	}
	return found
}

// loose are files whose places say nothing of what is in them.
func (e Elsewhere) loose() []Found {
	var found []Found
	for program, folders := range map[string][]string{studioProgram: e.lmStudio, llamaCppProgram: e.llamaCpp} {
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

// Adopt verifies a file of another program against a blob. If it is the blob,
// the file of a model that is used where it lies is returned; ok is false if it
// is not, and why says it in words fit for "not used: ". A blob without a sum
// is whatever the file holds now, if it is of that size.
func Adopt(ctx context.Context, found Found, blob transfer.Blob, each func(done int64)) (f File, ok bool, why string, err error) {
	before, err := os.Stat(found.Path)
	if err != nil {
		return File{}, false, "it cannot be read any more", nil
	}
	sum, err := sumOf(ctx, found.Path, blob.Size, each)
	if blob.SHA256 == "" {
		blob.SHA256 = sum
	}
	switch {
	case ctx.Err() != nil:
		return File{}, false, "", context.Cause(ctx)
	case err != nil:
		return File{}, false, err.Error(), nil
	case sum == "" || sum != blob.SHA256:
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
