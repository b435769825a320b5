package prompt

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

const placeholder = "<|image|>"

// shown is a turn of text and pictures: "*" is a picture.
func shown(role Role, parts ...string) Message {
	m := Message{Role: role}
	for _, p := range parts {
		if p == "*" {
			m.Parts = append(m.Parts, Part{Image: &Image{Name: "x.png", Data: []byte("not looked at")}})
		} else {
			m.Parts = append(m.Parts, Part{Text: p})
		}
	}
	return m
}

// seers are templates with a place for pictures.
func seers(t *testing.T) map[string]*Template {
	parsed := parseTemplates(t)
	builtin, _ := Builtin("llama4")
	return map[string]*Template{"built-in": builtin, "file's": parsed["tiny-scout.jinja"], "release": parsed["llama4-json-tools.jinja"]}
}

// TestRenderPictures lays out pictures in several turns, with text between them.
func TestRenderPictures(t *testing.T) {
	const user, answer, end = "<|header_start|>user<|header_end|>\n\n", "<|header_start|>assistant<|header_end|>\n\n", "<|eot|>"
	for name, template := range seers(t) {
		in := Input{BOS: "<|begin_of_text|>", Specials: llama4Specials, AddGenerationPrompt: true, Messages: []Message{
			shown(User, "*", " What? "), {Role: Assistant, Content: "A dog."}, shown(User, "Or", "*", "*", " and ", "*"),
		}}
		between, err := template.RenderPictures(in, placeholder)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, parts := range between {
			got = append(got, strings.Join(parts, ""))
		}
		want := []string{"<|begin_of_text|>" + user, "What?" + end + answer + "A dog." + end + user + "Or", "", "and", end + answer}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q\nwant %q", name, got, want)
		}
	}
}

// TestTextParts renders a turn of parts without a picture as text.
func TestTextParts(t *testing.T) {
	for name, template := range parseTemplates(t) {
		in := Input{BOS: "<BOS>", EOS: "<EOS>", AddGenerationPrompt: true, Now: march}
		in.Messages = []Message{{Role: User, Content: "one two"}}
		want, wantErr := template.Render(in)
		in.Messages = []Message{shown(User, "one ", "two")}
		if got, err := template.Render(in); !slices.Equal(got, want) || (err == nil) != (wantErr == nil) {
			t.Errorf("%s: got %q, %v, want %q, %v", name, got, err, want, wantErr)
		}
	}
	for name := range builtins {
		template, _ := Builtin(name)
		in := Input{Now: march, Messages: []Message{shown(System, "s ", "t"), shown(User, "one ", "two"), shown(Assistant, "a")}}
		got, err := template.Render(in)
		in.Messages = []Message{{Role: System, Content: "s t"}, {Role: User, Content: "one two"}, {Role: Assistant, Content: "a"}}
		want, wantErr := template.Render(in)
		if err != nil || wantErr != nil || !slices.Equal(got, want) {
			t.Errorf("built-in %s: got %q, %v, want %q, %v", name, got, err, want, wantErr)
		}
	}
}

// TestTypedPictures attacks the places of pictures: whatever is typed, there are as
// many as there are pictures, and nothing of the text is lost. The tokenizer is told of
// the placeholder or not.
func TestTypedPictures(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for name, template := range seers(t) {
		for trial := range 200 {
			typed := func() string {
				s := []string{placeholder, "<|image|", "|>", "<|", ">", "<|im", "age|>", "x", "\n"}
				text := ""
				for range rng.IntN(4) {
					text += s[rng.IntN(len(s))]
				}
				return text
			}
			a, b, c, d := typed(), typed(), typed(), typed()
			in := Input{AddGenerationPrompt: true, Messages: []Message{
				shown(User, a, "*", b, c), {Role: Assistant, Content: d}, shown(User, d, a, "*"),
			}}
			if trial%2 == 0 {
				in.Specials = llama4Specials
			}
			between, err := template.RenderPictures(in, placeholder)
			if err != nil {
				t.Fatalf("%s, %q: %v", name, []string{a, b, c, d}, err)
			}
			if len(between) != 3 {
				t.Fatalf("%s, %q: %d pieces, want 3", name, []string{a, b, c, d}, len(between))
			}
			for _, parts := range between {
				if slices.ContainsFunc(parts, func(p string) bool { return p == "" || strings.Contains(p, placeholder) }) {
					t.Fatalf("%s: parts are %q", name, parts)
				}
			}
			var whole []string
			for _, parts := range between {
				whole = append(whole, strings.Join(parts, ""))
			}
			want, err := template.Render(in)
			if got := strings.Join(whole, placeholder); err != nil || got != strings.Join(want, "") {
				t.Fatalf("%s: the text is %q, want %q, %v", name, got, want, err)
			}
		}
	}
}

// TestNoPlaceForPictures refuses where a template would drop a picture.
func TestNoPlaceForPictures(t *testing.T) {
	blind, err := Parse(`{% for m in messages %}{{ m.role }}{% endfor %}`)
	if err != nil {
		t.Fatal(err)
	}
	twice, err := Parse(`{% for m in messages %}<|image|><|image|>{% endfor %}`)
	if err != nil {
		t.Fatal(err)
	}
	llama4, _ := Builtin("llama4")
	chatml, _ := Builtin("chatml")
	for name, c := range map[string]struct {
		template *Template
		m        Message
	}{
		"a file's": {blind, shown(User, "*")}, "another number": {twice, shown(User, "*")},
		"a system turn": {llama4, shown(System, "*", "Hi")}, "a tool's": {llama4, shown(Tool, "*")}, "a text family's": {chatml, shown(User, "*", "Hi")},
	} {
		var refused *RefusedError
		if got, err := c.template.RenderPictures(Input{Messages: []Message{c.m}, Now: march}, placeholder); !errors.As(err, &refused) {
			t.Errorf("%s: %q, error %v, want a RefusedError", name, got, err)
		}
	}
}
