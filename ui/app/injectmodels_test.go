package app

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// unsafe is texts that steer a terminal, or break a line, and pieces of such.
var unsafe = []string{
	"plain", "\x1b]52;c;AAAA\x07", "\x9b2J\u202e", "a\tb\r\nc", "好\u0301\u200d👩‍👩‍👧", strings.Repeat("\u0300", 50), "hf.co/a/b-GGUF:Q4_K_M",
	"\\", "/", "a/", strings.Repeat("名", 90), "\u2066\u200b\ufeff", strings.Repeat("-a", 60), "\xff\xfe", "\x1b", "[2J", " ", "\x00",
}

// TestNothingSteers puts texts from hubs, catalogues and the machine everywhere that the
// screens of models show one: nothing of them steers the terminal or sticks out. A screen
// takes too long for a fuzz target; FuzzScreen is one for the texts of a conversation.
func TestNothingSteers(t *testing.T) {
	b := newRobot(t, 80, 24, withPulls(newFakePulls()))
	rng := rand.New(rand.NewPCG(3, 4))
	texts := slices.Clone(unsafe)
	for range 40 {
		text := ""
		for range 1 + rng.IntN(5) {
			text += unsafe[rng.IntN(len(unsafe))]
		}
		texts = append(texts, text)
	}
	for _, text := range texts {
		for _, layer := range modelLayers(b.r, text) {
			b.r.layers = layer
			for _, size := range [][2]int{{80, 24}, {40, 10}} {
				b.r.width, b.r.height = size[0], size[1]
				b.r.arrange()
				checkLines(t, b.r, text)
			}
		}
	}
}

// modelLayers puts a text everywhere that these screens show one.
func modelLayers(r *root, text string) [][]layer {
	entry := ModelEntry{Name: text, Quant: text, Size: 9, Note: text, Fit: Tight, Need: 9, Fast: 3, Slow: 2, Read: time.Second, Quality: text}
	away := entry
	away.Away, away.Pick, away.Fit = true, true, Fit(text)
	r.current, r.loading, r.expect = text, "", time.Second
	models, quants := r.modelList("Models", false), r.modelList("Quants", true)
	models.set(entryRows([]ModelEntry{entry, away}, "", false))
	quants.set(entryRows([]ModelEntry{entry, away}, text, true))
	r.first = firstLook{machine: []string{text}, pick: &away, listed: 2}
	r.pulls.now = []Pull{
		{ID: 1, Name: text, State: PullRunning, Doing: text, Done: 5, Total: 9, Left: -1, Said: []string{text}},
		{ID: 2, Name: text, State: PullFailed, Line: text}, {ID: 3, Name: text, State: PullHeld, Line: text},
	}
	r.pulls.offer = &Pull{Name: text}
	r.figures.known = true
	r.figures.forecast = Forecast{Empty: 2, Full: 1, Limit: text, Places: []Place{{Device: text, Holds: text, Weights: 9}}}
	r.figures.host.GPUs = []GPU{{Name: text, Used: 1, Total: 2}}
	values := &list{title: "x"}
	values.set([]choice{{name: "a", note: "b"}})
	r.say(r.costText(entry) + r.entryText(entry))
	return [][]layer{
		nil, {models}, {quants}, {&pullScreen{r: r, id: 1}}, {&pullScreen{r: r, id: 3}},
		{&page{title: "Speed and memory", make: r.whyLines}},
	}
}

// checkLines fails if something of a text steers the terminal, or sticks out.
func checkLines(t *testing.T, r *root, text string) {
	t.Helper()
	lines, _, _ := r.screen()
	if len(lines) != r.height {
		t.Fatalf("%q makes %d lines on a screen of %d", text, len(lines), r.height)
	}
	for _, line := range lines {
		if bad := strings.IndexFunc(colouring.ReplaceAllString(line, ""), steers); bad >= 0 {
			t.Fatalf("%q is on the screen as %q", text, line)
		}
		if w := ansi.StringWidth(line); w > r.width {
			t.Fatalf("%q makes a line of %d cells on a screen of %d: %q", text, w, r.width, line)
		}
	}
}
