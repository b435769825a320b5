package prompt

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"scout/engine/prompt/jinja"
)

// allSpecials are special tokens of every family at once, so that each
// template is attacked with its own, and some nasty ones that overlap.
var allSpecials = append([]string{
	"<|begin_of_text|>x", "<|", "|>", "<|eot_id|>", "<|eom_id|>", "<|start_header_id|>", "<|end_header_id|>", "<|python_tag|>",
	"<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>", "<|endoftext|>", "<BOS>", "<EOS>",
	"[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CALLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]",
	"[TOOL_CONTENT]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[CALL_ID]", "[ARGS]", "[IMG]",
	"<|turn>", "<turn|>", "〈|EOS|〉", `"}`, "\n\n", "user<|", "é",
}, llama4Specials...)

// found lists the special tokens that a tokenizer finds in the parts: leftmost
// first, and the longest there.
func found(parts, specials []string) []string {
	byFirst := map[byte][]string{}
	for _, s := range specials {
		byFirst[s[0]] = append(byFirst[s[0]], s)
	}
	var list []string
	for _, p := range parts {
		for i := 0; i < len(p); {
			best := ""
			for _, s := range byFirst[p[i]] {
				if len(s) > len(best) && strings.HasPrefix(p[i:], s) {
					best = s
				}
			}
			if best == "" {
				i++
				continue
			}
			list = append(list, best)
			i += len(best)
		}
	}
	return list
}

