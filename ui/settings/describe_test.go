package settings

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of docs/settings.md and the golden files anew")

// TestDocument expects the file of the beginning to set nothing, and to be
// right when every comment that can be a setting becomes one.
func TestDocument(t *testing.T) {
	text := Document()
	if got, problems, err := parse(text); err != nil || len(problems) != 0 || !reflect.DeepEqual(got, Default()) {
		t.Errorf("%+v, %v, %v", got, problems, err)
	}
	setting := regexp.MustCompile(`(?m)^# (\[[a-z.]+\]$|[a-z_]+ += )`)
	got, problems, err := parse(setting.ReplaceAllString(text, "$1"))
	if err != nil || len(problems) != 0 {
		t.Fatalf("%v, %v", problems, err)
	}
	calm := got.Presets["calm"]
	for _, f := range presetFields {
		if f.get(&calm) == nil {
			t.Errorf("the example preset lacks %s", f.key)
		}
	}
	if len(got.Keys) != 1 || len(got.Prompts) != 1 {
		t.Errorf("the examples are %+v", got)
	}
	got.Keys, got.Presets, got.Prompts = map[string][]string{}, map[string]Preset{}, map[string]string{}
	if !reflect.DeepEqual(got, Default()) {
		t.Errorf("the file says of the defaults %+v", got)
	}
	for line := range strings.Lines(text) {
		if len(line) > 150 || line != "\n" && !strings.HasPrefix(line, "#") {
			t.Errorf("line %q", line)
		}
	}
	golden(t, "testdata/config.toml", text)
}

// TestDescribe expects every entry to say what it is, and Set to know it.
func TestDescribe(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range Describe() {
		if seen[e.Key] || e.Doc == "" || e.Type == "" || strings.HasSuffix(e.Doc, ".") {
			t.Errorf("entry %+v", e)
		}
		seen[e.Key] = true
		s := Default()
		got, ok := s.Get(e.Key)
		if (e.Default != "") != ok || got != e.Default {
			t.Errorf("%s: the default is said to be %q, and is %q", e.Key, e.Default, got)
		}
		for _, v := range e.Values {
			if err := s.Set(e.Key, v); err != nil {
				t.Errorf("%s = %s: %v", e.Key, v, err)
			}
		}
	}
	if want := len(topFields) + len(presetFields) + 2; len(seen) != want {
		t.Errorf("%d entries, want %d", len(seen), want)
	}
}

// Where the table of docs/settings.md begins and ends.
const (
	tableBegins = "<!-- begin of the table: written by go test ./ui/settings -update -->\n"
	tableEnds   = "<!-- end of the table -->\n"
)

// TestPage holds the table of docs/settings.md against Describe, and expects
// its examples to be right.
func TestPage(t *testing.T) {
	const path = "../../docs/settings.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(page), "\r\n", "\n")
	before, rest, begins := strings.Cut(text, tableBegins)
	table, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		t.Fatalf("%s has no table between %q and %q", path, tableBegins, tableEnds)
	}
	want := pageTable()
	if *update && table != want {
		if err := os.WriteFile(path, []byte(before+tableBegins+want+tableEnds+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != want {
		t.Errorf("the table of %s is\n%s\nwant\n%s", path, table, want)
	}
	_, example, ok := strings.Cut(before, "```toml\n")
	example, _, _ = strings.Cut(example, "```")
	got, problems, err := parse(example)
	if !ok || err != nil || len(problems) != 0 || reflect.DeepEqual(got, Default()) {
		t.Errorf("the example of %s: %+v, %v, %v", path, got, problems, err)
	}
	for name := range BuiltinPresets() {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("%s does not name the preset %s", path, name)
		}
	}
}

// pageTable is Describe as Markdown.
func pageTable() string {
	var b strings.Builder
	b.WriteString("| key | type | default | what it is |\n|---|---|---|---|\n")
	for _, e := range Describe() {
		kind, def := e.Type, ""
		if len(e.Values) > 0 {
			kind = "`" + strings.Join(e.Values, "` `") + "`"
		}
		if e.Default != "" {
			def = "`" + e.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", e.Key, kind, def, e.Doc)
	}
	return b.String()
}

// golden holds got against a file.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got\n%s", path, got)
	}
}
