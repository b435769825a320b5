package settings

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode"
)

// file is a file of settings with that text.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoad(t *testing.T) {
	path := file(t, `# mine
theme = "ember"   # warm
theme_light = 'frost'
"theme_dark" = "moss"
announce = "end"
editor = "code --wait"
notify = "off"
model = 'C:\models\scout "Q4".gguf'
context = 8_192
threads = 0x6
kv = "q8_0"
max_tiles = 4
swap = "at once"
preset = "my calm"
prompt = "short"
presets.empty = {}

[keys]
send = ["Ctrl+S", "f2"]
"chat.stop" = []

[presets."my calm"]
temperature = 0.1
top_p = 0.95
top_k = 40
min_p = 0.05
repeat_penalty = 1.1
presence_penalty = -0.5
frequency_penalty = 1e-3
seed = 1099511627776
max_tokens = 100
stop = ["\n\n", '"']

[prompts]
short = "Be brief."
'long "one"' = """
First line.

	Third \"""\" line and a \\.
\""""
`)
	got, problems, err := Load(path)
	if err != nil || len(problems) != 0 {
		t.Fatalf("%v, %v", problems, err)
	}
	if want := full(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestWindowsLines expects a prompt's lines to end alike, however the file's do.
func TestWindowsLines(t *testing.T) {
	got, problems, err := parse("[prompts]\r\na = \"\"\"\r\nx\r\ny\"\"\"\r\nb = \"x\\r\\ny\"\r\n")
	if err != nil || len(problems) != 0 || got.Prompts["a"] != "x\ny" || got.Prompts["b"] != "x\ny" {
		t.Errorf("%q, %v, %v", got.Prompts, problems, err)
	}
}

func TestLoadNothing(t *testing.T) {
	for name, path := range map[string]string{
		"missing file": filepath.Join(t.TempDir(), "config.toml"), "missing folder": filepath.Join(t.TempDir(), "a", "b", "config.toml"), "empty file": file(t, ""),
	} {
		got, problems, err := Load(path)
		if err != nil || len(problems) != 0 || !reflect.DeepEqual(got, Default()) {
			t.Errorf("%s: %+v, %v, %v", name, got, problems, err)
		}
	}
}

// TestUnreadable expects defaults and an error where the disk gives no file.
func TestUnreadable(t *testing.T) {
	loop := filepath.Join(t.TempDir(), "loop")
	paths := map[string]string{"folder": t.TempDir(), "large": file(t, "#"+strings.Repeat("x", largestFile)), "under a file": filepath.Join(file(t, ""), "config.toml")}
	if err := os.Symlink(loop, loop); err == nil {
		paths["loop"] = loop
	}
	for name, path := range paths {
		got, problems, err := Load(path)
		if name == "under a file" && err == nil {
			continue // Windows says that it is missing
		}
		if err == nil || len(problems) != 0 || !reflect.DeepEqual(got, Default()) {
			t.Errorf("%s: %+v, %v, %v", name, got, problems, err)
		}
		if name == "folder" && !strings.Contains(err.Error(), "not a file") {
			t.Errorf("a folder was opened: %v", err) // a pipe would wait
		}
		changed := Default()
		changed.Theme = "moss"
		if err := Save(path, Default(), changed); err == nil {
			t.Errorf("%s: saved", name)
		}
	}
}

// TestProblems expects every mistake to be said with its line and to leave the
// default, and everything else to be taken.
func TestProblems(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"context = -1", "line 2: context is -1, want a whole number from 0 to 2000000000"},
		{"context = 2_000_000_001", "line 2: context is 2000000001, want"},
		{"context = 1.5", "line 2: context is 1.5, want a whole number"},
		{"context = \"8192\"", `line 2: context is "8192", want a whole number`},
		{"threads = 1025", "line 2: threads is 1025, want a whole number from 0 to 1024"},
		{"max_tiles = 9999", "line 2: max_tiles is 9999, want a whole number from 0 to 1024"},
		{"kv = \"q8\"", `line 2: kv is "q8", want f16, f32, q8_0 or q4_0`},
		{"kv = 8", `line 2: kv is 8, want f16, f32, q8_0 or q4_0`},
		{"announce = \"never\"", `line 2: announce is "never", want off, sentence or end`},
		{"theme_dark = \"\"", `line 2: theme_dark is "", want a name of 1 to 64 letters`},
		{"theme_dark = \" moss\"", `line 2: theme_dark is " moss", want a name`},
		{"theme_dark = true", `line 2: theme_dark is true, want a text in quotes`},
		{"theme_dark = \"a\\u001b[31m\"", `line 2: theme_dark is "a\x1b[31m", want a name`},
		{"editor = \"vim\\n\"", `line 2: editor is "vim\n", want at most 4096 bytes in one line`},
		{"model = \"" + strings.Repeat("m", longestText+1) + "\"", `mmm...", want at most`},
		{"contxt = 5", "line 2: unknown setting contxt; did you mean context?"},
		{"cont = 5", "line 2: unknown setting cont; did you mean context?"},
		{"preset_ = \"x\"", "line 2: unknown setting preset_; did you mean preset?"},
		{"prmpts = 1", "line 2: unknown setting prmpts; did you mean prompts?"},
		{"zzz = 1", "line 2: unknown setting zzz"},
		{"[zzz]\na = 1", "line 2: unknown setting zzz"},
		{"preset = \"calm\"", `line 2: preset is "calm", want default, exact, precise, creative or a table of [presets]`},
		{"prompt = \"gone\"", `line 2: prompt is "gone", want one of [prompts]`},
		{"keys = 1", "line 2: keys is 1, want a table"},
		{"[[keys]]\nsend = []", "line 2: keys is another kind of value, want a table"},
		{"keys.send = 1", "line 2: keys.send is 1: want a list of at most 8 keys"},
		{"keys.send = [1]", "line 2: keys.send is a list: want a list of at most 8 keys"},
		{"[keys]\n\nsend = [\"ctrl+i\"]", `line 4: keys.send is a list: the key "ctrl+i" is tab in most terminals`},
		{"[keys]\nsend = [\"a\", \"b\", \"a\"]", `line 3: keys.send is a list: the key "a" is there twice`},
		{"[keys]\nsend = \"hello\"", `line 3: keys.send is "hello": there is no key "hello"`},
		{"[keys]\nSend = \"a\"", `line 3: keys.Send: not the name of an action`},
		{"presets = []", "line 2: presets is a list, want a table"},
		{"presets.calm = 1", "line 2: presets.calm is 1, want a table"},
		{"presets.\" \".top_p = 1", `line 2: presets." ": want a name`},
		{"presets.\"\\u202e\".top_p = 1", `line 2: presets." ": want a name`},
		{"presets.calm = { temperature = -1 }", "line 2: presets.calm.temperature is -1, want a number, 0 or more"},
		{"[presets.calm]\ntemperature = nan", "line 3: presets.calm.temperature is NaN, want a number, 0 or more"},
		{"[presets.calm]\ntemperature = 1e39", "line 3: presets.calm.temperature is 1e+39, want a number, 0 or more"},
		{"[presets.calm]\ntop_p = 1.01", "line 3: presets.calm.top_p is 1.01, want a number from 0 to 1"},
		{"[presets.calm]\nmin_p = -inf", "line 3: presets.calm.min_p is -Inf, want a number from 0 to 1"},
		{"[presets.calm]\npresence_penalty = inf", "line 3: presets.calm.presence_penalty is +Inf, want a number"},
		{"[presets.calm]\nseed = -1", "line 3: presets.calm.seed is -1, want a whole number from 0 to 9223372036854775807"},
		{"[presets.calm]\ntop_k = 1.0", "line 3: presets.calm.top_k is 1, want a whole number from 0 to"},
		{"[presets.calm]\nstop = [\"a\", \"\"]", "line 3: presets.calm.stop is a list, want a list of at most 64 texts, none of them empty"},
		{"[presets.calm]\ntemprature = 1", "line 3: unknown setting presets.calm.temprature; did you mean temperature?"},
		{"[prompts]\na = 1", "line 3: prompts.a is 1, want a text in quotes"},
		{"[prompts]\na = \"\\u0007\"", `line 3: prompts.a is "\a", want at most 65536 bytes of text, without control characters`},
		{"theme_dark = 2026-01-01", "line 2: theme_dark is another kind of value, want a text in quotes"},
	} {
		got, problems, err := Load(file(t, "theme = \"moss\"\n"+test.text+"\n"))
		if err != nil || len(problems) != 1 {
			t.Errorf("%.60q: problems %q, %v, want one", test.text, problems, err)
			continue
		}
		if !strings.Contains(problems[0].String(), test.want) {
			t.Errorf("%.60q: got  %s\nwant %s", test.text, problems[0], test.want)
		}
		checkProblem(t, problems[0], test.text)
		want := Default()
		want.Theme = "moss"
		if got.Presets["calm"].Temperature == nil && strings.Contains(test.text, "calm") {
			delete(got.Presets, "calm")
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%.60q: got %+v", test.text, got)
		}
	}
}

