package hub

import (
	"encoding/json"
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// published is a small catalogue.
func published(model, quant string) (repo, spelled string, ok bool) {
	repo, ok = map[string]string{
		"llama4:scout": "unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF", "vision:7b": "someone/Vision-7B-GGUF", "bad:1b": "no repository",
	}[strings.ToLower(model)]
	return repo, strings.ToUpper(strings.ReplaceAll(quant, "-", "_")), ok
}

// What the registry does not have, the catalogue may know.
func TestOthers(t *testing.T) {
	scout := "hf.co/unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF"
	tests := map[string][]string{
		"llama4:scout":                  {scout},
		"Llama4:Scout":                  {scout},
		"llama4:scout-q4_K_M":           {scout + ":Q4_K_M"},
		"llama4:scout-q4-k-m":           {scout + ":Q4_K_M"},
		"llama4:scout-UD-IQ1_M":         {scout + ":UD_IQ1_M"},
		"vision:7b-BF16":                {"hf.co/someone/Vision-7B-GGUF:BF16"},
		"vision:7b":                     {"hf.co/someone/Vision-7B-GGUF"},
		"ollama.com/library/vision:7b":  {"hf.co/someone/Vision-7B-GGUF"},
		"llama4":                        nil,
		"llama4:scout-instruct":         nil,
		"llama4:maverick-q4_K_M":        nil,
		"someone/llama4:scout":          nil, // Hugging Face
		"ollama.com/someone/vision:7b":  nil,
		"bad:1b":                        nil,
		"hf.co/someone/Vision-7B-GGUF":  nil,
		"https://ollama.com/library/x:": nil,
	}
	for name, want := range tests {
		ref, err := Published(published).Parse(name)
		if err != nil {
			t.Errorf("Parse(%q): %v", name, err)
			continue
		}
		var got []string
		for _, other := range Published(published).Others(ref) {
			got = append(got, other.Name())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s may be %q, want %q", name, got, want)
		}
		if Published(nil).Others(ref) != nil {
			t.Errorf("without a catalogue %s may be something else", name)
		}
	}
}

func TestParseRef(t *testing.T) {
	tests := []struct {
		name string
		want Ref
		kept string // the name in the store
	}{
		{"llama4", Ref{Kind: Ollama, Repo: "library/llama4", Quant: "latest"}, "llama4:latest"},
		{"llama4:scout", Ref{Kind: Ollama, Repo: "library/llama4", Quant: "scout"}, "llama4:scout"},
		{"llama4:scout-q4_K_M", Ref{Kind: Ollama, Repo: "library/llama4", Quant: "scout-q4_K_M"}, "llama4:scout-q4_K_M"},
		{"llama4:scout:Q5_K_M", Ref{Repo: "unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF", Quant: "Q5_K_M"}, "hf.co/unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF:Q5_K_M"},
		{"llama4:scout@q5-k-m", Ref{Repo: "unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF", Quant: "Q5_K_M"}, "hf.co/unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF:Q5_K_M"},
		{"Llama4:SCOUT:q5_k_m", Ref{Repo: "unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF", Quant: "Q5_K_M"}, "hf.co/unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF:Q5_K_M"},
		{"Llama4:scout", Ref{Kind: Ollama, Repo: "library/llama4", Quant: "scout"}, "llama4:scout"},
		{"ollama.com/library/llama4:scout", Ref{Kind: Ollama, Repo: "library/llama4", Quant: "scout"}, "llama4:scout"},
		{"https://ollama.com/someone/model", Ref{Kind: Ollama, Repo: "someone/model", Quant: "latest"}, "someone/model:latest"},
		{"registry.ollama.ai/library/llama4:scout", Ref{Kind: Ollama, Repo: "library/llama4", Quant: "scout"}, "llama4:scout"},
		{"user/repo", Ref{Repo: "user/repo"}, "hf.co/user/repo"},
		{" user/repo:Q4_K_M\n", Ref{Repo: "user/repo", Quant: "Q4_K_M"}, "hf.co/user/repo:Q4_K_M"},
		{"user/repo@refs", Ref{Repo: "user/repo", Rev: "refs"}, "hf.co/user/repo@refs"},
		{"user/repo:Q4_K_M@v1.0", Ref{Repo: "user/repo", Quant: "Q4_K_M", Rev: "v1.0"}, "hf.co/user/repo:Q4_K_M@v1.0"},
		{"user/repo@v1.0:Q4_K_M", Ref{Repo: "user/repo", Quant: "Q4_K_M", Rev: "v1.0"}, "hf.co/user/repo:Q4_K_M@v1.0"},
		{"HF.co/user/repo:IQ2_XXS", Ref{Repo: "user/repo", Quant: "IQ2_XXS"}, "hf.co/user/repo:IQ2_XXS"},
		{"https://huggingface.co/user/repo", Ref{Repo: "user/repo"}, "hf.co/user/repo"},
		{"https://huggingface.co/user/repo/tree/main", Ref{Repo: "user/repo"}, "hf.co/user/repo"},
		{"https://huggingface.co/user/repo/tree/main/Q4_K_M", Ref{Repo: "user/repo"}, "hf.co/user/repo"},
		{"https://huggingface.co/user/repo/blob/main/a/m-Q4_K_M-00001-of-00002.gguf?x=y#z", Ref{Repo: "user/repo", File: "a/m-Q4_K_M-00001-of-00002.gguf"}, "hf.co/user/repo"},
		{"http://HuggingFace.co/user/repo/resolve/" + sha1 + "/m%20x.gguf", Ref{Repo: "user/repo", Rev: sha1, File: "m x.gguf"}, "hf.co/user/repo@" + sha1},
	}
	for _, test := range tests {
		got, err := Published(published).Parse(test.name)
		if err != nil || got != test.want || got.Name() != test.kept {
			t.Errorf("ParseRef(%q) = %+v %q, %v, want %+v %q", test.name, got, got.Name(), err, test.want, test.kept)
		}
	}
	for _, bad := range []string{
		"", " ", "/", "a/", "/b", "a//b", "..", "../x", "a/..", "a/b/c", "a/b:../x", "a/b@../x", "a/b@x/../y", "a b", "a\x00b", "-\x1b[31m",
		"https://example.com/a/b", "http://127.0.0.1/a/b", "example.com/a/b", "localhost:8080/a/b", "file:///etc/passwd", "hf.co/", "hf.co/a", "hf.co:8080/a/b",
		"https://huggingface.co.evil.example/a/b", "https://huggingface.co@evil.example/a/b", "https://huggingface.co/a/b/settings", "https://huggingface.co/a/b/e b/main",
		"https://huggingface.co/a/b/blob/main/README.md", "https://huggingface.co/a/b/blob/main/..%2f..%2fx.gguf", "x:y:z", "a:b:c:d",
		"user/re..po", "user/repo:Q4?x", "user/repo:Q4#x", "user/re%2fpo", strings.Repeat("a", 3000), "ollama.com/a/b/c:d", "käse/brot",
		"bad:1b:Q4_K_M", "llama4:scout:", "llama4:scout@", "vision:7b:../x", "a@b", "llama4:scout:Q4_K_M:x",
	} {
		if got, err := Published(published).Parse(bad); err == nil {
			t.Errorf("ParseRef(%.80q) = %+v, want an error", bad, got)
		}
	}
	if got, err := ParseRef("llama4:scout:Q5_K_M"); err == nil {
		t.Errorf("without a catalogue llama4:scout:Q5_K_M is %+v", got)
	}
}

// FuzzParseRef: whatever is a name can stand in an address as it is, and is
// found again by the name that the store gives it.
func FuzzParseRef(f *testing.F) {
	for _, seed := range []string{"llama4:scout", "user/repo:Q4_K_M@rev", "https://huggingface.co/u/r/blob/main/x.gguf", "a/../b", "hf.co/a/b@c:d", "x:y:z", "llama4:scout:Q5_K_M", "vision:7b@q4-k-m", "llama4:scout-q4_K_M"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		ref, err := Published(published).Parse(name)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x1b\x00") {
				t.Errorf("error %q has a control character", err)
			}
			return
		}
		for _, part := range []string{ref.Repo, ref.Quant, ref.Rev} {
			if strings.Contains(part, "..") || url.PathEscape(strings.ReplaceAll(part, "/", "")) != strings.ReplaceAll(part, "/", "") {
				t.Fatalf("ParseRef(%q) = %+v: %q cannot stand in an address", name, ref, part)
			}
		}
		if ref.File != "" && !isFilePath(ref.File) {
			t.Fatalf("ParseRef(%q) = %+v", name, ref)
		}
		for _, other := range Published(published).Others(ref) {
			if again, err := ParseRef(other.Name()); err != nil || again != other {
				t.Fatalf("%q may be %q, which is %+v, %v", name, other.Name(), again, err)
			}
		}
		ref.File = ""
		if again, err := ParseRef(ref.Name()); err != nil || again != ref {
			t.Fatalf("ParseRef(%q) is called %q, which is %+v, %v", name, ref.Name(), again, err)
		}
	})
}

