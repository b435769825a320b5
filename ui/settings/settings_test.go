package settings

import (
	"reflect"
	"slices"
	"testing"

	"scout/engine"
)

func pointer[T any](v T) *T { return &v }

// full is settings in which everything differs from the defaults.
func full() Settings {
	return Settings{
		Theme: "ember", ThemeLight: "frost", ThemeDark: "moss", Announce: AnnounceEnd, Editor: "code --wait", Notify: NotifyOff,
		Model: `C:\models\scout "Q4".gguf`, Context: 8192, Threads: 6, KV: "q8_0", MaxTiles: 4, Swap: SwapAtOnce,
		Preset: "my calm", Prompt: "short",
		Keys: map[string][]string{"send": {"ctrl+s", "f2"}, "chat.stop": {}},
		Presets: map[string]Preset{
			"my calm": {
				Temperature: pointer[float32](0.1), TopP: pointer[float32](0.95), TopK: pointer(40), MinP: pointer[float32](0.05),
				RepeatPenalty: pointer[float32](1.1), PresencePenalty: pointer[float32](-0.5), FrequencyPenalty: pointer[float32](1e-3),
				Seed: pointer[uint64](1 << 40), MaxTokens: pointer(100), Stop: []string{"\n\n", `"`},
			},
			"empty": {},
		},
		Prompts: map[string]string{"short": "Be brief.", "long \"one\"": "First line.\n\n\tThird \"\"\"\" line and a \\.\n\""},
	}
}

// TestFields expects every field of Settings and Preset to be in a list of
// fields, and every setting of the engine in Preset or named here.
func TestFields(t *testing.T) {
	s := full()
	v := reflect.ValueOf(&s).Elem()
	scalars := 0
	for i := range v.NumField() {
		if v.Field(i).Kind() != reflect.Map {
			scalars++
		}
	}
	if scalars != len(topFields) {
		t.Errorf("%d fields of Settings, %d in the list", scalars, len(topFields))
	}
	if got := reflect.TypeFor[Preset]().NumField(); got != len(presetFields) {
		t.Errorf("%d fields of Preset, %d in the list", got, len(presetFields))
	}
	elsewhere := []string{
		"PenaltyWindow", // the command line has no flag for it either
		"TopLogProbs",   // what is reported, not what is chosen
	}
	for i := range reflect.TypeFor[engine.Sampling]().NumField() {
		name := reflect.TypeFor[engine.Sampling]().Field(i).Name
		_, has := reflect.TypeFor[Preset]().FieldByName(name)
		if has == slices.Contains(elsewhere, name) {
			t.Errorf("engine.Sampling has %s, Preset has it: %v", name, has)
		}
	}
	// Every field of full differs from the defaults, else other tests see less.
	d := leaves(Default())
	for key, l := range leaves(s) {
		if reflect.DeepEqual(d[key].value, l.value) && l.value != nil {
			t.Errorf("full has the default in %q", key)
		}
	}
}

func TestApply(t *testing.T) {
	base := engine.Sampling{
		Temperature: 0.6, TopP: 0.9, TopK: 1, MinP: 0.1, RepeatPenalty: 1, PresencePenalty: 2, FrequencyPenalty: 3,
		PenaltyWindow: 9, Seed: 7, MaxTokens: 5, Stop: []string{"x"}, TopLogProbs: 2,
	}
	if got := (Preset{}).Apply(base); !reflect.DeepEqual(got, base) {
		t.Errorf("an empty preset made %+v", got)
	}
	want := engine.Sampling{
		Temperature: 0.1, TopP: 0.95, TopK: 40, MinP: 0.05, RepeatPenalty: 1.1, PresencePenalty: -0.5, FrequencyPenalty: 1e-3,
		PenaltyWindow: 9, Seed: 1 << 40, MaxTokens: 100, Stop: []string{"\n\n", `"`}, TopLogProbs: 2,
	}
	if got := full().ActivePreset().Apply(base); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := (Preset{Temperature: pointer[float32](0), Stop: []string{}}).Apply(base); got.Temperature != 0 || len(got.Stop) != 0 {
		t.Errorf("zero and empty were taken for not set: %+v", got)
	}
}

