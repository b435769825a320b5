package screen

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"scout/downloads"
	"scout/downloads/faultserver"
	"scout/engine"
	"scout/ui/app"
	"scout/ui/cli"
	"scout/ui/settings"
)

// TestEntries keeps what the machine makes of an offer.
func TestEntries(t *testing.T) {
	got := entries([]cli.Offer{
		{Name: "a", Here: true, Fit: cli.FitTight, Load: 40 * time.Second, Cached: 0.75, Pick: true},
		{Name: "b", Fit: cli.FitNo, Load: time.Second, Cached: -1},
		{Name: "c"},
	})
	if a := got[0]; a.Away || a.Fit != app.Tight || a.Read != 10*time.Second || !a.Pick {
		t.Errorf("a is %+v", a)
	}
	if b := got[1]; !b.Away || b.Fit != app.TooBig || b.Read != time.Second {
		t.Errorf("b is %+v", b)
	}
	if got[2].Fit != "" {
		t.Errorf("c is %+v", got[2])
	}
}

// TestKnownModelsWithoutOffers has the demo and what was pulled all the same.
func TestKnownModelsWithoutOffers(t *testing.T) {
	s := cli.Screen{
		DemoBytes: 7,
		Offers:    func(context.Context, engine.Options) ([]cli.Offer, error) { return nil, errors.New("broken") },
		Models:    func() []cli.StoredModel { return []cli.StoredModel{{Name: "m", Bytes: 9}} },
	}
	got := knownModels(s, newKept(t, ""))()
	if len(got) != 2 || got[0].Name != cli.DemoName || got[0].Size != 7 || got[1].Name != "m" {
		t.Errorf("got %+v", got)
	}
}

// TestEverySettingHasACommand reaches all that the file of settings can have.
func TestEverySettingHasACommand(t *testing.T) {
	k := newKept(t, "")
	k.load()
	have := map[string]bool{}
	for _, s := range settingsOf(k) {
		if s.Name == "" || s.What == "" || have[s.Name] {
			t.Errorf("%+v", s.Name)
		}
		have[s.Name] = true
	}
	for _, e := range settings.Describe() {
		if strings.Contains(e.Key, ".") || slices.Contains(elsewhere, e.Key) {
			continue // /settings KEY VALUE sets those
		}
		if c, ok := commands[e.Key]; !ok || !have[c.name] {
			t.Errorf("%s has no command", e.Key)
		}
	}
}

// TestSettingsAreKept sets each kind, in the file too, and says what is wanted.
func TestSettingsAreKept(t *testing.T) {
	k := newKept(t, "# mine\n[prompts]\nshort = \"Answer in one sentence.\"\n")
	if problem := k.load(); problem != "" {
		t.Fatal(problem)
	}
	byName := map[string]app.Setting{}
	for _, s := range settingsOf(k) {
		byName[s.Name] = s
	}
	for _, test := range []struct{ name, value, want string }{
		{"kv", "q8_0", `kv = "q8_0"`}, {"context", "4096", "context = 4096"}, {"threads", "3", "threads = 3"},
		{"preset", "exact", `preset = "exact"`}, {"prompt", "short", `prompt = "short"`}, {"tiles", "4", "max_tiles = 4"},
		{"editor-command", "vim -n", `editor = "vim -n"`}, {"theme-dark", "moss", `theme_dark = "moss"`}, {"announce", "end", `announce = "end"`},
	} {
		s, ok := byName[test.name]
		if !ok {
			t.Fatalf("no %s", test.name)
		}
		if err := s.Set(test.value); err != nil || s.Get() != test.value {
			t.Errorf("%s is %q, %v", test.name, s.Get(), err)
		}
		text, err := os.ReadFile(k.path)
		if err != nil || !strings.Contains(string(text), test.want) || !strings.Contains(string(text), "# mine") {
			t.Errorf("the file is %q, %v, want %s in it", text, err, test.want)
		}
		if s.Values != nil && !slices.ContainsFunc(s.Values(), func(v app.Value) bool { return v.Name == test.value }) {
			t.Errorf("%s is not among the values of %s", test.value, test.name)
		}
	}
	var c app.Config
	byName["editor-command"].Apply(&c)
	byName["prompt"].Apply(&c)
	if c.Editor != "vim -n" || c.System != "Answer in one sentence." {
		t.Errorf("applied: %q, %q", c.Editor, c.System)
	}
	if err := byName["kv"].Set("f8"); err == nil || !strings.HasPrefix(err.Error(), `kv is "f8", want `) || byName["kv"].Get() != "q8_0" {
		t.Errorf("kv f8: %v; it is %s", err, byName["kv"].Get())
	}
	for atOnce, want := range map[bool]string{true: settings.SwapAtOnce, false: settings.SwapAsk} {
		if err := k.saveSwap(atOnce); err != nil || k.settings().Swap != want {
			t.Errorf("swap is %q, %v", k.settings().Swap, err)
		}
	}
	if err := k.set("presets.calm.top_p", "0.8"); err != nil || *k.settings().Presets["calm"].TopP != 0.8 {
		t.Errorf("a preset: %v", err)
	}
}

