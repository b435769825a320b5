package app

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

var update = flag.Bool("update", false, "write the golden screens anew")

// text is the screen without colours.
func (b *robot) text() string {
	if b.r.live.FirstToken > 0 {
		b.r.live.FirstToken = 300 * time.Millisecond // which is what no run takes
	}
	lines, _, _ := b.r.screen()
	for i := range lines {
		lines[i] = strings.TrimRight(ansi.Strip(lines[i]), " ")
	}
	return strings.Join(lines, "\n")
}

// check fails if the screen is not exactly as large as the terminal.
func (b *robot) check() {
	b.t.Helper()
	lines, _, _ := b.r.screen()
	if len(lines) > b.r.height || b.r.width >= leastWidth && b.r.height >= leastHeight && len(lines) != b.r.height {
		b.t.Fatalf("%d lines on a screen of %d×%d:\n%s", len(lines), b.r.width, b.r.height, b.text())
	}
	for _, line := range lines {
		if w := ansi.StringWidth(line); w > b.r.width {
			b.t.Fatalf("a line of %d cells on a screen of %d×%d: %q", w, b.r.width, b.r.height, ansi.Strip(line))
		}
	}
}

// golden holds the screen against a file.
func (b *robot) golden(name, got string) {
	b.t.Helper()
	path := filepath.Join("testdata", "screens", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got+"\n"), 0o644); err != nil {
			b.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatalf("%v (go test -update writes it)", err)
	}
	if got+"\n" != string(want) {
		b.t.Errorf("%s differs. got:\n%s\nwant:\n%s", name, got, want)
	}
}

const answer = "The plan puts the sink **under the window**:\n\n1. measure\n2. cut\n\n```go\nfunc clear(w Wall) Length {\n\treturn w.Length - 60\n}\n```\n\nThen *check* `the pipes`."

// scenes are every screen and every empty state, together with the tables beside what
// they are about.
var scenes = []scene{
	{"first-run", func(c *Config) { c.Model = "" }, func(b *robot) {}},
	{"ready", nil, func(b *robot) {}},
	{"missing-model", func(c *Config) { c.Model = "gone.gguf" }, func(b *robot) {}},
	{"answered", nil, func(b *robot) { b.say(answer); b.settle() }},
	{"reading", nil, func(b *robot) { b.model.gate = make(chan struct{}); b.say(answer); b.untilText("reading") }},
	{"writing", nil, func(b *robot) {
		b.model.gate = make(chan struct{})
		b.say(answer)
		for range 3 {
			b.model.gate <- struct{}{}
		}
		b.until("some text", func() bool { b.r.glance(); return b.r.live.Stats.Generated == 2 })
		b.typed("and the oven?")
		b.keys("enter")
		b.until("queued", func() bool { b.r.glance(); return len(b.r.queue) == 1 })
		b.r.live.Rate, b.r.live.Rates, b.r.live.FirstToken = 17.4, []float64{12, 15, 18, 17, 17.4}, 0
		b.r.live.Started = clock
	}},
	{"scrolled", nil, func(b *robot) {
		b.say(strings.Repeat(answer+"\n\n", 9))
		b.settle()
		b.keys("pgup")
	}},
	{"too-long", nil, func(b *robot) { b.model.prompt = 2000; b.say(answer); b.settle() }},
	{"failed", nil, func(b *robot) { b.model.err = os.ErrDeadlineExceeded; b.say("Half"); b.settle() }},
	{"unknown-command", nil, func(b *robot) { b.typed("/modle"); b.keys("enter") }},
	{"paste", nil, func(b *robot) {
		b.typed("Look: ")
		b.send(tea.PasteMsg{Content: strings.Repeat("a line of a log\n", 40)})
	}},
	{"multiline", nil, func(b *robot) {
		b.typed("one")
		b.keys("shift+enter")
		b.typed("two")
		b.keys("ctrl+j")
		b.typed("three")
	}},
	{"chips", nil, func(b *robot) {
		b.send(tea.PasteMsg{Content: b.file("my photo.png")})
		b.until("a price", func() bool { return len(b.r.chips) == 1 && b.r.chips[0].tokens > 0 })
	}},
	{"help", nil, func(b *robot) { b.keys("?") }},
	{"palette", nil, func(b *robot) { b.keys("ctrl+p") }},
	{"palette-search", nil, func(b *robot) { b.keys("ctrl+p"); b.typed("theme") }},
	{"palette-nothing", nil, func(b *robot) { b.keys("ctrl+p"); b.typed("zzzz") }},
	{"models", nil, func(b *robot) { b.keys("ctrl+l"); b.untilText("other.gguf") }},
	{"themes", nil, func(b *robot) { b.keys("ctrl+t"); b.untilText("paper"); b.keys("down") }},
	{"sessions-none", nil, func(b *robot) { b.keys("ctrl+s"); b.untilText("none yet") }},
	{"sessions", nil, func(b *robot) {
		b.say(answer)
		b.settle()
		b.keys("ctrl+n")
		b.until("new", func() bool { return !b.r.opening && len(b.r.transcript.items) == 0 })
		b.keys("ctrl+s")
		b.untilText("sink")
		b.r.layers[0].(*list).shown[0].right = "today 14:02"
	}},
	{"title", nil, func(b *robot) { b.typed("/title"); b.keys("enter"); b.typed("Kitchen") }},
	{"inspect", nil, func(b *robot) { b.r.talk.SetSampling(seeded()); b.say(answer); b.settle(); b.keys("ctrl+o") }},
	{"quit-once", nil, func(b *robot) { b.keys("ctrl+c") }},
}

