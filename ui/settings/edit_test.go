package settings

import (
	"reflect"
	"strings"
	"testing"
)

// TestEdit holds the text after a change against what a person would want to
// find: only the one thing is different.
func TestEdit(t *testing.T) {
	for _, test := range []struct {
		name, text string
		path       []string
		value      any // nil removes
		want       string
	}{
		{"in place", "# a\n theme  =  'moss'  # b\nkv = \"f16\"\n", []string{"theme"}, "dusk", "# a\n theme  =  \"dusk\"  # b\nkv = \"f16\"\n"},
		{"in place, Windows", "theme = \"a\"\r\nkv = \"f16\"\r\n", []string{"theme"}, "b", "theme = \"b\"\r\nkv = \"f16\"\r\n"},
		{"in place of lines", "theme = \"\"\"\na\"\"\" # x\nkv = \"f16\"", []string{"theme"}, "b", "theme = \"b\" # x\nkv = \"f16\""},
		{"in place of a list", "[keys]\nsend = [\n  \"a\", # x\n]\n", []string{"keys", "send"}, []string{"b", "c"}, "[keys]\nsend = [\"b\", \"c\"]\n"},
		{"in a dotted key", "keys.send = []\n", []string{"keys", "send"}, []string{"b"}, "keys.send = [\"b\"]\n"},
		{"within braces", "presets = { a = { top_p = 1, top_k = 2 } }\n", []string{"presets", "a", "top_p"}, float32(0.5), "presets = { a = { top_p = 0.5, top_k = 2 } }\n"},

		{"new, empty file", "", []string{"theme"}, "b", "theme = \"b\"\n"},
		{"new, only a mark", "\xef\xbb\xbf", []string{"theme"}, "b", "\xef\xbb\xbftheme = \"b\"\n"},
		{"new, no line break", "# a", []string{"theme"}, "b", "# a\ntheme = \"b\"\n"},
		{"new under its comment", "# x\n# theme = \"auto\"\n\n# kv = 1\n[keys]\n# theme = 2\n", []string{"theme"}, "b", "# x\n# theme = \"auto\"\ntheme = \"b\"\n\n# kv = 1\n[keys]\n# theme = 2\n"},
		{"new, comment is in a text", "editor = '''\n# theme = 1'''\n[keys]\n", []string{"theme"}, "b", "editor = '''\n# theme = 1'''\ntheme = \"b\"\n[keys]\n"},
		{"new under the last", "  kv = 1 # k\n\n[keys]\n", []string{"theme"}, "b", "  kv = 1 # k\n  theme = \"b\"\n\n[keys]\n"},
		{"new under the last with a mark", "\xef\xbb\xbfkv = 1\n", []string{"theme"}, "b", "\xef\xbb\xbfkv = 1\ntheme = \"b\"\n"},
		{"new over a table and its comment", "# file\n\n# of keys\n# too\n[keys]\na = []\n", []string{"theme"}, "b", "# file\n\ntheme = \"b\"\n\n# of keys\n# too\n[keys]\na = []\n"},
		{"new over a table, with a mark", "\xef\xbb\xbf[keys]\n", []string{"theme"}, "b", "\xef\xbb\xbftheme = \"b\"\n\n[keys]\n"},
		{"new, Windows", "kv = 1\r\n[keys]\r\n", []string{"theme"}, "b", "kv = 1\r\ntheme = \"b\"\r\n[keys]\r\n"},
		{"new in a table", "[keys]\n\ta = [] # x\n\n# about b\n[prompts]\nc = \"\"\n", []string{"keys", "send"}, []string{}, "[keys]\n\ta = [] # x\n\tsend = []\n\n# about b\n[prompts]\nc = \"\"\n"},
		{"new in an empty table", "[keys] # x\n\n[prompts]\n", []string{"keys", "send"}, []string{}, "[keys] # x\nsend = []\n\n[prompts]\n"},
		{"new table", "kv = 1", []string{"prompts", "my one"}, "x", "kv = 1\n\n[prompts]\n\"my one\" = \"x\"\n"},
		{"new table, empty file", "", []string{"prompts", "a"}, "x", "[prompts]\na = \"x\"\n"},
		{"new beside a dotted key", "keys.a = []\nkv = 1\n", []string{"keys", "send"}, []string{}, "keys.a = []\nkeys.send = []\nkv = 1\n"},
		{"new beside a dotted key in a table", "[presets]\na.top_p = 1\n", []string{"presets", "a", "top_k"}, int64(3), "[presets]\na.top_p = 1\na.top_k = 3\n"},
		{"new within braces", "keys = { a = [] }\n", []string{"keys", "send"}, []string{}, "keys = { send = [], a = [] }\n"},
		{"new within empty braces", "keys = {}\n", []string{"keys", "send"}, []string{}, "keys = { send = [] }\n"},
		{"new within braces of a comment", "keys = {\n # x\n}\n", []string{"keys", "send"}, []string{}, "keys = { send = []\n # x\n}\n"},
		{"new within outer braces", "presets = { b = {} }\n", []string{"presets", "a", "top_k"}, int64(3), "presets = { a.top_k = 3, b = {} }\n"},
		{"lines", "prompts.a = ''\n", []string{"prompts", "a"}, "x\n\"y\"\\", "prompts.a = \"\"\"\nx\n\"y\"\\\\\"\"\"\n"},
		{"lines within braces", "prompts = { a = '' }\n", []string{"prompts", "a"}, "x\ny", "prompts = { a = \"x\\ny\" }\n"},
		{"lines, Windows", "prompts.a = ''\r\n", []string{"prompts", "a"}, "x\ny", "prompts.a = \"x\\ny\"\r\n"},

		{"remove", "a = 1\ntheme = 'x'\nb = 1\n", []string{"theme"}, nil, "a = 1\nb = 1\n"},
		{"remove, Windows", "a = 1\r\ntheme = 'x'\r\nb = 1\r\n", []string{"theme"}, nil, "a = 1\r\nb = 1\r\n"},
		{"remove, comment stays", "# over\n  theme = 'x' # beside\n# under", []string{"theme"}, nil, "# over\n  # beside\n# under"},
		{"remove the last", "a = 1\ntheme = 'x'", []string{"theme"}, nil, "a = 1\n"},
		{"remove what is not there", "a = 1\n", []string{"theme"}, nil, "a = 1\n"},
		{"remove a table", "a = 1\n\n[presets.x] # why\ntop_k = 1\n# c\n[presets.x.deep]\n\n[presets.y]\n", []string{"presets", "x"}, nil, "a = 1\n\n# why\n# c\n\n[presets.y]\n"},
		{"remove a table at the end", "a = 1\n\n[presets.x]\ntop_k = 1\n", []string{"presets", "x"}, nil, "a = 1\n"},
		{"remove a dotted table", "presets.x.top_k = 1\npresets.x.top_p = 1\npresets.y = {}\n", []string{"presets", "x"}, nil, "presets.y = {}\n"},
		{"remove the first within braces", "p = { a = 1, b = 2 }\n", []string{"p", "a"}, nil, "p = { b = 2 }\n"},
		{"remove the middle within braces", "p = { a = 1, b = 2, c = 3 }\n", []string{"p", "b"}, nil, "p = { a = 1, c = 3 }\n"},
		{"remove the last within braces", "p = { a = 1, b = 2 }\n", []string{"p", "b"}, nil, "p = { a = 1 }\n"},
		{"remove the only within braces", "p = { a = 1 }\n", []string{"p", "a"}, nil, "p = { }\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := remove(test.text, test.path)
			if test.value != nil {
				got, err = put(test.text, test.path, test.value)
			}
			if err != nil || got != test.want {
				t.Fatalf("got  %q, %v\nwant %q", got, err, test.want)
			}
			checkLayout(t, got)
		})
	}
}