// hubWith is a hub with the demo model, and a screen that downloads from it.
func hubWith(t *testing.T) (cli.Screen, *faultserver.Repository) {
	t.Helper()
	s := faultserver.NewOnSockets(t)
	r := s.Repository("someone/Tiny-GGUF")
	r.Direct = true
	data, err := os.ReadFile("../../testdata/models/tiny-scout-Q8_0.gguf")
	if err != nil {
		t.Fatal(err)
	}
	r.Commit("1111111111111111111111111111111111111111", faultserver.Data("Tiny-Q8_0.gguf", data))
	r.Card = map[string]any{"cardData": map[string]any{"license": "llama4"}}
	home := t.TempDir()
	t.Setenv("XDG_STATE_HOME", filepath.Join(home, "state")) // where answers about licences are kept
	env := map[string]string{"HF_ENDPOINT": s.Hub, "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}
	return cli.Screen{OpenDownloads: func() (*downloads.Downloads, error) {
		return downloads.Open(downloads.Config{Dir: filepath.Join(home, "models"), Home: home, Environment: func(name string) string { return env[name] }})
	}}, r
}

// until waits for a download to come to a state.
func until(t *testing.T, p app.Pulls, id int, state app.PullState) app.Pull {
	t.Helper()
	end := time.After(20 * time.Second)
	for {
		for _, it := range p.Snapshot() {
			if it.ID == id && it.State == state {
				return it
			}
		}
		select {
		case <-p.Changed():
		case <-end:
			t.Fatalf("not %s: %+v", state, p.Snapshot())
		}
	}
}

// TestPull holds a model for its licence, downloads it once that is agreed to, and asks
// no second time.
func TestPull(t *testing.T) {
	s, r := hubWith(t)
	p, err := openPulls(s)()
	if err != nil {
		t.Fatal(err)
	}
	id, err := p.Add("someone/Tiny-GGUF:Q8_0")
	if err != nil {
		t.Fatal(err)
	}
	held := until(t, p, id, app.PullHeld)
	if !strings.Contains(held.Line, "Llama 4 Community License") || !strings.Contains(held.Line, "a agrees") || r.Sent() > 100_000 {
		t.Errorf("held for %q with %d bytes sent", held.Line, r.Sent())
	}
	if err := p.Agree(id); err != nil {
		t.Fatal(err)
	}
	done := until(t, p, id, app.PullFinished)
	if done.Name != "hf.co/someone/Tiny-GGUF:Q8_0" || done.Total != 6714592 || done.Done != done.Total {
		t.Errorf("%+v", done)
	}
	if err := p.Clear(); err != nil || len(p.Snapshot()) != 0 {
		t.Errorf("after clearing: %+v, %v", p.Snapshot(), err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if !cli.Agreed(cli.Terms{ID: "llama4"}) {
		t.Error("the answer is not kept")
	}
}

// TestDiscard frees what has come of a download.
func TestDiscard(t *testing.T) {
	s, _ := hubWith(t)
	if err := cli.Agree(cli.Terms{ID: "llama4"}, "a test"); err != nil {
		t.Fatal(err)
	}
	p, err := openPulls(s)()
	if err != nil {
		t.Fatal(err)
	}
	p.SetLimit(1_000_000)
	id, err := p.Add("someone/Tiny-GGUF:Q8_0")
	if err != nil {
		t.Fatal(err)
	}
	until(t, p, id, app.PullRunning)
	if err := p.Pause(id); err != nil {
		t.Fatal(err)
	}
	until(t, p, id, app.PullPaused)
	if _, err := p.Discard(t.Context(), id); err != nil || len(p.Snapshot()) != 0 {
		t.Errorf("left is %+v, %v", p.Snapshot(), err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}