var sizes = [][2]int{{80, 24}, {100, 30}, {160, 48}, {60, 16}, {40, 10}}

func TestScreens(t *testing.T) { playScenes(t, scenes) }

// TestTooSmall says so, and never draws over the edge.
func TestTooSmall(t *testing.T) {
	b := newRobot(t, 39, 10, nil)
	if !strings.Contains(b.text(), "Too small: 39×10") {
		t.Errorf("got %q", b.text())
	}
	for w := range 45 {
		for h := range 14 {
			b.send(tea.WindowSizeMsg{Width: w, Height: h})
			b.check()
		}
	}
}

// TestNoLineTooWide presses keys by chance on screens of sizes by chance.
func TestNoLineTooWide(t *testing.T) {
	names := []string{"a", "世", "?", "/", "@", "space", "enter", "esc", "tab", "up", "down", "left", "pgup", "pgdown", "ctrl+p", "ctrl+t", "ctrl+l",
		"ctrl+s", "ctrl+o", "ctrl+f", "ctrl+j", "ctrl+home", "ctrl+end", "backspace", "home", "end", "f1", "e\u0301", "👩‍👩‍👧"}
	rng := rand.New(rand.NewPCG(1, 2))
	b := newRobot(t, 80, 24, func(c *Config) {
		c.Models = func() []ModelEntry { return []ModelEntry{{Name: strings.Repeat("名", 90), Note: "\x1b[2J"}} }
	})
	b.say(answer + strings.Repeat("wide 世界 and a-very-long-word-"+strings.Repeat("x", 200)+" ", 9))
	b.settle()
	for i := range 3000 {
		switch rng.IntN(12) {
		case 0:
			b.send(tea.WindowSizeMsg{Width: 1 + rng.IntN(170), Height: 1 + rng.IntN(50)})
		case 1:
			b.send(tea.PasteMsg{Content: strings.Repeat("paste \x1b[31m世\t", rng.IntN(40))})
		case 2:
			b.send(tea.MouseWheelMsg{Button: []tea.MouseButton{tea.MouseWheelUp, tea.MouseWheelDown}[rng.IntN(2)]})
		case 3:
			select {
			case msg := <-b.inbox:
				b.send(msg)
			default:
			}
		default:
			b.keys(names[rng.IntN(len(names))])
		}
		b.check()
		if b.quit {
			t.Fatalf("it left after %d keys", i)
		}
	}
}