func TestAddTable(t *testing.T) {
	path := []string{"presets", "x"}
	for text, want := range map[string]string{
		"":                       "[presets.x]\n",
		"a = 1\n":                "a = 1\n\n[presets.x]\n",
		"[presets.x]\n":          "[presets.x]\n",
		"presets.x.top_k = 1\n":  "presets.x.top_k = 1\n",
		"presets.x = {}\n":       "presets.x = {}\n",
		"[presets.x.y]\n":        "[presets.x.y]\n",
		"presets = { a = {} }\n": "presets = { x = {}, a = {} }\n",
		"[presets]\n":            "[presets]\n\n[presets.x]\n",
	} {
		if got, err := addTable(text, path); err != nil || got != want {
			t.Errorf("%q became %q, %v, want %q", text, got, err, want)
		}
	}
}

// TestQuote expects every text to be read as it was written, in each way to
// write it.
func TestQuote(t *testing.T) {
	texts := []string{"", `"`, `""`, `"""`, `""""""""`, "\n", "\n\n", " \n", "a\n\"", "a\n\"\"\"b\n\\", "\t\x01\x7f\r\u0085\u2028é😀", "\\", `\n`, "a\r\nb", "''' # x"}
	for _, text := range texts {
		for _, oneLine := range []bool{true, false} {
			r := render(text, oneLine)
			got, problems, err := parse("[prompts]\na = \"x\"\n[presets.a]\nstop = [" + quote(text+"x") + "]\n[presets.b]\nstop = [" + r + ", \"x\"]\n")
			if text == "" {
				continue // no text to stop before
			}
			if err != nil || len(problems) != 0 || !reflect.DeepEqual(got.Presets["a"].Stop, []string{text + "x"}) || !reflect.DeepEqual(got.Presets["b"].Stop, []string{text, "x"}) {
				t.Errorf("%q, one line %v, is written %s and read %q, %q, %v, %v", text, oneLine, r, got.Presets["a"].Stop, got.Presets["b"].Stop, problems, err)
			}
			if oneLine && strings.Contains(r, "\n") {
				t.Errorf("%q has two lines", r)
			}
		}
	}
}
