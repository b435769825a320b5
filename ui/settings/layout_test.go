package settings

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// seeds is texts with everything that TOML has.
var seeds = []string{
	"", "\n", "# only a comment", "\xef\xbb\xbftheme = \"moss\"\n", "theme = \"moss\"\r\ncontext = 5 # five\r\n[keys]\r\nsend = []\r\n",
	"a = 1\n[t]\nb = 2\n[t.u]\nc = 3\n[[l]]\nd = 4\n[[l]]\nd = 5\n[ t . \"x y\" ]\ne = 6\n",
	"keys.send = [\"a\"]\nkeys.\"stop\" = \"b\"\n'presets'.calm.top_p = 0.5\n",
	"presets = { calm = { top_p = 0.5, top_k = 3 }, b = {} } # why\n",
	"presets = {\n  calm = { top_p = 0.5 }, # one\n  # two\n  b.top_k = 1,\n}\n",
	"a = \"x # no comment \\\" ] } \\\\\" # yes\nb = 'c:\\' # x\nc = \"\"\"\n[not.a.table]\nd = 1 \\\"\"\" \"\" \\\n  x\"\"\"\"\"\nd = '''\n''x''''' \n",
	"a = [ 1, [2, 3], # c ]\n  { b = 1, c = [\"]\"] },\n]\nb = 2026-11-24 20:00:00Z # t\nc = 1979-05-27T07:32:00\nd = +1e5\n",
	"a=1#x\nb  =  [  ]\n   c.d   =   true   \n",
	Document(), "[presets.\"my one\"]\n# inside\ntemperature = 0.5 # half\n\n[prompts]\na = \"\"\"\nline\nline\"\"\" # end\n",
	"theme = 5\ncontext = \"x\"\n[presets]\n[presets.a]\n[presets.a.b]\nx = 1\n", "\"\" = 1\n\"a\\u00e9\\\"b\" = 2\n",
}

