package settings

import (
	"reflect"
	"strings"
	"testing"
)

func TestSet(t *testing.T) {
	for _, test := range []struct{ key, typed, want string }{
		{"theme", "moss", `"moss"`}, {"theme", ` "moss" `, `"moss"`}, {"theme", "my theme", `"my theme"`}, {"theme", "7", `"7"`}, {"editor", "", `""`},
		{"model", `C:\models\a.gguf`, `"C:\\models\\a.gguf"`}, {"context", "8192", "8192"}, {"context", "8_192", "8192"}, {"kv", "q8_0", `"q8_0"`}, {"max_tiles", "4", "4"},
		{"preset", "exact", `"exact"`}, {"presets.calm.top_p", "0.5", "0.5"}, {"presets.calm.temperature", "1", "1"}, {`presets."my one".seed`, "7", "7"},
		{"presets.calm.stop", "a b", `["a", "b"]`}, {"presets.calm.stop", `["a b", "\n"]`, `["a b", "\n"]`}, {"presets.calm.stop", `"a b"`, `["a b"]`},
		{"keys.send", "ctrl+s F2", `["ctrl+s", "f2"]`}, {"keys.send", "", `[]`}, {"keys.send", `["a"]`, `["a"]`}, {"keys.send", `"ctrl+a"`, `["ctrl+a"]`}, {"keys.'chat.stop'", "x", `["x"]`},
		{"prompts.short", "Be brief. \"Really\".", `"Be brief. \"Really\"."`}, {"prompts.short", "two\nlines", `"two\nlines"`}, {"prompts.short", "42", `"42"`}, {"prompts.short", `"quoted"`, `"quoted"`},
	} {
		s := Default()
		was := s
		if err := s.Set(test.key, test.typed); err != nil {
			t.Errorf("%s = %s: %v", test.key, test.typed, err)
			continue
		}
		if got, ok := s.Get(test.key); !ok || got != test.want {
			t.Errorf("%s = %s gives %s, %v, want %s", test.key, test.typed, got, ok, test.want)
		}
		if !reflect.DeepEqual(was, Default()) {
			t.Errorf("%s = %s changed a copy", test.key, test.typed)
		}
		text, err := revise("", changes(leaves(Default()), leaves(s)))
		if got, problems, _ := parse(text); err != nil || len(problems) != 0 || !reflect.DeepEqual(leaves(got), leaves(s)) {
			t.Errorf("%s = %s is saved as %q: %v, %v", test.key, test.typed, text, problems, err)
		}
	}
}

func TestSetRefuses(t *testing.T) {
	for _, test := range []struct{ key, typed, want string }{
		{"context", "-1", "context is -1, want a whole number"}, {"context", "many", `context is "many", want a whole number`}, {"context", "", "want a whole number"},
		{"kv", "q8", `kv is "q8", want f16`}, {"theme", "", "want a name"}, {"preset", "gone", `preset is "gone"`}, {"prompt", "gone", `prompt is "gone"`},
		{"contxt", "1", "unknown setting contxt; did you mean context?"}, {"presets.calm.heat", "1", "unknown setting presets.calm.heat"},
		{"presets.calm.top_p", "2", "want a number from 0 to 1"}, {"presets. .top_p", "1", "is not a key"}, {`presets."".top_p`, "1", "want a name"},
		{"keys.send", "ctrl+m", "is enter in most terminals"}, {"keys.SEND", "a", "not the name of an action"}, {"keys", "a", "want keys.ACTION"}, {"presets.calm", "1", "want presets.NAME.FIELD"},
		{"prompts", "x", "want prompts.NAME"}, {"theme.x", "1", "is not one setting"}, {"", "1", "is not a key"}, {"a=b", "1", "is not a key"}, {"theme\x1b", "x", `unknown setting`},
		{"prompts.short", "a\x1b[31m", "without control characters"}, {"presets.calm.stop", `["a", ""]`, "none of them empty"},
	} {
		s := full()
		err := s.Set(test.key, test.typed)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%s = %s: %v, want %q in it", test.key, test.typed, err, test.want)
		}
		if !reflect.DeepEqual(s, full()) {
			t.Errorf("%s = %s changed the settings", test.key, test.typed)
		}
	}
}

// TestSetTakesAway expects nothing typed to take away what may be missing, and
// to refuse it for what is in use.
func TestSetTakesAway(t *testing.T) {
	s := full()
	if err := s.Set("presets.my calm.top_p", ""); err == nil {
		t.Error("a key with a space was taken without quotes")
	}
	for _, f := range presetFields {
		key := `presets."my calm".` + f.key
		if err := s.Set(key, ""); err != nil {
			t.Error(err)
		}
		if got, ok := s.Get(key); ok {
			t.Errorf("%s is still %s", key, got)
		}
	}
	if err := s.Set("prompts.short", ""); err == nil || s.System() == "" {
		t.Errorf("the active prompt was taken away: %v", err)
	}
	if err := s.Set("prompt", ""); err != nil || s.Set("prompts.short", "") != nil || len(s.Prompts) != 1 {
		t.Errorf("%v, %v", err, s.Prompts)
	}
	// What changes a preset that comes with the program begins from it.
	if err := s.Set("presets.precise.top_k", "5"); err != nil || *s.Presets["precise"].TopP != 0.9 || *s.Presets["precise"].TopK != 5 {
		t.Errorf("%v, %+v", err, s.Presets["precise"])
	}
	for _, key := range []string{"presets.empty", "nothing", "", "prompts.none"} {
		if got, ok := s.Get(key); ok {
			t.Errorf("%q is %s", key, got)
		}
	}
}
