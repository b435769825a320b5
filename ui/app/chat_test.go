package app

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"scout/engine"
	"scout/sessions"
	"scout/ui/talk"
)

func seeded() engine.Sampling { return engine.Sampling{Temperature: 0.5, TopP: 0.9, Seed: 7} }

// say asks something that is answered so.
func (b *robot) say(reply string) {
	b.t.Helper()
	b.model.steps = []string{reply[:len(reply)/2], reply[len(reply)/2:]}
	b.typed("Where does the sink go?")
	b.keys("enter")
}

func (b *robot) untilText(text string) {
	b.t.Helper()
	b.until("text "+text, func() bool { return strings.Contains(b.text(), text) })
}

// file is the path of a picture of that name.
func (b *robot) file(name string) string {
	b.t.Helper()
	var buf bytes.Buffer
	if err := png.Encode(&buf, image.NewGray(image.Rect(0, 0, 64, 48))); err != nil {
		b.t.Fatal(err)
	}
	path := filepath.Join(b.t.TempDir(), name)
	if err := os.WriteFile(path, buf.Bytes(), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return path
}

func (b *robot) turns() string {
	var said []string
	for _, turn := range b.r.talk.Turns() {
		said = append(said, string(turn.Role)+": "+turn.Text)
	}
	return strings.Join(said, "\n")
}

// writing sends a question and waits until n tokens of the answer are there. The model
// stands still then.
func (b *robot) writing(n int) {
	b.t.Helper()
	b.model.gate = make(chan struct{})
	b.typed("Where?")
	b.keys("enter")
	for range 1 + n {
		b.model.gate <- struct{}{}
	}
	b.until("tokens", func() bool { b.r.glance(); return b.r.live.Stats.Generated == n })
}

func TestStopKeepsReplyAndDraft(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	b.writing(2)
	b.typed("a draft")
	b.keys("esc")
	b.settle()
	if got, want := b.turns(), "user: Where?\nassistant: Under the **window**"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := b.r.composer.text(); got != "a draft" {
		t.Errorf("the draft is %q", got)
	}
	if text := b.text(); !strings.Contains(text, "/continue") || strings.Contains(text, "**") {
		t.Errorf("the screen is\n%s", text)
	}
}

func TestCtrlC(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	b.writing(1)
	b.typed("a draft")
	b.keys("ctrl+c")
	b.settle()
	if b.r.composer.text() != "a draft" || b.r.talk.Live().Phase != talk.Idle {
		t.Fatalf("the first should stop only; the draft is %q", b.r.composer.text())
	}
	b.keys("ctrl+c")
	if !b.r.composer.empty() {
		t.Fatal("the second should clear the draft")
	}
	b.keys("up")
	if got := b.r.composer.text(); got != "a draft" {
		t.Fatalf("up brings %q back", got)
	}
	b.keys("ctrl+c", "ctrl+c")
	if b.r.ending {
		t.Fatal("it left at once")
	}
	b.keys("ctrl+c")
	b.until("left", func() bool { return b.quit })
}

// TestTwiceIsInShortOrder: a second press much later counts as a first one.
func TestTwiceIsInShortOrder(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	now := clock
	b.r.now = func() time.Time { return now }
	b.keys("ctrl+d")
	now = now.Add(time.Minute)
	b.keys("ctrl+d")
	if b.r.ending {
		t.Fatal("it left")
	}
	b.keys("x", "backspace", "ctrl+d")
	if b.r.ending {
		t.Fatal("it left although another key came between")
	}
	b.keys("ctrl+d")
	if !b.r.ending {
		t.Fatal("it stayed")
	}
}

func TestHistoryKeepsDraft(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	b.typed("first")
	b.keys("enter")
	b.settle()
	b.typed("a draft")
	b.keys("up")
	if got := b.r.composer.text(); got != "first" {
		t.Fatalf("got %q", got)
	}
	b.keys("down")
	if got := b.r.composer.text(); got != "a draft" {
		t.Fatalf("the draft is %q", got)
	}
}

// TestQueue: what is sent meanwhile waits, is shown, and can be had back.
func TestQueue(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	b.writing(1)
	b.typed("second")
	b.keys("enter")
	b.until("queued", func() bool { return len(b.r.queue) == 1 })
	if !strings.Contains(b.text(), "waiting: second") {
		t.Errorf("the screen is\n%s", b.text())
	}
	b.typed("/unqueue")
	b.keys("enter")
	if got := b.r.composer.text(); got != "second" || len(b.r.queue) != 0 {
		t.Errorf("got %q back, %d wait", got, len(b.r.queue))
	}
	if got := b.r.unsent(); !slices.Equal(got, []string{"second"}) {
		t.Errorf("unsent is %q", got)
	}
}

// TestFollow: the window does not move under a reader who has scrolled up.
func TestFollow(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	b.say(strings.Repeat("a paragraph\n\n", 60))
	b.settle()
	b.keys("pgup")
	before := b.r.transcript.view()
	b.model.steps = []string{strings.Repeat("more\n\n", 30), "end"}
	if err := b.r.talk.Send("again", nil); err != nil {
		t.Fatal(err)
	}
	b.untilText("new lines")
	b.settle()
	after := b.r.transcript.view()
	if n := len(before) - 1; !slices.Equal(before[:n], after[:n]) {
		t.Errorf("the window moved from\n%s\nto\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	b.keys("ctrl+end")
	if text := b.text(); !strings.Contains(text, "end") || strings.Contains(text, "new line") {
		t.Errorf("the end is not seen:\n%s", text)
	}
}

// TestAnchor: another width keeps the item at the top of the window there.
func TestAnchor(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	for range 6 {
		b.say(strings.Repeat("many words that wrap at every width there is ", 30))
		b.settle()
	}
	b.keys("pgup", "pgup", "pgup")
	item := b.r.transcript.item
	for _, w := range []int{41, 160, 79, 100, 80} {
		b.send(tea.WindowSizeMsg{Width: w, Height: 24})
		if b.r.transcript.follow || b.r.transcript.item != item {
			t.Fatalf("at a width of %d item %d is at the top, want %d", w, b.r.transcript.item, item)
		}
	}
}

// TestScrollThrough: up and down again over everything shows each line once.
func TestScrollThrough(t *testing.T) {
	b := newRobot(t, 60, 16, nil)
	for range 3 {
		b.say(answer)
		b.settle()
	}
	tr := &b.r.transcript
	var all []string
	for i := range tr.items {
		for j := range tr.draw(i).len() {
			all = append(all, tr.draw(i).line(j))
		}
	}
	tr.top()
	for at := range len(all) - tr.height {
		if got := tr.view(); !slices.Equal(got[:tr.height-1], all[at:at+tr.height-1]) {
			t.Fatalf("at line %d the window is wrong", at)
		}
		tr.scroll(1)
	}
	if !tr.follow {
		t.Error("at the end it does not follow")
	}
}

func TestUnknownCommandIsNotSent(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	b.typed("/modle x")
	b.keys("enter")
	b.settle()
	if got := b.turns(); got != "" {
		t.Errorf("it was sent: %q", got)
	}
	if text := b.text(); !strings.Contains(text, "there is no command /modle (/model?)") || b.r.composer.text() != "/modle x" {
		t.Errorf("the screen is\n%s", text)
	}
	b.keys("ctrl+c")
	b.typed(" /not a command")
	b.keys("enter")
	b.settle()
	if got := b.turns(); !strings.HasPrefix(got, "user:  /not a command\n") {
		t.Errorf("with a space before it, it was not sent: %q", got)
	}
}

func TestRefusedComesBack(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	b.model.prompt = 5000
	b.typed("much too long")
	b.keys("enter")
	b.until("back", func() bool { return b.r.composer.text() == "much too long" })
	if text := b.text(); !strings.Contains(text, "Does not fit: 5.0k tokens, and the context has 1.0k") {
		t.Errorf("the screen is\n%s", text)
	}
}

func TestEditAndBranch(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	b.say("first reply")
	b.settle()
	b.keys("esc", "esc")
	if got := b.r.composer.text(); got != "Where does the sink go?" {
		t.Fatalf("esc twice takes %q", got)
	}
	b.keys("ctrl+c")
	b.typed("/edit")
	b.keys("enter")
	b.model.steps = []string{"second reply"}
	b.typed(" Really?")
	b.keys("enter")
	b.until("answered", func() bool { return strings.Contains(b.turns(), "second reply") })
	b.settle()
	if got, want := b.turns(), "user: Where does the sink go? Really?\nassistant: second reply"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	b.typed("/branch")
	b.keys("enter")
	if got := b.turns(); !strings.Contains(got, "first reply") || !strings.Contains(b.text(), "‹1 of 2›") {
		t.Errorf("got %q; the screen is\n%s", got, b.text())
	}
}

func TestRetryAndContinue(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	b.say("one")
	b.settle()
	b.typed("/retry")
	b.keys("enter")
	b.until("another", func() bool { return strings.Contains(b.text(), "‹2 of 2›") })
	b.settle()
	b.typed("/continue")
	b.keys("enter")
	if !strings.Contains(b.text(), "the reply is whole") {
		t.Errorf("the screen is\n%s", b.text())
	}
}

func TestPasteChip(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	long := strings.Repeat("a line of a log\n", 40)
	b.typed("Look: ")
	b.send(tea.PasteMsg{Content: strings.ReplaceAll(long, "\n", "\r\n") + "\x1b[2J"})
	if !strings.Contains(b.text(), "[paste 1: 41 lines") {
		t.Fatalf("the screen is\n%s", b.text())
	}
	b.keys("enter")
	b.settle()
	if got := b.r.talk.Turns()[0].Text; got != "Look: "+long+"[2J" {
		t.Errorf("sent %q", got)
	}
}

// TestDrop: a dropped path is a chip with its price; a sentence with a slash is text.
func TestDrop(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	path := b.file("my photo.png")
	for _, spelling := range []string{path, "'" + path + "'", strings.ReplaceAll(path, " ", `\ `), "file://" + strings.ReplaceAll(path, " ", "%20")} {
		b.send(tea.PasteMsg{Content: spelling})
		b.until("a price", func() bool { return len(b.r.chips) == 1 && b.r.chips[0].tokens == 441 })
		if text := b.text(); !strings.Contains(text, "▣1 my photo.png 640×480 3 tiles ≈441 tok") || !b.r.composer.empty() {
			t.Errorf("dropped as %s, the screen is\n%s", spelling, text)
		}
		b.keys("backspace")
		if len(b.r.chips) != 0 {
			t.Fatal("backspace does not remove it")
		}
	}
	b.send(tea.PasteMsg{Content: "/tea or coffee"})
	b.until("text", func() bool { return b.r.composer.text() == "/tea or coffee" })
	b.keys("ctrl+c")
	b.typed("/image " + path)
	b.keys("enter")
	b.until("attached", func() bool { return len(b.r.chips) == 1 })
	b.typed("What is it?")
	b.keys("enter")
	b.settle()
	if turn := b.r.talk.Turns()[0]; len(turn.Files) != 1 || turn.Files[0].Name != "my photo.png" || turn.Text != "What is it?" {
		t.Errorf("sent %+v", turn)
	}
	if !strings.Contains(b.text(), "▣1 my photo.png") || len(b.r.chips) != 0 {
		t.Errorf("the screen is\n%s", b.text())
	}
}

// TestNothingReachesTheTerminal: what comes from outside draws, and does not steer.
func TestNothingReachesTheTerminal(t *testing.T) {
	b := newRobot(t, 80, 24, func(c *Config) { c.Environ = []string{"NO_COLOR=1", "TERM=xterm"} })
	evil := "\x1b]52;c;AAAA\x07\x9b2J\u202e"
	b.model.steps = []string{"a" + evil, "b\x1b[2J"}
	b.typed("x")
	b.send(tea.PasteMsg{Content: "y" + evil})
	b.keys("enter")
	b.settle()
	b.r.complain(errors.New("an error " + evil))
	b.send(listMsg{list: &list{}})
	lines, _, _ := b.r.screen()
	for _, line := range lines {
		for _, bad := range []string{"\x1b]", "\x07", "\u009b", "\x9b2", "\u202e", "\x1b[2J"} {
			if strings.Contains(line, bad) {
				t.Errorf("%q reaches the terminal in %q", bad, line)
			}
		}
	}
}

// TestNoModel: the demo is one key away, and what is written meanwhile waits.
func TestNoModel(t *testing.T) {
	b := newRobot(t, 80, 24, func(c *Config) { c.Model = "" })
	if !strings.Contains(b.text(), "No model is open yet") {
		t.Fatalf("the screen is\n%s", b.text())
	}
	b.typed("early")
	b.keys("enter")
	b.until("queued", func() bool { return len(b.r.queue) == 1 })
	b.keys("enter")
	b.until("a model", func() bool { return b.r.model != nil })
	b.until("answered", func() bool { return strings.Contains(b.turns(), "window") })
	b.settle()
}

// TestModelSwitch: the conversation stays, and the old model is closed.
func TestModelSwitch(t *testing.T) {
	first := &fakeModel{context: 512, prompt: 9, steps: []string{"from the first"}}
	second := &fakeModel{context: 512, prompt: 9, steps: []string{"from the second"}}
	b := newRobot(t, 80, 24, func(c *Config) {
		c.Load = loads(map[string]*fakeModel{"fake": first, "second": second})
	})
	b.say2("one")
	b.typed("/model second")
	b.keys("enter")
	b.until("the second", func() bool { return b.r.model == talk.Model(second) })
	b.say2("two")
	if got := b.turns(); !strings.Contains(got, "from the first") || !strings.Contains(got, "from the second") {
		t.Errorf("got %q", got)
	}
	first.mu.Lock()
	defer first.mu.Unlock()
	if !first.closed {
		t.Error("the first is still open")
	}
}

// TestSessions: conversations are there again, found by their words, pinned, deleted and
// brought back.
func TestSessions(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	b.say("Under the window.")
	b.settle()
	id := b.r.talk.ID()
	b.keys("ctrl+n")
	b.until("a new one", func() bool { return !b.r.opening && b.r.talk.ID() != id })
	b.keys("ctrl+s")
	b.untilText("Where does the sink go?")
	l := b.r.layers[0].(*list)
	summary := func() sessions.Summary { return l.shown[0].value.(sessions.Summary) }
	b.keys("ctrl+t")
	b.until("pinned", func() bool { return len(l.shown) == 1 && summary().Pinned })
	b.keys("ctrl+x")
	b.until("deleted", func() bool { return len(l.shown) == 1 && !summary().Deleted.IsZero() })
	b.keys("ctrl+x")
	b.until("back", func() bool { return len(l.shown) == 1 && summary().Deleted.IsZero() })
	b.keys("ctrl+r")
	b.typed("!")
	b.keys("enter")
	b.untilText("Where does the sink go?!")
	b.keys("ctrl+f")
	b.until("forked", func() bool { return len(l.shown) == 2 })
	b.typed("window zebra")
	b.until("nothing", func() bool { return len(l.shown) == 0 })
	b.keys("ctrl+u")
	b.typed("window")
	b.until("found", func() bool { return len(l.shown) == 2 && strings.Contains(l.shown[0].note, "window") })
	b.keys("enter")
	b.until("open", func() bool { return !b.r.opening && strings.Contains(b.text(), "Under the window.") })
	b.settle()
}

func TestThemePreview(t *testing.T) {
	var saved atomic.Value // written in the background
	saved.Store("")
	b := newRobot(t, 80, 24, func(c *Config) { c.SaveTheme = func(name string) error { saved.Store(name); return nil } })
	b.keys("ctrl+t")
	b.untilText("paper")
	b.keys("down")
	if b.r.theme.Name == "dusk" {
		t.Error("the theme under the cursor is not shown")
	}
	b.keys("esc")
	if b.r.theme.Name != "dusk" {
		t.Errorf("esc leaves %s", b.r.theme.Name)
	}
	b.typed("/theme paper")
	b.keys("enter")
	b.until("paper", func() bool { return b.r.theme.Name == "paper" })
	b.keys("ctrl+t")
	b.untilText("dusk")
	b.keys("down", "enter")
	b.until("saved", func() bool { return saved.Load() == b.r.theme.Name })
}

func TestSettings(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	for _, line := range []string{"/set temperature 0.25", "/set top_k=40", "/seed 9", "/system Be brief."} {
		b.typed(line)
		b.keys("enter")
	}
	s := b.r.talk.Sampling()
	if s.Temperature != 0.25 || s.TopK != 40 || s.Seed != 9 || b.r.talk.System() != "Be brief." {
		t.Errorf("got %+v and %q", s, b.r.talk.System())
	}
	for _, line := range []string{"/set temperature NaN", "/set top-p 2", "/set nothing 1", "/seed -1"} {
		b.typed(line)
		b.keys("enter")
		if !b.r.noticeBad {
			t.Errorf("%s is taken", line)
		}
		b.keys("esc")
	}
	if again := b.r.talk.Sampling(); again.Temperature != s.Temperature || again.TopP != s.TopP || again.Seed != s.Seed {
		t.Errorf("what is refused changed %+v to %+v", s, again)
	}
}

func TestCopyAndExport(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	b.say(answer)
	b.settle()
	b.typed("/copy 1")
	b.keys("enter")
	b.until("copied", func() bool { return b.copied != "" })
	if want := "func clear(w Wall) Length {\n\treturn w.Length - 60\n}"; strings.TrimSpace(b.copied) != want {
		t.Errorf("copied %q, want %q", b.copied, want)
	}
	path := filepath.Join(t.TempDir(), "kitchen.md")
	for _, want := range []string{"Written to", "exists"} {
		b.typed("/export md " + path)
		b.keys("enter")
		b.untilText(want)
	}
	if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), "under the window") {
		t.Errorf("exported %q, %v", text, err)
	}
}

func TestSearchHere(t *testing.T) {
	b := newRobot(t, 80, 16, nil)
	for _, word := range []string{"needle", "hay", "hay"} {
		b.say(strings.Repeat(word+"\n\n", 9))
		b.settle()
	}
	b.typed("/search NEEDLE")
	b.keys("enter")
	if text := b.text(); !strings.Contains(text, "needle") || !strings.Contains(text, "1 of 1") {
		t.Errorf("the screen is\n%s", text)
	}
}

// TestActions: one table, in which every key and every name is there once, and of which
// the palette and the help show every row.
func TestActions(t *testing.T) {
	b := newRobot(t, 160, 48, nil)
	seen := map[string]string{}
	help := strings.Join(b.r.helpLines(b.r.styles, 160), "\n")
	b.keys("ctrl+p")
	rows := b.r.layers[0].(*list).all
	for i, a := range b.r.actions {
		for _, name := range append(append([]string{a.name}, a.aliases...), a.keys...) {
			if other, ok := seen[name]; ok {
				t.Errorf("%s is of %s and of %s", name, other, a.name)
			}
			seen[name] = a.name
		}
		if a.what == "" || a.group == "" || a.run == nil {
			t.Errorf("%s is not whole", a.name)
		}
		if !strings.Contains(help, a.name) || !strings.Contains(help, a.what) {
			t.Errorf("%s is not in the help", a.name)
		}
		if !strings.HasPrefix(rows[i].name, a.name) {
			t.Errorf("%s is not in the palette", a.name)
		}
	}
}

func TestBoundKeys(t *testing.T) {
	b := newRobot(t, 80, 24, func(c *Config) { c.Keys = map[string][]string{"theme": {"ctrl+l"}, "palette": {}} })
	b.keys("ctrl+p")
	if len(b.r.layers) != 0 {
		t.Error("what is unbound still works")
	}
	b.keys("ctrl+l")
	if len(b.r.layers) != 1 || b.r.layers[0].(*list).title != "Themes" {
		t.Error("what is bound does not work")
	}
}

// TestSave: what was said is there after the end, whatever ended it.
func TestSave(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	b := newRobot(t, 80, 24, func(c *Config) { c.OpenStore = func() (*sessions.Store, error) { return sessions.Open(dir) } })
	b.writing(2)
	if err := b.r.shut(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	store, err := sessions.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	c, err := store.Read(b.r.talk.ID())
	if err != nil {
		t.Fatal(err)
	}
	if shown := c.Shown(); len(shown) != 2 || shown[1].Text != "Under the **window**" {
		t.Errorf("saved %+v", shown)
	}
}
