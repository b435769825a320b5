package hub

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Kind is which hub a reference is of.
type Kind int

// The hubs.
const (
	HuggingFace Kind = iota
	Ollama
)

func (k Kind) String() string {
	if k == Ollama {
		return "the Ollama registry"
	}
	return "Hugging Face"
}

// Ref is what a name stands for.
type Ref struct {
	Kind  Kind
	Repo  string // "user/repo"; of Ollama "library/llama4"
	Rev   string // of Hugging Face: a branch, tag or commit; empty for the main one
	Quant string // of Hugging Face: "Q4_K_M", empty if it was not said; of Ollama the tag
	File  string // of Hugging Face: a file that was pasted; its set is meant
}

const (
	mainRevision = "main"
	latestTag    = "latest"
	library      = "library" // the namespace of Ollama's own models
	maxPart      = 128
	maxRef       = 2000
)

// Name is the reference as the store keeps it.
func (r Ref) Name() string {
	if r.Kind == Ollama {
		return strings.TrimPrefix(r.Repo, library+"/") + ":" + r.Quant
	}
	name := "hf.co/" + r.Repo
	if r.Quant != "" {
		name += ":" + r.Quant
	}
	if r.Rev != "" {
		name += "@" + r.Rev
	}
	return name
}

// NameError is a name that stands for nothing.
type NameError struct{ Name, Why string }

func (e *NameError) Error() string {
	return fmt.Sprintf("%.100q names no model: %s; names look like llama4:scout, user/repo:Q4_K_M or https://huggingface.co/user/repo", e.Name, e.Why)
}

// Published tells where the quantizations of a model that has a short name are
// published on Hugging Face: of "llama4:scout" in repo "USER/REPO". quant is
// the one that is asked for, in any case, or empty; spelled is how the
// repository writes it. ok is false for a model that is not known.
//
// It is a caller's: which models there are is no matter of this package.
type Published func(model, quant string) (repo, spelled string, ok bool)

// find asks a catalogue, which may be nil.
func (p Published) find(model, quant string) (repo, spelled string, ok bool) {
	if p == nil {
		return "", "", false
	}
	return p(model, quant)
}

// ParseRef reads a name without a catalogue: see Parse.
func ParseRef(name string) (Ref, error) { return Published(nil).Parse(name) }

