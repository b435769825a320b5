package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"scout/engine"
	"scout/sessions"
	"scout/ui/talk"
)

// fakeSettings is settings in memory.
type fakeSettings struct {
	mu  sync.Mutex
	now map[string]string
}

func (f *fakeSettings) get(name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now[name]
}

func (f *fakeSettings) set(name, value string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if value == "bad" {
		return errors.New("kv is \"bad\", want f16, f32, q8_0 or q4_0")
	}
	f.now[name] = value
	return nil
}

// withSettings has a setting of every kind. Opening with a cache of type f32 fails.
func withSettings(f *fakeSettings) func(*Config) {
	return func(c *Config) {
		setting := func(name, what string, values ...Value) Setting {
			s := Setting{Name: name, What: what, Get: func() string { return f.get(name) }, Set: func(v string) error { return f.set(name, v) }}
			if len(values) > 0 {
				s.Values = func() []Value { return values }
			}
			return s
		}
		preset := setting("preset", "active sampling preset", Value{"default", "as the makers recommend"}, Value{"exact", "temperature 0"})
		preset.Samples = true
		prompt := setting("prompt", "active system prompt", Value{"", "no system prompt"}, Value{"short", "Answer in one sentence."})
		prompt.Instructs = true
		prompt.Apply = func(c *Config) { c.System = map[string]string{"short": "Answer in one sentence."}[f.get("prompt")] }
		kv := setting("kv", "element type of the cache", Value{"f16", "the usual"}, Value{"f32", "twice the memory"}, Value{"q8_0", "about half the memory"})
		kv.Reopens = true
		size := setting("context", "positions to keep room for, in tokens; 0 leaves it to scout")
		size.Reopens = true
		announce := setting("announce", "when plain mode gives out an answer", Value{"sentence", ""}, Value{"end", ""})
		announce.NextStart = true
		c.Settings = []Setting{size, kv, preset, prompt, announce}
		c.SetKey = f.set
		c.SamplingFor = func(sessions.Model) engine.Sampling {
			if f.get("preset") == "exact" {
				return engine.Sampling{}
			}
			return DefaultSampling()
		}
		open := 0
		first := c.Load
		c.Load = func(ctx context.Context, name string) (talk.Model, sessions.Model, error) {
			if f.get("kv") == "f32" {
				return nil, sessions.Model{}, errNoMemory
			}
			if open++; open == 1 {
				return first(ctx, name)
			}
			return &fakeModel{context: 2048, prompt: 40, steps: []string{"Again."}}, sessions.Model{Name: "Fake", Quant: "Q4_K"}, nil
		}
	}
}

func newFakeSettings() *fakeSettings {
	return &fakeSettings{now: map[string]string{"kv": "f16", "preset": "default", "context": "0", "announce": "sentence"}}
}

func (b *robot) command(line string) {
	b.t.Helper()
	b.typed(line)
	b.keys("enter")
}

var settingScenes = []scene{
	{"settings", withSettings(newFakeSettings()), func(b *robot) { b.command("/settings") }},
	{"kv", withSettings(newFakeSettings()), func(b *robot) { b.say(answer); b.settle(); b.command("/kv") }},
	{"kv-no-memory", withSettings(newFakeSettings()), func(b *robot) { b.command("/kv f32"); b.untilNotice("still answers") }},
	{"preset", withSettings(newFakeSettings()), func(b *robot) { b.command("/preset") }},
	{"context-question", withSettings(newFakeSettings()), func(b *robot) { b.command("/context") }},
	{"setting-wrong", withSettings(newFakeSettings()), func(b *robot) { b.command("/kv bad"); b.untilText("want f16") }},
}

func TestSettingScreens(t *testing.T) { playScenes(t, settingScenes) }

