package prompt

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// march is the date of the goldens.
var march = time.Date(2026, 3, 5, 7, 8, 9, 0, time.UTC)

// goldens is testdata/goldens.json.
type goldens struct {
	Conversations map[string][]Message
	Tools         []map[string]any
	Cases         []struct {
		Template, Conversation string
		Tools, Generate        bool
		Want, Refuses          *string
	}
}

// TestTemplatesMatchJinja renders the templates of testdata and compares with
// what Jinja2 itself makes of them (testdata/make_goldens.py). Where Jinja2
// fails, so must we.
func TestTemplatesMatchJinja(t *testing.T) {
	var g goldens
	readJSON(t, "goldens.json", &g)
	templates := parseTemplates(t)
	for _, c := range g.Cases {
		in := Input{
			Messages: g.Conversations[c.Conversation],
			BOS:      "<BOS>", EOS: "<EOS>",
			AddGenerationPrompt: c.Generate,
			Now:                 march,
		}
		if c.Tools {
			in.Tools = g.Tools
		}
		parts, err := templates[c.Template].Render(in)
		got := strings.Join(parts, "")
		var refused *RefusedError
		switch {
		case c.Refuses != nil:
			if !errors.As(err, &refused) || refused.Reason != *c.Refuses {
				t.Errorf("%s, %q: error %v, want the refusal %q", c.Template, c.Conversation, err, *c.Refuses)
			}
		case c.Want == nil:
			if err == nil {
				t.Errorf("%s, %q: got %q, want an error", c.Template, c.Conversation, got)
			}
		case err != nil:
			t.Errorf("%s, %q: %v", c.Template, c.Conversation, err)
		case got != *c.Want:
			t.Errorf("%s, %q, tools %v\n got %q\nwant %q", c.Template, c.Conversation, c.Tools, got, *c.Want)
		}
	}
}

// TestTinyScoutPrompts compares with the prompts that the tiny model's expected
// answers were made with: its own template and the built-in one must both
// give them.
func TestTinyScoutPrompts(t *testing.T) {
	var cases []struct {
		System   *string
		Messages []string
		Prompt   string
	}
	readJSON(t, "llama4.json", &cases)
	if len(cases) != 24 {
		t.Fatalf("got %d cases, want 24", len(cases))
	}
	builtin, ok := Builtin("llama4")
	if !ok {
		t.Fatal("there is no built-in llama4")
	}
	for name, template := range map[string]*Template{
		"built-in": builtin, "file's": parseTemplates(t)["tiny-scout.jinja"],
	} {
		for _, c := range cases {
			in := Input{BOS: "<|begin_of_text|>", Specials: llama4Specials, AddGenerationPrompt: true}
			if c.System != nil {
				in.Messages = append(in.Messages, Message{Role: System, Content: *c.System})
			}
			for i, m := range c.Messages {
				in.Messages = append(in.Messages, Message{Role: []Role{User, Assistant}[i%2], Content: m})
			}
			parts, err := template.Render(in)
			if err != nil {
				t.Errorf("%s template, %q: %v", name, c.Messages, err)
				continue
			}
			if got := strings.Join(parts, ""); got != c.Prompt {
				t.Errorf("%s template\n got %q\nwant %q", name, got, c.Prompt)
			}
			if len(parts) != 1 {
				t.Errorf("%s template, %q: %d parts without anything to keep apart, want 1", name, c.Messages, len(parts))
			}
		}
	}
}

// llama4Specials are the special tokens of a Llama 4 vocabulary that matter here.
var llama4Specials = []string{
	"<|begin_of_text|>", "<|end_of_text|>", "<|header_start|>", "<|header_end|>", "<|eom|>", "<|eot|>",
	"<|step|>", "<|python_start|>", "<|python_end|>", "<|image_start|>", "<|image_end|>", "<|image|>", "<|patch|>",
}

// parseTemplates parses every template of testdata.
func parseTemplates(t testing.TB) map[string]*Template {
	t.Helper()
	paths, err := filepath.Glob("testdata/templates/*.jinja")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no templates in testdata: %v", err)
	}
	templates := map[string]*Template{}
	for _, path := range paths {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		template, err := Parse(string(source))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		templates[filepath.Base(path)] = template
	}
	return templates
}

func readJSON(t testing.TB, name string, v any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}