// Parse reads a name:
//
//	llama4:scout, llama4:scout-q4_K_M        the Ollama registry, but see Others
//	llama4:scout:Q5_K_M, llama4:scout@Q5_K_M a quantization of a name of the catalogue, on Hugging Face
//	user/repo[:QUANT][@rev]                  Hugging Face
//	hf.co/user/repo..., https://huggingface.co/user/repo/blob/main/file.gguf
//	ollama.com/library/llama4:scout, registry.ollama.ai/user/model:tag
func (p Published) Parse(name string) (Ref, error) {
	fail := func(why string) (Ref, error) { return Ref{}, &NameError{name, why} }
	rest := strings.TrimSpace(name)
	if len(rest) > maxRef {
		return fail("it is too long")
	}
	pasted := false
	for _, scheme := range []string{"https://", "http://"} {
		if cut, ok := cutPrefixFold(rest, scheme); ok {
			u, err := url.Parse(scheme + cut)
			if err != nil {
				return fail("the address makes no sense")
			}
			rest, pasted = strings.ToLower(u.Host)+u.Path, true
		}
	}
	for _, host := range []string{"huggingface.co/", "hf.co/", "www.huggingface.co/"} {
		if cut, ok := cutPrefixFold(rest, host); ok {
			return parseHuggingFace(name, cut)
		}
	}
	for _, host := range []string{"registry.ollama.ai/", "ollama.com/", "www.ollama.com/"} {
		if cut, ok := cutPrefixFold(rest, host); ok {
			return parseOllama(name, strings.TrimSuffix(cut, "/"))
		}
	}
	first, _, slash := strings.Cut(rest, "/")
	switch {
	case pasted || slash && strings.ContainsAny(first, ".:"):
		host, _, _ := strings.Cut(rest, "/")
		return fail(fmt.Sprintf("%.60q is no hub that is known (Hugging Face, Ollama; a mirror is named by HF_ENDPOINT)", host))
	case slash:
		return parseHuggingFace(name, rest)
	case strings.Count(rest, ":") == 2, strings.Contains(rest, "@"):
		return p.parseQuant(name, rest)
	}
	return parseOllama(name, rest)
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// parseHuggingFace reads user/repo and what may follow.
func parseHuggingFace(name, rest string) (Ref, error) {
	fail := func(why string) (Ref, error) { return Ref{}, &NameError{name, why} }
	r := Ref{Kind: HuggingFace}
	parts := strings.Split(strings.Trim(rest, "/"), "/")
	if len(parts) < 2 {
		return fail("it has no repository, user/repo")
	}
	if len(parts) > 2 { // a page of the site
		return parsePage(name, parts)
	}
	repository := parts[0] + "/" + parts[1]
	repository, r.Rev, _ = strings.Cut(repository, "@")
	repository, r.Quant, _ = strings.Cut(repository, ":")
	if before, quant, ok := strings.Cut(r.Rev, ":"); ok && r.Quant == "" { // user/repo@rev:QUANT
		r.Rev, r.Quant = before, quant
	}
	r.Repo = repository
	return checkRef(name, r)
}

// parsePage reads what follows user/repo in an address of the site:
// tree/REV, blob/REV/FILE, resolve/REV/FILE.
func parsePage(name string, parts []string) (Ref, error) {
	r := Ref{Kind: HuggingFace, Repo: parts[0] + "/" + parts[1]}
	if len(parts) < 4 || !slices.Contains([]string{"tree", "blob", "resolve", "raw"}, parts[2]) {
		return Ref{}, &NameError{name, "that page is no repository and no file of one"}
	}
	r.Rev = parts[3]
	if r.Rev == mainRevision {
		r.Rev = ""
	}
	if len(parts) > 4 && parts[2] != "tree" {
		r.File = strings.Join(parts[4:], "/")
		if !strings.HasSuffix(strings.ToLower(r.File), ".gguf") || !isFilePath(r.File) {
			return Ref{}, &NameError{name, "that file is no GGUF file"}
		}
	}
	return checkRef(name, r)
}

// parseOllama reads [namespace/]model[:tag].
func parseOllama(name, rest string) (Ref, error) {
	r := Ref{Kind: Ollama}
	r.Repo, r.Quant, _ = strings.Cut(rest, ":")
	if r.Quant == "" {
		r.Quant = latestTag
	}
	if !strings.Contains(r.Repo, "/") {
		r.Repo = library + "/" + strings.ToLower(r.Repo)
	}
	return checkRef(name, r)
}

// parseQuant reads model:size:QUANT and model:size@QUANT.
func (p Published) parseQuant(name, rest string) (Ref, error) {
	i := strings.LastIndexAny(rest, ":@")
	model, quant := rest[:i], rest[i+1:]
	if quant == "" {
		return Ref{}, &NameError{name, "there is no quantization behind its end"}
	}
	repository, quant, known := p.find(model, quant)
	if !known {
		return Ref{}, &NameError{name, fmt.Sprintf("quantizations of %.60q are not in the catalogue ('scout fit' lists what is)", model)}
	}
	return checkRef(name, Ref{Kind: HuggingFace, Repo: repository, Quant: quant})
}

// Others is what a name of the Ollama registry may stand for where the
// registry does not have it: a model of the catalogue, and with a quantization
// at the tag's end that of the model.
//
//	qwen2.5-vl:7b         the repository of the catalogue
//	llama4:scout-q4_K_M   Q4_K_M in that of llama4:scout
func (p Published) Others(ref Ref) []Ref {
	base, own := strings.CutPrefix(ref.Repo, library+"/")
	if ref.Kind != Ollama || !own {
		return nil
	}
	var others []Ref
	add := func(tag, quant string) {
		repository, spelled, known := p.find(base+":"+tag, quant)
		if !known {
			return
		}
		if r, err := checkRef("", Ref{Kind: HuggingFace, Repo: repository, Quant: spelled}); err == nil {
			others = append(others, r)
		}
	}
	add(ref.Quant, "")
	for i, letter := range ref.Quant {
		if letter == '-' && isQuant(ref.Quant[i+1:]) {
			add(ref.Quant[:i], ref.Quant[i+1:])
		}
	}
	return others
}

// isQuant tells whether a text is a quantization, in the spelling of file
// names or with "-" for "_".
func isQuant(s string) bool {
	s = strings.ToUpper(s)
	s = strings.TrimPrefix(s, "UD-")
	return quantName.MatchString(strings.ReplaceAll(s, "-", "_"))
}

// checkRef lets pass only what can be part of an address as it is.
func checkRef(name string, r Ref) (Ref, error) {
	parts := strings.Split(r.Repo, "/")
	if len(parts) != 2 {
		return Ref{}, &NameError{name, "it has too many parts"}
	}
	for _, p := range parts {
		if !isPart(p) {
			return Ref{}, &NameError{name, fmt.Sprintf("%.60q cannot be a part of it", p)}
		}
	}
	if r.Quant != "" && !isPart(r.Quant) {
		return Ref{}, &NameError{name, fmt.Sprintf("%.60q is no quantization and no tag", r.Quant)}
	}
	for _, p := range strings.Split(r.Rev, "/") {
		if r.Rev != "" && !isPart(p) {
			return Ref{}, &NameError{name, fmt.Sprintf("%.60q is no revision", r.Rev)}
		}
	}
	return r, nil
}

// isPart tells whether s can stand between slashes: letters, digits, "-", "_"
// and dots, neither two in a row nor at an end.
func isPart(s string) bool {
	if s == "" || len(s) > maxPart || strings.Contains(s, "..") || s[0] == '.' || s[len(s)-1] == '.' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
}