// FuzzListing: whatever a hub lists, what comes out of it can be fetched and
// kept: sums and sizes that can be, sets that are whole, sizes that add up.
func FuzzListing(f *testing.F) {
	for _, seed := range []string{
		"[" + file("m-Q8_0-00001-of-00002.gguf", sumA, 5) + "," + file("m-Q8_0-00002-of-00002.gguf", sumB, 5) + "]",
		"[" + file("../m.gguf", sumA, 5) + "]",
		"[" + file("mmproj-F16.gguf", sumA, 5) + "," + file("UD-Q2_K/x.gguf", sumB, 1<<40) + "]",
		`[{"type":"file","path":"m.gguf","lfs":null,"size":-1}]`, `{}`, `[`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var lines []treeEntry
		if json.Unmarshal(data, &lines) != nil {
			return
		}
		h := &huggingFace{base: officialEndpoint}
		var files []File
		for _, line := range lines {
			file, ok, err := h.entry(line)
			if err != nil || !ok {
				continue
			}
			files = append(files, file)
		}
		variants, _ := Group(files)
		for _, v := range variants {
			if v.Size() < 0 || v.Size() > math.MaxInt64/2 || len(v.Files) == 0 {
				t.Fatalf("a variant of %d bytes in %d files", v.Size(), len(v.Files))
			}
			l := Listing{Ref: Ref{Repo: "u/r"}, Variants: variants}
			named := l.Named(v).Name()
			if _, err := ParseRef(named); err != nil {
				t.Fatalf("a variant is named %q, which is no name: %v", named, err)
			}
			if _, err := Pinned(l.Ref, sha1, v.Files); err != nil {
				t.Fatal(err)
			}
		}
	})
}