// TestClone expects a clone to share nothing.
func TestClone(t *testing.T) {
	s, want := full(), full()
	c := s.Clone()
	if !reflect.DeepEqual(c, s) {
		t.Fatalf("a clone differs: %+v", c)
	}
	c.Keys["send"][0] = "x"
	c.Keys["new"] = nil
	c.Prompts["short"] = "x"
	p := c.Presets["my calm"]
	*p.Temperature, *p.TopP, *p.TopK, *p.MinP, *p.RepeatPenalty, *p.PresencePenalty, *p.FrequencyPenalty, *p.Seed, *p.MaxTokens = 9, 9, 9, 9, 9, 9, 9, 9, 9
	p.Stop[0] = "x"
	c.Presets["empty"] = p
	if !reflect.DeepEqual(s, want) {
		t.Errorf("a clone's change came through: %+v", s)
	}
	if c := (Settings{}).Clone(); c.Keys == nil || c.Presets == nil || c.Prompts == nil {
		t.Error("a clone of nothing has nil maps")
	}
}

func TestPresets(t *testing.T) {
	s := Default()
	if !reflect.DeepEqual(s.ActivePreset(), Preset{}) {
		t.Error("the default preset sets something")
	}
	s.Preset = "exact"
	if p := s.ActivePreset(); p.Temperature == nil || *p.Temperature != 0 {
		t.Errorf("exact is %+v", p)
	}
	s.Presets["exact"] = Preset{TopK: pointer(1)}
	if p := s.ActivePreset(); p.Temperature != nil || p.TopK == nil {
		t.Errorf("the person's own exact is %+v", p)
	}
	if got := full().System(); got != "Be brief." {
		t.Errorf("system prompt %q", got)
	}
	// What comes with the program is itself within the ranges.
	for name, p := range BuiltinPresets() {
		for _, f := range presetFields {
			if v := f.get(&p); v != nil {
				if err := f.set(&p, float64(v.(float32))); err != nil {
					t.Errorf("%s.%s: %v", name, f.key, err)
				}
			}
		}
	}
}

func TestSpellKey(t *testing.T) {
	for _, test := range []struct{ key, want string }{
		{"enter", "enter"}, {"Ctrl+P", "ctrl+p"}, {"shift+ctrl+a", "ctrl+shift+a"}, {"super+alt+meta+hyper+ctrl+shift+F12", "ctrl+alt+shift+meta+hyper+super+f12"},
		{"?", "?"}, {"G", "G"}, {"shift+G", "G"}, {"shift+g", "G"}, {"Ctrl+Shift+S", "ctrl+shift+s"}, {"shift+Tab", "shift+tab"}, {"shift+1", "shift+1"}, {"alt+G", "alt+g"}, {"ctrl++", "ctrl++"}, {"+", "+"}, {"é", "é"}, {"PgUp", "pgup"}, {"f24", "f24"}, {"ctrl+j", "ctrl+j"},
		{"", ""}, {"ctrl+", ""}, {"ctrl", ""}, {"ctrl+ctrl+a", ""}, {"f0", ""}, {"f25", ""}, {"f01", ""}, {" ", ""}, {"ab", ""}, {"ctrl+x ctrl+e", ""}, {"cmd+a", ""}, {"\x1b", ""}, {"\xff", ""},
		{"ctrl+i", ""}, {"ctrl+M", ""}, {"ctrl+h", ""}, {"ctrl+[", ""}, {"ctrl+shift+i", "ctrl+shift+i"},
	} {
		got, err := spellKey(test.key)
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("spellKey(%q) is %q, %v, want %q", test.key, got, err, test.want)
		}
	}
}