// TestReopened opens the model again with another cache, and keeps the conversation.
func TestReopened(t *testing.T) {
	f := newFakeSettings()
	b := newRobot(t, 80, 24, withSettings(f))
	b.say2("One?")
	b.command("/kv q8_0")
	b.until("opened again", func() bool { return b.model.wasClosed() && b.r.model.Context() == 2048 })
	b.say2("Two?")
	if got := b.turns(); f.get("kv") != "q8_0" || !strings.HasSuffix(got, "Again.") || !strings.HasPrefix(got, "user: One?") {
		t.Errorf("kv %s, the conversation is\n%s", f.get("kv"), got)
	}
}

// TestNotReopened sets back what the model could not be opened with: the old one answers.
func TestNotReopened(t *testing.T) {
	f := newFakeSettings()
	b := newRobot(t, 80, 24, withSettings(f))
	b.command("/kv f32")
	b.untilNotice("Fake Q4_K still answers")
	b.until("set back", func() bool { return f.get("kv") == "f16" })
	if b.model.wasClosed() {
		t.Error("the old one is closed")
	}
	b.say2("Still there?")
}

// TestStoppedReopening sets back too.
func TestStoppedReopening(t *testing.T) {
	f := newFakeSettings()
	b := newRobot(t, 80, 24, withSettings(f))
	b.r.config.Load = func(ctx context.Context, _ string) (talk.Model, sessions.Model, error) {
		<-ctx.Done()
		return nil, sessions.Model{}, fmt.Errorf("opening: %w", ctx.Err())
	}
	b.command("/kv q8_0")
	b.untilText("opening fake")
	b.keys("esc")
	b.until("set back", func() bool { return f.get("kv") == "f16" })
	if b.model.wasClosed() || b.r.current != "fake" {
		t.Error("the old one does not answer any more")
	}
}

// TestSameAgain opens nothing again for what is so already.
func TestSameAgain(t *testing.T) {
	b := newRobot(t, 80, 24, withSettings(newFakeSettings()))
	b.command("/kv f16")
	b.untilText("kv is f16.")
	if b.r.loading != "" || b.model.wasClosed() {
		t.Error("it was opened again")
	}
}

// TestPreset changes how replies are chosen, whatever was set by hand before.
func TestPreset(t *testing.T) {
	b := newRobot(t, 80, 24, withSettings(newFakeSettings()))
	b.command("/set temperature 1.5")
	b.command("/preset exact")
	b.untilText("preset is exact")
	if got := b.r.talk.Sampling().Temperature; got != 0 || b.r.sampled {
		t.Errorf("temperature is %v, and set by hand %v: the next model would keep it", got, b.r.sampled)
	}
}

// TestPrompt changes what the model is told from the next message on.
func TestPrompt(t *testing.T) {
	b := newRobot(t, 80, 24, withSettings(newFakeSettings()))
	b.command("/prompt short")
	b.untilText("prompt is short")
	b.say2("One?")
	if got := b.turns(); !strings.HasPrefix(got, "system: Answer in one sentence.") {
		t.Errorf("the conversation is\n%s", got)
	}
	b.command("/prompt none")
	b.untilText("prompt is none")
}

// TestSetByKey reaches what has no command.
func TestSetByKey(t *testing.T) {
	f := newFakeSettings()
	b := newRobot(t, 80, 24, withSettings(f))
	b.command("/settings presets.calm.top_p 0.8")
	b.untilText("presets.calm.top_p is set")
	if f.get("presets.calm.top_p") != "0.8" {
		t.Error("it is not")
	}
	b.command("/config kv q8_0")
	b.untilText("kv is q8_0")
	b.command("/config nonsense")
	b.untilText("no setting nonsense")
}

// TestSettingsInPalette finds every setting by its name.
func TestSettingsInPalette(t *testing.T) {
	b := newRobot(t, 80, 24, withSettings(newFakeSettings()))
	b.keys("ctrl+p")
	l := b.r.layers[0].(*list)
	for _, want := range []string{"/kv [VALUE]", "/preset [VALUE]", "/context [VALUE]", "/quant [NAME]", "/downloads", "/pull NAME", "/settings [KEY VALUE]"} {
		found := false
		for _, c := range l.all {
			found = found || c.name == want
		}
		if !found {
			t.Errorf("%s is not in the palette", want)
		}
	}
}
