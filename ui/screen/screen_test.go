package screen

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scout/engine"
	"scout/ui/cli"
	"scout/ui/settings"
)

func newKept(t *testing.T, text string) *kept {
	t.Helper()
	k := &kept{path: filepath.Join(t.TempDir(), "config.toml")}
	if text != "" {
		if err := os.WriteFile(k.path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

// TestThemeThereAndBack changes a setting and changes it back: the file follows.
func TestThemeThereAndBack(t *testing.T) {
	k := newKept(t, "theme = \"moss\" # mine\n")
	if problem := k.load(); problem != "" {
		t.Fatal(problem)
	}
	for _, name := range []string{"paper", "moss"} {
		if err := k.change(func(s *settings.Settings) { s.Theme = name }); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(k.path); err != nil || string(text) != "theme = \""+name+"\" # mine\n" {
			t.Errorf("the file is %q (%v)", text, err)
		}
	}
}

// TestProblemsAreSaid expects all that is wrong with the settings to be said.
func TestProblemsAreSaid(t *testing.T) {
	k := newKept(t, "them = \"moss\"\ncontext = -1\n")
	if problem := k.load(); !strings.Contains(problem, "them") || !strings.Contains(problem, "context") {
		t.Errorf("said is %q", problem)
	}
}

func TestAuto(t *testing.T) {
	k := newKept(t, "theme_dark = \"ember\"\ntheme_light = \"no such\"\n")
	k.load()
	if dark, light := k.auto(true), k.auto(false); dark.Name != "ember" || light.Dark {
		t.Errorf("dark is %s, light %s", dark.Name, light.Name)
	}
}

// TestLoaderRemembers expects the last model that could be opened to be kept, and
// neither the demo nor one that could not.
func TestLoaderRemembers(t *testing.T) {
	demo, err := os.ReadFile("../../testdata/models/tiny-scout-Q8_0.gguf")
	if err != nil {
		t.Fatal(err)
	}
	k := newKept(t, "context = 64\n")
	k.load()
	load := loader(cli.Screen{Open: func(ctx context.Context, name string, o engine.Options) (*engine.Model, error) {
		if name == "missing" {
			return nil, errors.New("no such model")
		}
		return engine.OpenEmbedded(ctx, name, demo, o)
	}}, k)
	for _, test := range []struct{ name, want string }{{"missing", ""}, {"demo", ""}, {"a.gguf", "a.gguf"}, {"missing", "a.gguf"}, {"demo", "a.gguf"}} {
		m, ref, err := load(context.Background(), test.name)
		if (err != nil) != (test.name == "missing") {
			t.Fatal(err)
		}
		if err == nil {
			if m.Context() != 64 || ref.Name != "Tiny Scout" || ref.Quant != "Q8_0" {
				t.Errorf("%s: a context of %d, %+v", test.name, m.Context(), ref)
			}
			if err := m.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if got := k.settings().Model; got != test.want {
			t.Errorf("after %s the model to begin with is %q, want %q", test.name, got, test.want)
		}
	}
}
