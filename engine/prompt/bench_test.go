package prompt

import (
	"strings"
	"testing"
)

// BenchmarkRender lays out 200 turns of 2 KB with as many special
// tokens to look for as Llama 4 has names for (1,100 here).
func BenchmarkRender(b *testing.B) {
	in := Input{BOS: "<|begin_of_text|>", AddGenerationPrompt: true, Now: march, Specials: llama4Specials}
	for i := range 1100 {
		in.Specials = append(in.Specials, "<|vision_reserved_special_token_"+strings.Repeat("1", i%7)+string(rune('a'+i%26))+"|>")
	}
	text := strings.Repeat("some <code> and text, ", 100)
	for i := range 200 {
		in.Messages = append(in.Messages, Message{Role: []Role{User, Assistant}[i%2], Content: text})
	}
	builtin, _ := Builtin("llama4")
	for name, template := range map[string]*Template{
		"builtin": builtin, "jinja": parseTemplates(b)["llama4-json-tools.jinja"],
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(200 * len(text)))
			for b.Loop() {
				if _, err := template.Render(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
