package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"scout/sessions"
	"scout/ui/talk"
)

// fakePulls is downloads that go as far as the test says.
type fakePulls struct {
	mu      sync.Mutex
	all     []Pull
	changed chan struct{}
	did     []string
	fail    error
	closed  bool
	atLimit int64
}

func newFakePulls(all ...Pull) *fakePulls {
	return &fakePulls{all: all, changed: make(chan struct{}, 1)}
}

func (f *fakePulls) change(note string, do func()) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if note != "" {
		f.did = append(f.did, note)
	}
	if f.fail != nil {
		return f.fail
	}
	do()
	select {
	case f.changed <- struct{}{}:
	default:
	}
	return nil
}

func (f *fakePulls) at(id int) int {
	return slices.IndexFunc(f.all, func(p Pull) bool { return p.ID == id })
}

// set changes a download as if the network had.
func (f *fakePulls) set(id int, do func(*Pull)) {
	_ = f.change("", func() { do(&f.all[f.at(id)]) })
}

func (f *fakePulls) notes() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.did, ", ")
}

func (f *fakePulls) Snapshot() []Pull {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.all)
}
func (f *fakePulls) Changed() <-chan struct{} { return f.changed }
func (f *fakePulls) Add(name string) (int, error) {
	id := 0
	err := f.change("add "+name, func() {
		id = len(f.all) + 1
		f.all = append(f.all, Pull{ID: id, Name: name, State: PullRunning, Doing: "asking", Left: -1})
	})
	return id, err
}
func (f *fakePulls) state(note string, id int, s PullState) error {
	return f.change(fmt.Sprint(note, " ", id), func() { f.all[f.at(id)].State = s })
}
func (f *fakePulls) Pause(id int) error  { return f.state("pause", id, PullPaused) }
func (f *fakePulls) Resume(id int) error { return f.state("resume", id, PullQueued) }
func (f *fakePulls) Agree(id int) error  { return f.state("agree", id, PullQueued) }
func (f *fakePulls) Cancel(id int) error {
	return f.change(fmt.Sprint("cancel ", id), func() { f.all = slices.Delete(f.all, f.at(id), f.at(id)+1) })
}
func (f *fakePulls) Discard(_ context.Context, id int) (int64, error) {
	return 5e9, f.change(fmt.Sprint("discard ", id), func() { f.all = slices.Delete(f.all, f.at(id), f.at(id)+1) })
}
func (f *fakePulls) Move(id, to int) error {
	return f.change(fmt.Sprint("move ", id, " to ", to), func() {
		p := f.all[f.at(id)]
		f.all = slices.Delete(f.all, f.at(id), f.at(id)+1)
		f.all = slices.Insert(f.all, min(to, len(f.all)), p)
	})
}
func (f *fakePulls) Clear() error {
	return f.change("clear", func() {
		f.all = slices.DeleteFunc(f.all, func(p Pull) bool { return p.State == PullFinished })
	})
}
func (f *fakePulls) SetLimit(n int64) { _ = f.change("limit", func() { f.atLimit = n }) }
func (f *fakePulls) Refresh() error   { return f.change("refresh", func() {}) }
func (f *fakePulls) Close() error     { return f.change("close", func() { f.closed = true }) }

// somePulls is one download in every state.
func somePulls() []Pull {
	return []Pull{
		{ID: 1, Name: "hf.co/unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF:Q4_K_M", State: PullRunning, Doing: "fetching", Done: 40.0e9, Total: 65.4e9, Rate: 48e6, Left: 520 * time.Second, Connections: 8,
			Said: []string{"the connection was lost for 12 s"}},
		{ID: 2, Name: "hf.co/unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF:Q8_0", State: PullPaused, Done: 13.8e9, Total: 115e9, Left: -1},
		{ID: 3, Name: "llama4:scout", State: PullQueued, Left: -1},
		{ID: 4, Name: "hf.co/someone/Big-GGUF:Q6_K", State: PullFailed, Done: 1e9, Total: 88e9, Left: -1,
			Line: "the disk is full: 87.0 GB are still to come, 12.1 GB are free in /home/ann/models; free some, then r tries again"},
		{ID: 5, Name: "hf.co/gated/Model-GGUF:Q4_0", State: PullHeld, Total: 21e9, Left: -1, Line: "it comes with Llama 4 Community License: above 700 million monthly active users a licence has to be asked for. The licence counts, not these notes; a agrees"},
		{ID: 6, Name: "hf.co/unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF:Q2_K_XL", State: PullFinished, Done: 42.2e9, Total: 42.2e9, Left: -1},
	}
}

