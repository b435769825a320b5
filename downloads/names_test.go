package downloads

import (
	"errors"
	"strings"
	"testing"

	"scout/downloads/disk/disktest"
)

// catalogue knows the model of the test hub by a short name.
func catalogue(model, quant string) (repo, spelled string, ok bool) {
	if !strings.EqualFold(model, "tiny:scout") {
		return "", "", false
	}
	return repository, strings.ToUpper(strings.ReplaceAll(quant, "-", "_")), true
}

// Every spelling of a model's name is the same model: to pull it, and to find it.
func TestSpellings(t *testing.T) {
	spellings := []string{
		name, stored1, "HF.co/" + name, "https://huggingface.co/someone/Scout-GGUF/blob/main/Q4_K_M/Scout-Q4_K_M-00002-of-00002.gguf",
		"tiny:scout:Q4_K_M", "tiny:scout:q4_k_m", "Tiny:Scout@q4-k-m", "tiny:scout-q4_K_M", "tiny:scout-Q4-K-M", "ollama.com/library/tiny:scout-q4_K_M",
	}
	for _, first := range spellings {
		t.Run(first, func(t *testing.T) {
			s, _ := newHub(t)
			d := open(t, s, disktest.NewMemory(), nil)
			d.published = catalogue
			if r := mustPull(t, d, first); r.Name != stored1 {
				t.Fatalf("it is stored as %s", r.Name)
			}
			sent := s.Sent()
			for _, again := range append(spellings, repository, "tiny:scout") {
				if m, err := d.Path(again); err != nil || m.Name != stored1 {
					t.Errorf("Path(%q) = %s, %v", again, m.Name, err)
				}
			}
			for _, again := range spellings {
				if r := mustPull(t, d, again); !r.Already || r.Name != stored1 {
					t.Errorf("Pull(%q) = %+v", again, r)
				}
			}
			if s.Sent() != sent {
				t.Errorf("%d bytes were sent for what is here", s.Sent()-sent)
			}
		})
	}
}

// A short name that the registry does not have lists what the catalogue's
// repository has; one that nobody has is what the registry says.
func TestShortNameIsAmbiguous(t *testing.T) {
	s, _ := newHub(t)
	d := open(t, s, disktest.NewMemory(), nil)
	d.published = catalogue
	var several *AmbiguousError
	if _, err := pull(t, d, "tiny:scout", Options{}); !errors.As(err, &several) || len(several.Choices) != 2 {
		t.Errorf("Pull = %v, want the two choices", err)
	}
	var said []string
	l, err := d.Look(t.Context(), "tiny:scout", Options{Each: func(p Progress) { said = append(said, p.Notices...) }})
	if err != nil || len(l.Variants) != 2 {
		t.Errorf("Look = %+v, %v", l, err)
	}
	if len(said) != 1 || said[0] != "the Ollama registry has no tiny:scout: taking hf.co/"+repository {
		t.Errorf("it said %q", said)
	}
	_, err = pull(t, d, "tiny:maverick", Options{})
	mustSay(t, err, "there is no model tiny:maverick at", "ollama.com/library")
	for _, q := range []string{"Q4_K_M", "Q8_0"} {
		mustPull(t, d, "tiny:scout:"+q)
	}
	var stored *SeveralError
	if _, err := d.Path("tiny:scout"); !errors.As(err, &stored) || len(stored.Names) != 2 {
		t.Errorf("Path = %v, want both names", err)
	}
	mustSay(t, stored, "tiny:scout is stored in 2 variants: name one of", stored1+" (550.0 kB)", "hf.co/"+repository+":Q8_0 (450.0 kB)")
}