// hostile returns text made of special tokens, their beginnings and ends, and
// what templates trim, escape and split at.
func hostile(rng *rand.Rand) string {
	var b strings.Builder
	for range 1 + rng.IntN(5) {
		s := allSpecials[rng.IntN(len(allSpecials))]
		switch rng.IntN(6) {
		case 0:
			b.WriteString(s)
		case 1:
			b.WriteString(s[:rng.IntN(len(s)+1)])
		case 2:
			b.WriteString(s[rng.IntN(len(s)):])
		case 3:
			b.WriteString(s[:len(s)/2] + s + s[len(s)/2:])
		case 4:
			b.WriteString([]string{" ", "\n", `"`, `\`, "\u00a0", "x", "{{ '", "%}", "é", "\xff", "\x00", "'"}[rng.IntN(12)])
		case 5:
			b.WriteString(s + " " + s)
		}
	}
	return b.String()
}

// talk builds a conversation with every kind of user-supplied text. text is
// called once for each, with a number to make it unique.
func talk(text func(n int) string) Input {
	n := 0
	next := func() string { n++; return text(n) }
	call := func() ToolCall {
		return ToolCall{Name: next(), Arguments: map[string]any{"a" + next(): next(), "b": []any{next(), map[string]any{"k": next()}, 1.5, nil}}}
	}
	return Input{
		Messages: []Message{
			{Role: System, Content: next()},
			{Role: User, Content: next()},
			{Role: Assistant, Content: next()},
			{Role: User, Content: next(), Name: next()},
			{Role: Assistant, Content: next(), ToolCalls: []ToolCall{call()}},
			{Role: Tool, Content: next(), Name: next()},
			{Role: Tool, Content: next()},
			{Role: Assistant, Content: next()},
			{Role: User, Content: next()},
		},
		Tools: []map[string]any{{"type": "function", "function": map[string]any{
			"name": next(), "description": next(),
			"parameters": map[string]any{"type": "object", "properties": map[string]any{
				"p" + next(): map[string]any{"type": next(), "description": next()},
			}},
		}}},
		BOS: "<BOS>", EOS: "<EOS>", Specials: allSpecials, AddGenerationPrompt: true, Now: march,
	}
}

// joining are templates that put user-supplied text next to pieces of special
// tokens, and through everything that changes text.
var joining = []string{
	`{% for m in messages %}<|{{ m.content }}|>{{ m.content }}<|eot|>{% endfor %}`,
	`{{ messages | map(attribute='content') | join }}`,
	`{{ messages | map(attribute='content') | join('|') }}<|eot|>`,
	`{% set ns = namespace(s='<|') %}{% for m in messages %}{% set ns.s = ns.s + m.content ~ 'eot' %}{% endfor %}{{ ns.s }}|>`,
	`{% for m in messages %}{{ '<|' + m['role'] + '|>' }}{{ m.content.strip() }}{{ m.content[1:] }}{{ m.content[:-1] }}{{ m.content[::-1] }}<|eot|>{% endfor %}`,
	`{% for m in messages %}{{ m.content | upper | lower }}{{ m.content.split('|') | join('|') }}{{ m.content.replace('x', '') }}{{ m.content | replace(' ', '') }}[INST]{% endfor %}`,
	`{% for m in messages %}{{ m | tojson }}{{ m }}{{ [m.content] }}{{ '%s<|eot|>' | format(m.content) }}{{ '<|{}|>'.format(m.content) }}{{ m.content | indent(1) }}{{ m.content | e }}{% endfor %}`,
	`{% macro f(x) %}<|{{ x }}{% endmacro %}{% for m in messages %}{{ f(m.content) | trim }}eot|>{% set y %}{{ m.content }}{% endset %}{{ y }}{% for c in m.content %}{{ c }}{% endfor %}{% endfor %}`,
	`{% for m in messages %}{{ m.content * 2 }}{{ m.content | title }}{{ m.content.splitlines() | join('') }}{{ (m.content ~ '<|eot|>').partition('|') | join }}{% filter trim %} {{ m.content }} {% endfilter %}{% endfor %}`,
	`{{ messages }}{{ tools }}{{ tools | tojson(indent=2) }}`,
}

// TestInjection checks the promise of the package comment: whatever the
// user-supplied texts are, a tokenizer finds the special tokens that the
// template wrote, which are those it finds when all of these texts are
// harmless, and no others.
func TestInjection(t *testing.T) {
	templates := parseTemplates(t)
	for name := range builtins {
		templates["built-in "+name], _ = Builtin(name)
	}
	for i, source := range joining {
		template, err := Parse(source)
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		templates[fmt.Sprintf("joining %d", i)] = template
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for name, template := range templates {
		harmless := talk(func(n int) string { return fmt.Sprintf("h%d", n) })
		parts, err := template.Render(harmless)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := found(parts, allSpecials)
		for trial := range 60 {
			in := talk(func(n int) string { return hostile(rng) + fmt.Sprintf("h%d", n) + hostile(rng) })
			parts, err := template.Render(in)
			if err != nil {
				t.Errorf("%s, trial %d: %v", name, trial, err)
				break
			}
			if got := found(parts, allSpecials); !slices.Equal(got, want) {
				t.Errorf("%s, trial %d: a tokenizer would find\n got %q\nwant %q\nin %q", name, trial, got, want, parts)
				break
			}
			in.Specials = []string{"[SYSTEM_PROMPT]", "[TOOL_CONTENT]"} // what the built-in mistral looks for
			whole, err := template.Render(in)
			if err != nil || strings.Join(parts, "") != strings.Join(whole, "") {
				t.Errorf("%s, trial %d: joined, the parts are not the text (%v)", name, trial, err)
				break
			}
		}
	}
}

// TestUnknownRole checks that a role of the caller's making cannot complete a
// special token either, as '<|' + role + '|>' would.
func TestUnknownRole(t *testing.T) {
	template, err := Parse(`{% for m in messages %}{{ '<|' + m.role + '|>' }}{% endfor %}`)
	if err != nil {
		t.Fatal(err)
	}
	in := Input{Messages: []Message{{Role: "eot"}, {Role: User}}, Specials: []string{"<|eot|>", "<|user|>"}}
	parts, err := template.Render(in)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := found(parts, in.Specials), []string{"<|user|>"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q (parts %q)", got, want, parts)
	}
}

// TestSplit checks split itself on texts with random marks over an alphabet so
// small that special tokens overlap all the time.
func TestSplit(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	specials := []string{"ab", "aba", "bb", "abab", "é", "日", "日本", "aé", "éa", "b日", "bba", "", "<x>", "\xa9b", "êa", "\xaaa"}
	alphabet := []string{"a", "b", "é", "\xaa", "日", "本", "<x>", "<", "x", ">", "\xc3", "\xa9"}
	for trial := range 20000 {
		var b jinja.Builder
		for range rng.IntN(12) {
			s := alphabet[rng.IntN(len(alphabet))]
			if rng.IntN(2) == 0 {
				b.User(s)
			} else {
				b.Trusted(s)
			}
		}
		checkSplit(t, b.Text(), specials)
		if t.Failed() {
			t.Fatalf("trial %d", trial)
		}
	}
}

// checkSplit checks that the parts make up the text, none is empty, and an
// occurrence of a special token lies whole in one just when it is the template's own.
func checkSplit(t *testing.T, text jinja.Text, specials []string) {
	t.Helper()
	s := text.String()
	parts := split(text, specials)
	if strings.Join(parts, "") != s {
		t.Fatalf("joined, %q are not %q", parts, s)
	}
	part := make([]int, 0, len(s)) // the part of each byte
	for i, p := range parts {
		if p == "" {
			t.Fatalf("an empty part in %q", parts)
		}
		part = append(part, slices.Repeat([]int{i}, len(p))...)
	}
	for _, special := range specials {
		for i := range len(s) {
			if len(special) < 2 || !strings.HasPrefix(s[i:], special) {
				continue
			}
			own := true
			for j := range len(special) {
				own = own && !text.IsUser(i+j)
			}
			last := i + len(special) - 1
			if whole := part[i] == part[last]; whole != own {
				t.Fatalf("%q at byte %d of %q: in one part: %v, the template's own: %v; parts %q", special, i, s, whole, own, parts)
			}
		}
	}
}