// quantTable is quantizations of every kind of fit.
func quantTable() []ModelEntry {
	at := "hf.co/unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF:"
	return []ModelEntry{
		{Name: "fake", Quant: "Q4_K", Size: 3 << 30, Fit: Fits, Need: 4 << 30, Slow: 14, Fast: 19, Prefill: 100, Note: "for tests", Cached: 1},
		{Name: at + "Q2_K_XL", Quant: "Q2_K_XL", Size: 42.2e9, Fit: Fits, Need: 45e9, Slow: 26, Fast: 34, Prefill: 120, Quality: "KLD 0.24", Read: 80 * time.Second, Cached: 0},
		{Name: at + "Q4_K_M", Quant: "Q4_K_M", Size: 65.4e9, Fit: Tight, Need: 69e9, Slow: 4.2, Fast: 5.1, Quality: "KLD 0.06", Away: true, Best: true, Cached: -1},
		{Name: at + "Q8_0", Quant: "Q8_0", Size: 115e9, Fit: TooBig, Need: 119e9, Slow: 0.3, Fast: 0.3, Quality: "KLD 0.01", Read: 200 * time.Second, Cached: 0.1},
		{Name: at + "BF16", Quant: "BF16", Size: 215e9, Away: true, Cached: -1},
	}
}

func withQuants(c *Config) {
	c.Quants = func(ctx context.Context, name string, online bool) ([]ModelEntry, error) {
		if !online {
			return quantTable()[:4], nil
		}
		return quantTable(), nil
	}
}

func withPulls(f *fakePulls) func(*Config) {
	return func(c *Config) {
		withQuants(c)
		c.OpenPulls = func() (Pulls, error) { return f, nil }
	}
}

// withSecond has a second model that loads, or fails to.
func withSecond(err error) func(*Config) {
	return func(c *Config) {
		withQuants(c)
		first := c.Load
		c.Load = func(ctx context.Context, name string) (talk.Model, sessions.Model, error) {
			if !strings.HasSuffix(name, "Q2_K_XL") && !strings.HasSuffix(name, "Q8_0") {
				return first(ctx, name)
			}
			if err != nil {
				return nil, sessions.Model{}, err
			}
			return &fakeModel{context: 1024, prompt: 40, steps: []string{"Second."}}, sessions.Model{Name: "Scout", Quant: name[strings.LastIndex(name, ":")+1:]}, nil
		}
	}
}

var errNoMemory = errors.New("a context of 131072 needs 25 GiB of memory beside the weights, and this machine has 24 GiB: try --ctx 65536")

// chooseRow moves the cursor to a row of the list and presses enter.
func (b *robot) chooseRow(name string) {
	b.t.Helper()
	l := b.r.layers[len(b.r.layers)-1].(*list)
	for range len(l.shown) {
		if l.shown[l.at].name == name {
			b.keys("enter")
			return
		}
		b.keys("down")
	}
	b.t.Fatalf("no row %q:\n%s", name, b.text())
}

func (b *robot) openQuants() {
	b.t.Helper()
	b.typed("/quant")
	b.keys("enter")
	b.untilText("Q8_0")
}

// openDownloads shows the downloads, once they are open.
func (b *robot) openDownloads() {
	b.t.Helper()
	b.keys("f2")
	b.until("downloads", func() bool { return b.r.pulls.all != nil })
}