func checkProblem(t *testing.T, p Problem, text string) {
	t.Helper()
	hides := func(r rune) bool { return unicode.IsControl(r) || r == '\u202e' }
	if strings.ContainsFunc(p.String()+p.Key, hides) || len(p.String()) > 800 || p.Message == "" {
		t.Errorf("%.60q: problem %q, want one short line without control characters", text, p)
	}
}

// TestNotTOML expects one problem, with its line, of a file that cannot be read.
func TestNotTOML(t *testing.T) {
	for _, test := range []struct {
		text string
		line int
	}{{"theme = \"moss\"\ncontext = \n", 2}, {"a = 1\nb = 2\na = 3\n", 3}, {"\xff\xfe\x00", 0}, {"theme = \"moss", 1}, {"[keys]\n\n[keys]\n", 3}, {"keys.send = []\nkeys = 57\n", 2}} {
		got, problems, err := Load(file(t, test.text))
		if err != nil || len(problems) != 1 || problems[0].Line != test.line || !reflect.DeepEqual(got, Default()) {
			t.Errorf("%q: %+v, %v, %v, want one problem in line %d", test.text, got, problems, err, test.line)
		}
		path := file(t, test.text)
		changed := Default()
		changed.Theme = "ember"
		if err := Save(path, Default(), changed); err == nil || !strings.Contains(err.Error(), "stays as it is: put it right first") {
			t.Errorf("%q: saving: %v", test.text, err)
		}
		if left, err := os.ReadFile(path); err != nil || string(left) != test.text {
			t.Errorf("%q became %q, %v", test.text, left, err)
		}
	}
}

// FuzzLoad expects settings within their ranges and readable problems of any
// text: what was loaded can be written to a new file and is the same again.
func FuzzLoad(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > largestFile {
			t.Skip("larger than a file of settings may be")
		}
		s, problems, _ := parse(text)
		last := 0
		for _, p := range problems {
			checkProblem(t, p, text)
			if p.Line < last || p.Line > strings.Count(text, "\n")+2 {
				t.Errorf("%q: problem in line %d after %d", text, p.Line, last)
			}
			last = p.Line
		}
		again, err := revise(Document(), changes(leaves(Default()), leaves(s)))
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if got, problems, _ := parse(again); !reflect.DeepEqual(got, s) || len(problems) > 0 {
			t.Errorf("%q: written and read: %+v, %v, want %+v", text, got, problems, s)
		}
	})
}
