package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"scout/engine"
	"scout/ui/safetext"
	"scout/ui/talk"
)

// shown waits until the viewer has drawn what it is to show.
func (b *robot) shown() *viewer {
	b.t.Helper()
	b.until("drawn", func() bool { v := b.r.viewing(); return v != nil && v.ready })
	return b.r.viewing()
}

// pictureFile is a file with a picture of colours.
func (b *robot) pictureFile(name string, w, h int) string {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(pngOf(b.t, w, h)), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return path
}

// viewScenes are the viewer's screens.
var viewScenes = []struct {
	name   string
	change func(*Config)
	play   func(b *robot)
}{
	{"viewer-chip", nil, func(b *robot) {
		b.send(tea.PasteMsg{Content: b.pictureFile("my photo.png", 90, 60)})
		b.until("a price", func() bool { return len(b.r.chips) == 1 && b.r.chips[0].tokens > 0 })
		b.keys("f5")
	}},
	{"viewer-two", nil, func(b *robot) {
		b.withPicture(b.pictureFile("plan.png", 30, 90))
		b.send(tea.PasteMsg{Content: b.pictureFile("photo.png", 90, 60)})
		b.until("a chip", func() bool { return len(b.r.chips) == 1 })
		b.keys("f5", "left")
	}},
	{"viewer-blind", func(c *Config) { c.Environ = []string{"TERM=xterm", "NO_COLOR=1"} }, func(b *robot) {
		b.send(tea.PasteMsg{Content: b.pictureFile("photo.png", 90, 60)})
		b.until("a chip", func() bool { return len(b.r.chips) == 1 })
		b.keys("f5")
	}},
	{"viewer-lost", nil, func(b *robot) {
		b.withPicture(b.pictureFile("photo.png", 90, 60))
		b.settle()
		for _, f := range b.attachments() {
			if err := os.Remove(f); err != nil {
				b.t.Fatal(err)
			}
		}
		b.keys("f5")
	}},
	{"viewer-none", nil, func(b *robot) { b.keys("f5") }},
	{"history", nil, func(b *robot) {
		b.say2("Where does the sink go?")
		b.say2("And the oven?")
		b.typed("a draft")
		b.keys("ctrl+r")
		b.untilText("the oven")
	}},
	{"history-found", nil, func(b *robot) {
		b.say2("Where does the sink go?")
		b.say2("And the oven?")
		b.keys("ctrl+r")
		b.untilText("the oven")
		b.typed("sink")
	}},
	{"history-none", nil, func(b *robot) { b.keys("ctrl+r"); b.untilText("nothing yet") }},
}

// attachments is the files of the store's pictures.
func (b *robot) attachments() []string {
	b.t.Helper()
	found, err := filepath.Glob(filepath.Join(b.dir, "attachments", "*", "*"))
	if err != nil || len(found) == 0 {
		b.t.Fatalf("no attachments: %v", err)
	}
	return found
}

func TestViewScreens(t *testing.T) { playScenes(t, viewScenes) }

// TestViewer: the pictures of the conversation and those that are attached, one after
// the other, each with what it costs.
func TestViewer(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	b.withPicture(b.pictureFile("one.png", 30, 20))
	b.withPicture(b.pictureFile("two.png", 40, 20))
	b.send(tea.PasteMsg{Content: b.pictureFile("three.png", 50, 20)})
	b.until("a chip", func() bool { return len(b.r.chips) == 1 })
	b.keys("f5")
	for _, c := range []struct{ key, name, count string }{
		{"", "three.png", "3 of 3"}, {"right", "one.png", "1 of 3"}, {"right", "two.png", "2 of 3"}, {"left", "one.png", "1 of 3"},
		{"left", "three.png", "3 of 3"}, {"home", "one.png", "1 of 3"}, {"end", "three.png", "3 of 3"},
	} {
		if c.key != "" {
			b.keys(c.key)
		}
		b.shown()
		text := b.text()
		for _, want := range []string{c.name, c.count, "640×480 pixels", " B", "3 tiles", "≈441 tokens", "▀", "esc close"} {
			if !strings.Contains(text, want) {
				t.Fatalf("after %s, %q is missing in\n%s", c.key, want, text)
			}
		}
		b.check()
	}
	b.keys("esc")
	if b.r.viewing() != nil || len(b.r.chips) != 1 {
		t.Error("esc does not close it, or takes more away")
	}
	b.typed("/view 1")
	b.keys("enter")
	b.shown()
	if !strings.Contains(b.text(), "one.png") {
		t.Errorf("/view 1 shows\n%s", b.text())
	}
	b.keys("q")
	b.typed("/view 9")
	b.keys("enter")
	if b.r.viewing() != nil || !b.r.noticeBad {
		t.Error("there is a ninth picture")
	}
}

// TestViewerCannotSee: what the model cannot look at can be looked at.
func TestViewerCannotSee(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	blind := &blindModel{b.model}
	b.r.model = blind
	b.send(tea.PasteMsg{Content: b.pictureFile("one.png", 30, 20)})
	b.until("a chip", func() bool { return len(b.r.chips) == 1 })
	b.keys("f5")
	b.shown()
	if text := b.text(); !strings.Contains(text, "30×20 pixels") || !strings.Contains(text, "this model cannot see") || !strings.Contains(text, "▀") {
		t.Errorf("the screen is\n%s", text)
	}
	b.r.model = b.model
}