var modelScenes = []scene{
	{"quants", withQuants, func(b *robot) { b.say(answer); b.settle(); b.openQuants(); b.keys("down") }},
	{"quants-away", withPulls(newFakePulls()), func(b *robot) { b.openQuants(); b.keys("down", "down", "enter") }},
	{"quants-too-big", withSecond(nil), func(b *robot) { b.openQuants(); b.chooseRow("Q8_0") }},
	{"quants-hub", withQuants, func(b *robot) { b.openQuants(); b.keys("ctrl+r"); b.untilText("BF16"); b.keys("end") }},
	{"quants-no-hub", func(c *Config) {
		c.Quants = func(_ context.Context, _ string, online bool) ([]ModelEntry, error) {
			if online {
				return nil, errors.New("huggingface.co cannot be reached: no such host")
			}
			return quantTable()[:2], nil
		}
	}, func(b *robot) {
		b.typed("/quant")
		b.keys("enter")
		b.untilText("Q2_K_XL")
		b.keys("ctrl+r")
		b.untilText("reached")
	}},
	{"switching", func(c *Config) {
		withQuants(c)
		first := c.Load
		c.Load = func(ctx context.Context, name string) (talk.Model, sessions.Model, error) {
			if name == "fake" {
				return first(ctx, name)
			}
			<-ctx.Done()
			return nil, sessions.Model{}, ctx.Err()
		}
	}, func(b *robot) {
		b.say(answer)
		b.settle()
		b.openQuants()
		b.chooseRow("Q2_K_XL")
		b.r.since = clock.Add(-20 * time.Second)
	}},
	{"switched", withSecond(nil), func(b *robot) {
		b.say(answer)
		b.settle()
		b.openQuants()
		b.chooseRow("Q2_K_XL")
		b.untilText("answers from now on")
	}},
	{"switch-no-memory", withSecond(errNoMemory), func(b *robot) {
		b.say(answer)
		b.settle()
		b.openQuants()
		b.chooseRow("Q2_K_XL")
		b.untilNotice("still answers")
	}},
	{"load-no-memory", func(c *Config) {
		c.Load = func(context.Context, string) (talk.Model, sessions.Model, error) {
			return nil, sessions.Model{}, errNoMemory
		}
	}, func(b *robot) {}},
	{"downloads", withPulls(newFakePulls(somePulls()...)), func(b *robot) { b.openDownloads() }},
	{"downloads-failed", withPulls(newFakePulls(somePulls()...)), func(b *robot) { b.openDownloads(); b.keys("down", "down", "down") }},
	{"downloads-licence", withPulls(newFakePulls(somePulls()...)), func(b *robot) { b.openDownloads(); b.keys("end", "up") }},
	{"downloads-remove", withPulls(newFakePulls(somePulls()...)), func(b *robot) { b.openDownloads(); b.keys("X") }},
	{"downloads-none", withPulls(newFakePulls()), func(b *robot) { b.openDownloads() }},
	{"downloads-broken", func(c *Config) {
		c.OpenPulls = func() (Pulls, error) {
			return nil, errors.New("opening the folder for models /home/ann/models: permission denied")
		}
	}, func(b *robot) { b.keys("f2"); b.untilText("permission") }},
	{"arrived", nil, func(b *robot) { b.arrive(nil) }},
}

// arrive has a download end while the first model answers.
func (b *robot) arrive(while func()) *fakePulls {
	b.t.Helper()
	f := newFakePulls(somePulls()[:1]...)
	b.r.config.OpenPulls = func() (Pulls, error) { return f, nil }
	b.openDownloads()
	b.keys("esc")
	if while != nil {
		while()
	}
	f.set(1, func(p *Pull) { p.State, p.Done = PullFinished, p.Total })
	b.until("arrived", func() bool { return len(b.r.pulls.now) == 1 && b.r.pulls.now[0].State == PullFinished })
	return f
}

func TestModelScreens(t *testing.T) { playScenes(t, modelScenes) }

// TestSwitchKeepsTalk changes the quantization between two turns: what was said stays,
// the old model is closed, and the second one answers.
func TestSwitchKeepsTalk(t *testing.T) {
	b := newRobot(t, 80, 24, withSecond(nil))
	b.say2("One?")
	b.openQuants()
	b.chooseRow("Q2_K_XL")
	if want := "come from the disk (about 80 s); 43 tokens of this conversation are read again"; !strings.Contains(b.r.notice, want) {
		t.Errorf("the cost is %q, want %q in it", b.r.notice, want)
	}
	b.untilText("answers from now on")
	if !b.model.wasClosed() || b.r.current != quantTable()[1].Name {
		t.Errorf("closed %v, current %q", b.model.wasClosed(), b.r.current)
	}
	b.say2("Two?")
	if got := b.turns(); !strings.HasPrefix(got, "user: One?\nassistant: Under the **window**.\nuser: Two?") || !strings.HasSuffix(got, "Second.") {
		t.Errorf("the conversation is\n%s", got)
	}
}

// TestFailedSwitch keeps the model that answers.
func TestFailedSwitch(t *testing.T) {
	b := newRobot(t, 80, 24, withSecond(errNoMemory))
	b.openQuants()
	b.chooseRow("Q2_K_XL")
	b.untilNotice("still answers")
	if b.model.wasClosed() || b.r.current != "fake" || b.r.loading != "" {
		t.Errorf("closed %v, current %q, loading %q", b.model.wasClosed(), b.r.current, b.r.loading)
	}
	b.say2("Still there?")
}

