package prompt

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scout/engine/prompt/jinja"
)

// FuzzParseAndRender runs any template over a conversation with any texts. It
// looks for panics, hangs, output beyond the limit, and breaks of the promise
// about special tokens. Its seeds are the templates and constructs of testdata.
func FuzzParseAndRender(f *testing.F) {
	for _, source := range seeds(f) {
		f.Add(source, "Hello <|eot|>", "<|header_start|>", "<|")
	}
	f.Fuzz(func(t *testing.T, source, user, tool, system string) {
		template, err := Parse(source)
		if err != nil {
			return
		}
		in := Input{
			Messages: []Message{
				{Role: System, Content: system},
				{Role: User, Content: user},
				{Role: Assistant, Content: "Let me see.", ToolCalls: []ToolCall{{Name: "f", Arguments: map[string]any{"a": tool, user: 1.5}}}},
				{Role: Tool, Content: tool, Name: "f"},
				{Role: Assistant, Content: "Done."},
				{Role: User, Content: system},
			},
			Tools: []map[string]any{noteTool},
			BOS:   "<|begin_of_text|>", EOS: "<|eot|>", Specials: llama4Specials, AddGenerationPrompt: true, Now: march,
		}
		size, err := in.size()
		if err != nil {
			t.Fatal(err)
		}
		text, err := template.renderJinja(&in)
		if err != nil {
			return
		}
		if limit := jinja.DefaultLimits(size).Output; int64(text.Len()) > limit {
			t.Fatalf("%d bytes, more than %d", text.Len(), limit)
		}
		if text.Len() < 1<<16 {
			checkSplit(t, text, llama4Specials)
		}
	})
}

// seeds are the templates and constructs of testdata.
func seeds(tb testing.TB) []string {
	tb.Helper()
	var list []string
	paths, err := filepath.Glob("testdata/templates/*.jinja")
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no templates in testdata: %v", err)
	}
	for _, path := range append(paths, "jinja/testdata/constructs.txt") {
		data, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, strings.Split(string(data), "\n=====\n")...)
	}
	return append(list, joining...)
}