// blindModel has no eyes.
type blindModel struct{ talk.Model }

func (blindModel) Price([]byte) (engine.ImagePlan, error) {
	return engine.ImagePlan{}, fmt.Errorf("pricing: %w", engine.ErrNoTower)
}

// TestViewerKitty: the terminal is given a picture once a size, whichever way it comes
// to be shown, and holds no more of them than it should.
func TestViewerKitty(t *testing.T) {
	b := newRobot(t, 80, 24, inKitty)
	b.answerOK()
	b.withPicture(b.pictureFile("one.png", 300, 200))
	b.withPicture(b.pictureFile("two.png", 400, 200))
	b.until("drawn", func() bool { return len(b.ids(given)) == 2 })
	b.keys("f5")
	b.shown()
	b.keys("left")
	b.shown()
	b.until("given", func() bool { return len(b.ids(given)) == 4 })
	b.keys("right")
	b.shown()
	b.keys("esc", "f5")
	b.shown()
	b.settle()
	if got := b.ids(given); len(got) != 4 || !b.placed() {
		t.Errorf("two pictures in two sizes were given as %v", got)
	}
	for w := 81; w < 100; w++ {
		b.send(tea.WindowSizeMsg{Width: w, Height: w - 56})
		b.shown()
		b.check()
	}
	b.settle()
	held := len(b.ids(given)) - len(b.ids(deleted))
	if held > mostLarge+2 {
		t.Errorf("the terminal holds %d pictures", held)
	}
	b.keys("esc", "ctrl+n")
	b.until("left", func() bool { return len(b.ids(given)) == len(b.ids(deleted)) })
}

// TestViewerUnsaved: without a store, the pictures of this conversation can be looked
// at all the same.
func TestViewerUnsaved(t *testing.T) {
	b := newRobot(t, 80, 24, func(c *Config) { c.OpenStore = nil })
	b.withPicture(b.pictureFile("one.png", 30, 20))
	b.keys("f5")
	if v := b.shown(); v.shown.problem != "" || len(v.shown.lines) == 0 {
		t.Errorf("it shows %+v", v.shown)
	}
}

// TestClick: a click on a picture or its chip shows it, one on anything else does not.
func TestClick(t *testing.T) {
	b := newRobot(t, 80, 30, nil)
	b.say2("Hello?")
	b.withPicture(b.pictureFile("one.png", 30, 20))
	b.send(tea.PasteMsg{Content: b.pictureFile("two.png", 40, 20)})
	b.until("a chip", func() bool { return len(b.r.chips) == 1 })
	opened := 0
	for y, line := range strings.Split(b.text(), "\n") {
		b.send(tea.MouseClickMsg{X: 4, Y: y, Button: tea.MouseRight})
		if b.r.viewing() != nil {
			t.Fatal("the other button opens it")
		}
		b.send(tea.MouseClickMsg{X: 4, Y: y, Button: tea.MouseLeft})
		v := b.r.viewing()
		want := strings.Contains(line, "▣") || strings.Contains(line, "▀")
		if (v != nil) != want {
			t.Fatalf("a click on line %d, %q, opens it: %v", y, line, v != nil)
		}
		if v == nil {
			continue
		}
		if opened++; strings.Contains(line, "two.png") != (v.all[v.at].name == "two.png") {
			t.Errorf("a click on %q shows %s", line, v.all[v.at].name)
		}
		b.keys("esc")
	}
	if opened < 3 {
		t.Errorf("%d lines were clicked on with a picture", opened)
	}
}

// FuzzView puts a text from outside where the viewer and the history show one, and in a
// notification: no control sequence of it may be there, and no line may be too wide.
func FuzzView(f *testing.F) {
	for _, s := range []string{"plan.png", "\x1b]52;c;AAAA\x07", "\x9b2J\u202e", "a\tb\r\nc", "好\u0301\u200d👩‍👩‍👧", strings.Repeat("x-", 90), ";4;1\x07"} {
		f.Add(s)
	}
	b := newRobot(f, 60, 16, nil)
	b.r.talk.Stop()
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 500 {
			return
		}
		r := b.r
		v := &viewer{all: []viewed{{name: text}, {}}, ready: true, shown: seen{problem: safetext.Line(text)}}
		l := &list{title: "You wrote"}
		l.set([]choice{historyRow(text, "now"), historyRow(text+text, "")})
		for _, layer := range []layer{v, l} {
			for _, line := range layer.view(r.styles, 60, 16) {
				rest := colouring.ReplaceAllString(line, "")
				if strings.IndexFunc(rest, steers) >= 0 || ansi.StringWidth(line) > 60 {
					t.Fatalf("%q is a line %q of %d cells", text, line, ansi.StringWidth(line))
				}
			}
		}
		r.title, r.config.Notify = text, NotifyOSC777
		inside := strings.TrimSuffix(strings.TrimPrefix(r.notification("Done."), "\x1b]777;notify;"), ";Done.\x07")
		if strings.IndexFunc(inside, steers) >= 0 || strings.Contains(inside, ";") {
			t.Fatalf("%q is in a notification as %q", text, inside)
		}
	})
}
