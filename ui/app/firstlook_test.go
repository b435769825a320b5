package app

import (
	"context"
	"strings"
	"testing"
)

// withNothing is a machine of which something is known, and no model.
func withNothing(models func() []ModelEntry) func(*Config) {
	return func(c *Config) {
		c.Model = ""
		c.Models = models
		c.Machine = func(context.Context) []string {
			return []string{"22 GiB of 24 GiB of memory are free, 2 cores."}
		}
		c.OpenPulls = func() (Pulls, error) { return newFakePulls(), nil }
	}
}

func catalogueEntries() []ModelEntry {
	return []ModelEntry{
		{Name: "fake", Size: 6.7e6, Note: "a toy inside this program", Fit: Fits, Slow: 900, Fast: 2000},
		{Name: "hf.co/unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF:UD-Q2_K_XL", Size: 43.9e9, Fit: TooBig, Fast: 0.3, Away: true},
		{Name: "hf.co/bartowski/Meta-Llama-3.1-8B-Instruct-GGUF:Q4_K_M", Size: 4.9e9, Fit: Fits, Slow: 4.1, Fast: 6.1, Away: true, Best: true, Pick: true, Quality: "PPL +0.5 %"},
	}
}

var firstScenes = []scene{
	{"first-run-fit", withNothing(catalogueEntries), func(b *robot) { b.untilText("★") }},
	{"first-run-looking", withNothing(catalogueEntries), func(b *robot) { b.r.first = firstLook{looking: true} }},
	{"first-run-nothing-fits", withNothing(func() []ModelEntry { return catalogueEntries()[:2] }), func(b *robot) {}},
	{"first-run-here", withNothing(func() []ModelEntry {
		all := catalogueEntries()
		all[1].Away = false
		return all
	}), func(b *robot) { b.untilText("that you have") }},
	{"first-run-models", withNothing(catalogueEntries), func(b *robot) { b.keys("ctrl+l"); b.untilText("★ get") }},
}

func TestFirstScreens(t *testing.T) { playScenes(t, firstScenes) }

// TestFirstRun gets what suits the machine with three keys, and the demo with one.
func TestFirstRun(t *testing.T) {
	f := newFakePulls()
	b := newRobot(t, 80, 24, withNothing(catalogueEntries))
	b.r.config.OpenPulls = func() (Pulls, error) { return f, nil }
	b.keys("ctrl+l")
	b.untilText("★ get")
	b.keys("enter", "enter")
	b.until("asked for", func() bool { return f.notes() == "add "+catalogueEntries()[2].Name })
	b.untilNotice("Until then ctrl+l opens a smaller one")
	b.keys("enter")
	b.until("the demo", func() bool { return b.r.model != nil && b.r.current == "fake" })
	if strings.Contains(b.text(), "No model") {
		t.Errorf("the screen is\n%s", b.text())
	}
}

// TestFailedFirst looks around when the model of the last time cannot be opened.
func TestFailedFirst(t *testing.T) {
	b := newRobot(t, 80, 24, func(c *Config) { withNothing(catalogueEntries)(c); c.Model = "gone.gguf" })
	b.untilText("★ Meta")
}