// TestSwitchWhileWriting waits for the reply to end and then changes, and closes each
// model once.
func TestSwitchWhileWriting(t *testing.T) {
	b := newRobot(t, 80, 24, withSecond(nil))
	b.model.gate = make(chan struct{})
	b.say("A long reply")
	b.untilText("reading")
	b.typed("/quant q2-k-xl")
	b.keys("enter")
	b.untilText("when this reply is done")
	if b.r.model != talk.Model(b.model) {
		t.Error("the model that does not answer yet is shown")
	}
	close(b.model.gate)
	b.until("the second", func() bool { return b.r.current == quantTable()[1].Name })
	if !b.model.wasClosed() {
		t.Error("the first is still open")
	}
}

// TestQuitWhileWaiting closes a model that waits for a reply that never ends.
func TestQuitWhileWaiting(t *testing.T) {
	second := &fakeModel{context: 1024}
	b := newRobot(t, 80, 24, func(c *Config) {
		first := c.Load
		c.Load = func(ctx context.Context, name string) (talk.Model, sessions.Model, error) {
			if name == "second" {
				return second, sessions.Model{Name: "Second"}, nil
			}
			return first(ctx, name)
		}
	})
	b.model.gate = make(chan struct{})
	b.say("A long reply")
	b.untilText("reading")
	b.typed("/model second")
	b.keys("enter")
	b.untilText("when this reply is done")
	if err := b.r.shut(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	if !second.wasClosed() || !b.model.wasClosed() {
		t.Errorf("closed are first %v, second %v", b.model.wasClosed(), second.wasClosed())
	}
}

// TestQuantUnknown says what to do about a quantization that is not known.
func TestQuantUnknown(t *testing.T) {
	b := newRobot(t, 80, 24, withQuants)
	b.typed("/quant Q9")
	b.keys("enter")
	b.untilText("no quantization Q9")
}

// TestGetTwice downloads only what was asked for twice.
func TestGetTwice(t *testing.T) {
	f := newFakePulls()
	b := newRobot(t, 80, 24, withPulls(f))
	b.openQuants()
	b.chooseRow("Q4_K_M")
	if f.notes() != "" || !strings.Contains(b.text(), "65.4 GB to download. Enter again gets it.") {
		t.Errorf("after one enter: %q\n%s", f.notes(), b.text())
	}
	b.keys("enter")
	b.untilText("is downloading")
	if want := "add " + quantTable()[2].Name; f.notes() != want {
		t.Errorf("did %q, want %q", f.notes(), want)
	}
	b.until("seen", func() bool { return len(b.r.pulls.now) == 1 })
}

// TestPullKeys does to the right download what each key says.
func TestPullKeys(t *testing.T) {
	for _, test := range []struct{ keys, want string }{
		{"p", "pause 1"}, {"down p", "resume 2"}, {"J", "move 1 to 1"}, {"down K", "move 2 to 0"}, {"x", "cancel 1"},
		{"X X", "discard 1"}, {"X", ""}, {"end up a", "agree 5"}, {"end up p", ""}, {"down down down r", "resume 4"}, {"c", "clear"}, {"end X X", ""},
		{"J J", "move 1 to 1, move 1 to 2"}, {"a", ""},
	} {
		f := newFakePulls(somePulls()...)
		b := newRobot(t, 80, 24, withPulls(f))
		b.openDownloads()
		for i, key := range strings.Fields(test.keys) {
			b.keys(key)
			if i > 0 && key == "J" || key == "J" {
				b.until("moved", func() bool { return len(strings.Split(f.notes(), "move")) > i+1 })
				b.send(pullsMsg{f.Snapshot()})
			}
		}
		want := func() bool { return f.notes() == test.want }
		if test.want != "" {
			b.until(test.keys+" → "+test.want+", got "+f.notes(), want)
		} else if b.settle(); !want() {
			t.Errorf("%s: did %q, want nothing", test.keys, f.notes())
		}
	}
}

// TestPullCursorStays keeps the cursor on its download when others go.
func TestPullCursorStays(t *testing.T) {
	f := newFakePulls(somePulls()...)
	b := newRobot(t, 80, 24, withPulls(f))
	b.openDownloads()
	b.keys("down", "down")
	b.send(pullsMsg{f.Snapshot()[1:]})
	b.keys("p")
	b.until("paused", func() bool { return f.notes() == "pause 3" })
}

// TestLimit sets the limit of all downloads.
func TestLimit(t *testing.T) {
	f := newFakePulls(somePulls()...)
	b := newRobot(t, 80, 24, withPulls(f))
	b.openDownloads()
	b.keys("L", "ctrl+u")
	b.typed("20MB")
	b.keys("enter")
	if f.atLimit != 20e6 || !strings.Contains(b.text(), "limit 20.0 MB/s") {
		t.Errorf("limit %d\n%s", f.atLimit, b.text())
	}
	for text, want := range map[string]int64{"": 0, "none": 0, "0": 0, "500k": 500e3, "1.5 GB/s": 1.5e9, "-3M": -1, "many": -1, "10": -1, "NaN": -1, "1e300": -1} {
		got, err := parseRate(text)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
}

// TestArrivedIsOffered swaps with one key, and keeps the conversation.
func TestArrivedIsOffered(t *testing.T) {
	b := newRobot(t, 80, 24, withSecond(nil))
	b.say2("One?")
	f := newFakePulls(Pull{ID: 1, Name: quantTable()[1].Name, State: PullRunning, Total: 42.2e9})
	b.r.config.OpenPulls = func() (Pulls, error) { return f, nil }
	b.openDownloads()
	b.keys("esc")
	f.set(1, func(p *Pull) { p.State = PullFinished })
	b.untilText("f3 switches to")
	if b.r.loading != "" || b.model.wasClosed() {
		t.Fatal("it swapped without being asked")
	}
	b.keys("f3")
	b.until("the second", func() bool { return b.r.current == quantTable()[1].Name })
	if b.r.pulls.offer != nil || strings.Contains(b.text(), "f3 switches") {
		t.Error("what was taken is still offered")
	}
	b.say2("Two?")
	if got := b.turns(); strings.Count(got, "\n") != 3 {
		t.Errorf("the conversation is\n%s", got)
	}
}

// TestSwapAtOnce waits for the reply, then swaps by itself.
func TestSwapAtOnce(t *testing.T) {
	b := newRobot(t, 80, 24, withSecond(nil))
	b.typed("/swap at once")
	b.keys("enter")
	f := newFakePulls(Pull{ID: 1, Name: quantTable()[1].Name, State: PullRunning, Total: 42.2e9})
	b.r.config.OpenPulls = func() (Pulls, error) { return f, nil }
	b.openDownloads()
	b.keys("esc")
	b.model.gate = make(chan struct{})
	b.say("A reply")
	b.untilText("reading")
	f.set(1, func(p *Pull) { p.State = PullFinished })
	b.untilText("after this reply")
	if b.r.loading != "" {
		t.Fatal("it did not wait for the reply")
	}
	close(b.model.gate)
	b.until("idle", func() bool { b.r.glance(); return !b.r.busy() })
	b.do(b.r.update(tickMsg{}))
	b.until("the second", func() bool { return b.r.current == quantTable()[1].Name })
}

// TestPullErrors says what went wrong, once, in a line.
func TestPullErrors(t *testing.T) {
	f := newFakePulls()
	f.fail = errors.New("the name \"x\" means nothing: user/repo:QUANT does")
	b := newRobot(t, 80, 24, withPulls(f))
	b.typed("/pull x")
	b.keys("enter")
	b.untilText("means nothing")
	b.keys("esc")
	f.fail = nil
	b.openDownloads()
	b.keys("esc")
	b.do(func() tea.Msg { _, err := f.Add("m"); return saidMsg{err: err} })
	b.until("there", func() bool { return len(b.r.pulls.now) == 1 })
	f.set(1, func(p *Pull) { p.State, p.Line = PullFailed, "the disk is full" })
	b.untilText("! m: the disk is full")
}

// TestPullsClosed closes the downloads with the app.
func TestPullsClosed(t *testing.T) {
	f := newFakePulls(somePulls()...)
	b := newRobot(t, 80, 24, withPulls(f))
	b.openDownloads()
	if err := b.r.shut(time.Second); err != nil || !f.closed {
		t.Errorf("closed %v, %v", f.closed, err)
	}
}

// TestCostText says what a choice costs, as far as that is known.
func TestCostText(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	for _, test := range []struct {
		e    ModelEntry
		used int
		want string
	}{
		{ModelEntry{Name: "fake"}, 9, "This one answers now."},
		{ModelEntry{Name: "x", Away: true, Size: 65.4e9}, 9, "Not here yet: 65.4 GB to download."},
		{ModelEntry{Name: "x", Away: true}, 0, "Not here yet: it has to be downloaded."},
		{ModelEntry{Name: "x", Size: 10e9, Cached: 0.99, Read: time.Second}, 0, "Its weights are in memory already."},
		{ModelEntry{Name: "x", Size: 10e9, Cached: 0.4, Read: 12 * time.Second}, 1, "Its weights, 6.0 GB, come from the disk (about 12 s); 1 token of this conversation is read again."},
		{ModelEntry{Name: "x", Size: 10e9, Cached: -1, Prefill: 10}, 1300, "Its weights, 10.0 GB, come from the disk; 1300 tokens of this conversation are read again (about 2 min)."},
		{ModelEntry{Name: "x"}, 0, ""},
	} {
		b.r.live.ContextUsed = test.used
		if got := b.r.costText(test.e); got != test.want {
			t.Errorf("%+v with %d tokens:\n%q, want\n%q", test.e, test.used, got, test.want)
		}
	}
}

// TestShortName is what people call a model.
func TestShortName(t *testing.T) {
	for name, want := range map[string]string{
		"hf.co/unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF:Q4_K_M": "Llama-4-Scout-17B-16E-Instruct:Q4_K_M", "llama4:scout": "llama4:scout",
		"/home/ann/m.gguf": "m.gguf", `C:\models\m.gguf`: "m.gguf", "demo": "demo", "a/": "a/", "": "",
	} {
		if got := shortName(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
	for width := 1; width < 60; width++ {
		for _, text := range []string{"hf.co/unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF:Q4_K_M", strings.Repeat("名", 40), "a"} {
			if got := ansi.StringWidth(shorten(text, width)); got != width {
				t.Errorf("%q in %d cells takes %d", text, width, got)
			}
		}
	}
}

// TestSwapFails tries once what cannot be opened, and keeps the model that answers.
func TestSwapFails(t *testing.T) {
	b := newRobot(t, 80, 24, withSecond(errNoMemory))
	tries := 0
	load := b.r.config.Load
	b.r.config.Load = func(ctx context.Context, name string) (talk.Model, sessions.Model, error) {
		tries++
		return load(ctx, name)
	}
	saved := make(chan bool, 2)
	b.r.config.SaveSwap = func(atOnce bool) error { saved <- atOnce; return nil }
	b.command("/swap ask")
	if <-saved {
		t.Error("ask is saved as at once")
	}
	b.command("/swap at once")
	if !<-saved {
		t.Error("at once is saved as ask")
	}
	f := newFakePulls(Pull{ID: 1, Name: quantTable()[1].Name, State: PullRunning, Total: 42.2e9})
	b.r.config.OpenPulls = func() (Pulls, error) { return f, nil }
	b.openDownloads()
	f.set(1, func(p *Pull) { p.State = PullFinished })
	b.untilNotice("Fake Q4_K still answers")
	for range 3 {
		b.do(b.r.update(tickMsg{}))
	}
	b.settle()
	if tries != 1 || b.r.current != "fake" {
		t.Errorf("%d tries, %s answers", tries, b.r.current)
	}
}

// untilNotice waits for a notice, however it is broken into lines.
func (b *robot) untilNotice(text string) {
	b.t.Helper()
	b.until("the notice "+text, func() bool { return strings.Contains(b.r.notice, text) })
}

// TestOfferTakenElsewhere offers no longer what was opened from a list.
func TestOfferTakenElsewhere(t *testing.T) {
	b := newRobot(t, 80, 24, withSecond(nil))
	f := newFakePulls(Pull{ID: 1, Name: quantTable()[1].Name, State: PullRunning, Total: 42.2e9})
	b.r.config.OpenPulls = func() (Pulls, error) { return f, nil }
	b.openDownloads()
	b.keys("esc")
	f.set(1, func(p *Pull) { p.State = PullFinished })
	b.untilText("f3 switches to")
	b.command("/quant Q2_K_XL")
	b.until("the second", func() bool { return b.r.current == quantTable()[1].Name })
	if strings.Contains(b.text(), "f3 switches") {
		t.Errorf("it is still offered:\n%s", b.text())
	}
}

// wasClosed is whether a model was closed, by whichever goroutine.
func (m *fakeModel) wasClosed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.closed
}