// checkLayout expects the layout of a text that TOML's reader takes to have
// every value once, where its text is.
func checkLayout(t *testing.T, text string) {
	t.Helper()
	var values map[string]any
	if !utf8.ValidString(text) || toml.Unmarshal([]byte(text), &values) != nil {
		return
	}
	items, err := layout(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	if twice(items) >= 0 {
		return // there is no telling which value counts
	}
	found, listed := map[string]bool{}, false
	for _, it := range items {
		if it.start > it.value || it.value > it.end || it.end > len(text) || it.line != 1+strings.Count(text[:it.start], "\n") {
			t.Fatalf("%q: item %+v", text, it)
		}
		if it.header {
			listed = listed || it.list
			continue
		}
		key := strings.Join(it.path, "\x00")
		if found[key] && !listed {
			t.Errorf("%q: %q is there twice", text, it.path)
		}
		found[key] = true
		var one struct{ X any }
		if err := toml.Unmarshal([]byte("X = "+text[it.value:it.end]), &one); err != nil {
			t.Fatalf("%q: the value of %q is %q: %v", text, it.path, text[it.value:it.end], err)
		}
		if want, ok := at(values, it.path); !listed && (!ok || !reflect.DeepEqual(want, one.X) && fmt.Sprint(want) != "NaN") {
			t.Errorf("%q: the value of %q is %v, want %v", text, it.path, one.X, want)
		}
	}
	if listed {
		return // values within lists of tables have no one path
	}
	var walk func(path []string, v any)
	walk = func(path []string, v any) {
		if table, ok := v.(map[string]any); ok && !found[strings.Join(path, "\x00")] {
			for key, v := range table {
				walk(append(slices.Clone(path), key), v)
			}
		} else if !found[strings.Join(path, "\x00")] {
			t.Errorf("%q: %q has no item", text, path)
		}
	}
	for key, v := range values {
		walk([]string{key}, v)
	}
}

// at is what a path leads to.
func at(values map[string]any, path []string) (any, bool) {
	v, ok := values[path[0]]
	if len(path) == 1 || !ok {
		return v, ok
	}
	table, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	return at(table, path[1:])
}

func TestLayout(t *testing.T) {
	for _, text := range seeds {
		checkLayout(t, text)
	}
	items, err := layout("presets = {\n  calm = { top_p = 0.5 }, # one\n  b.top_k = 1 }\n[ k . \"x y\" ]\n  a . b = '''x''' # c\n")
	if err != nil || len(items) != 6 {
		t.Fatalf("%d items, %v, want 6", len(items), err)
	}
	calm, b, last := items[1], items[3], items[5]
	if !slices.Equal(calm.path, []string{"presets", "calm"}) || calm.line != 2 || calm.commaBefore != -1 || calm.commaAfter < 0 || !calm.table || !calm.inside {
		t.Errorf("calm is %+v", calm)
	}
	if !slices.Equal(b.path, []string{"presets", "b", "top_k"}) || b.commaBefore != calm.commaAfter || b.commaAfter != -1 || b.section != 1 {
		t.Errorf("b is %+v", b)
	}
	if !slices.Equal(last.path, []string{"k", "x y", "a", "b"}) || last.section != 2 || last.line != 5 || last.inside {
		t.Errorf("the last is %+v", last)
	}
}

// TestTwice expects what TOML forbids to be found also where its reader lets it
// pass, and nothing else.
func TestTwice(t *testing.T) {
	for text, line := range map[string]int{
		"keys.send = []\nkeys = 57\n": 2, "keys = 57\nkeys.send = []\n": 2, "a = { b = { c = 1 },\n b.d = 2 }\n": 2, "a = 1\na = 2\n": 2, "a = {}\n[a]\n": 2, "a = {}\na.b = 1\n": 2, "[a.b]\n[a]\nb = 1\n": 3,
		"a.b = 1\na.c = 2\n": -1, "[a]\nb = 1\n[a.c]\nb = 1\n": -1, "[[a]]\nb = 1\n[[a]]\nb = 2\n[[a.c]]\nb = 1\n": -1, "a = { b = 1, c.d = 2, c.e = 3 }\n": -1, "a = [{ b = 1 }, { b = 2 }]\n": -1, "[a.b]\n[a]\n": -1,
	} {
		items, err := layout(text)
		if err != nil {
			t.Fatal(err)
		}
		got := twice(items)
		if got < 0 && line > 0 || got >= 0 && items[got].line != line {
			t.Errorf("%q: item %d, want line %d", text, got, line)
		}
	}
	for _, text := range seeds {
		if items, err := layout(text); err != nil || twice(items) >= 0 {
			t.Errorf("%q: %v, twice %d", text, err, twice(items))
		}
	}
}

// TestLayoutOfNonsense expects an error or items, and nothing else, of what is
// no TOML.
func TestLayoutOfNonsense(t *testing.T) {
	for _, text := range []string{"[", "[[", "[a", "[[a]", "=", "a", "a =", "a = ", "a = \"", "a = '''x''", "a = [", "a = [1", "a = {", "a = {b", "a = {b=1,", ".", "a..b = 1", "\"", "a = ,", "a = ]", "\"\\q\" = 1", "[]", "a = [,]"} {
		if _, err := layout(text); err == nil && !strings.HasPrefix(text, "a = [,]") {
			t.Errorf("%q has a layout", text)
		}
	}
	deep := strings.Repeat("[", largestFile/2) + strings.Repeat("]", largestFile/2)
	if _, problems, _ := parse("a = " + deep[:largestFile-8]); len(problems) == 0 {
		t.Error("a deep list is taken for settings")
	}
	if _, err := layout("a = " + deep); err != nil {
		t.Errorf("a deep list: %v", err)
	}
}

func FuzzLayout(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		layout(text) // of anything, without failing
		checkLayout(t, text)
	})
}
