package settings

import (
	"strings"
	"testing"
)

// TestChanges expects what goes before what comes, and everything in the order
// in which a person would write it, whatever order maps have.
func TestChanges(t *testing.T) {
	after := Default()
	after.KV, after.Theme, after.Prompt = "f32", "moss", "b"
	after.Presets["new"] = Preset{TopK: pointer(1), Temperature: pointer[float32](0), Seed: pointer[uint64](1)}
	after.Prompts["b"], after.Prompts["a"] = "x", "y"
	before := Default()
	before.Presets["old"] = Preset{TopK: pointer(1)}
	before.Keys["send"] = []string{"a"}
	var got []string
	for _, c := range changes(leaves(before), leaves(after)) {
		sign := "+"
		if c.gone {
			sign = "-"
		}
		got = append(got, sign+keyText(c.path))
	}
	const want = "-keys.send -presets.old -presets.old.top_k +theme +kv +prompt " +
		"+presets.new +presets.new.temperature +presets.new.top_k +presets.new.seed +prompts.a +prompts.b"
	if got := strings.Join(got, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestSaveSpelling expects keys that are spelled in another way than in the
// file to be saved, and to count as the same.
func TestSaveSpelling(t *testing.T) {
	path := file(t, "")
	after := Default()
	after.Keys["send"] = []string{"Shift+Ctrl+S", "F2"}
	if err := Save(path, Default(), after); err != nil {
		t.Fatal(err)
	}
	if got, want := written(t, path), "[keys]\nsend = [\"ctrl+shift+s\", \"f2\"]\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
