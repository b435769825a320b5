package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"scout/engine"
	"scout/sessions"
	"scout/ui/drop"
	"scout/ui/talk"
)

// fakeModel says what it is told to, step by step: each element of steps is a token,
// and it comes when gate gives way, at once if gate is nil.
type fakeModel struct {
	context int
	mu      sync.Mutex
	steps   []string
	prompt  int   // tokens of every prompt
	err     error // at the end
	gate    chan struct{}
	closed  bool
}

func (m *fakeModel) Info() engine.Info { return engine.Info{Name: "Fake"} }
func (m *fakeModel) Context() int      { return m.context }
func (m *fakeModel) Memory() engine.Memory {
	return engine.Memory{Weights: 3 << 30, KV: 1 << 28, Compute: 1 << 26}
}
func (m *fakeModel) Price([]byte) (engine.ImagePlan, error) {
	return engine.ImagePlan{Plan: engine.Plan{SourceWidth: 640, SourceHeight: 480, Tiles: 3, Tokens: 441}}, nil
}
func (m *fakeModel) Tokenize(text string, _ bool) []int32 { return make([]int32, len(text)/4) }
func (m *fakeModel) NewSequence() (talk.Sequence, error)  { return fakeSequence{m}, nil }
func (m *fakeModel) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errors.New("closed twice")
	}
	m.closed = true
	return nil
}

type fakeSequence struct{ m *fakeModel }

func (fakeSequence) Close() error { return nil }

func (s fakeSequence) Generate(ctx context.Context, conv []engine.Message, p engine.Sampling) iter.Seq2[engine.Delta, error] {
	m := s.m
	return func(yield func(engine.Delta, error) bool) {
		st := engine.Stats{PromptTokens: m.prompt, Context: m.context, Prefill: 2 * time.Second}
		wait := func() bool {
			if m.gate == nil {
				return ctx.Err() == nil
			}
			select {
			case <-m.gate:
				return true
			case <-ctx.Done():
				return false
			}
		}
		if m.prompt > m.context {
			yield(engine.Delta{Stats: st}, &engine.ContextError{Need: m.prompt, Have: m.context})
			return
		}
		for _, done := range []int{m.prompt / 2, m.prompt} {
			st.PromptDone = done
			if !yield(engine.Delta{Stats: st}, nil) {
				return
			}
			if !wait() {
				yield(engine.Delta{Stats: st}, ctx.Err())
				return
			}
		}
		for _, text := range m.steps {
			st.Generated++
			st.Decode += 50 * time.Millisecond
			if !yield(engine.Delta{Text: text, Stats: st}, nil) {
				return
			}
			if !wait() {
				yield(engine.Delta{Stats: st}, ctx.Err())
				return
			}
		}
		if m.err != nil {
			yield(engine.Delta{Stats: st}, m.err)
			return
		}
		yield(engine.Delta{Stats: st, Done: true, Reason: engine.EndOfTurn}, nil)
	}
}

// robot drives the app without a terminal: it runs the commands that Update gives, but
// for ticks, and feeds what they say back.
type robot struct {
	t      testing.TB
	r      *root
	model  *fakeModel
	inbox  chan tea.Msg
	quit   bool
	sent   int // messages that were handed to the talk
	copied string
	raw    string // sequences that the terminal was sent
	dir    string // of the conversations
}

// clock is the time that screens show.
var clock = time.Date(2026, 11, 24, 14, 2, 0, 0, time.Local)

func newRobot(t testing.TB, width, height int, change func(*Config)) *robot {
	t.Helper()
	b := &robot{t: t, inbox: make(chan tea.Msg, 1000)}
	b.model = &fakeModel{context: 1024, prompt: 40, steps: []string{"Under ", "the **window**", "."}}
	dir := filepath.Join(t.TempDir(), "sessions")
	b.dir = dir
	c := Config{
		Version: "1.0", In: new(io.PipeReader), Out: io.Discard, Environ: []string{"COLORTERM=truecolor", "TERM=xterm-256color"},
		Model: "fake", Theme: "dusk",
		Load: func(ctx context.Context, name string) (talk.Model, sessions.Model, error) {
			if name != "fake" {
				return nil, sessions.Model{}, fmt.Errorf("no such file: %s", name)
			}
			return b.model, sessions.Model{Name: "Fake", Quant: "Q4_K"}, nil
		},
		Models: func() []ModelEntry {
			return []ModelEntry{{Name: "fake", Size: 3 << 30, Note: "for tests"}, {Name: "other.gguf"}}
		},
		OpenStore: func() (*sessions.Store, error) { return sessions.Open(dir) },
		Memory:    func() (int64, int64, error) { return 3 << 30, 20 << 30, nil },
		Drop:      drop.Env{Home: "/home/ann", Dir: "/"},
		Sampling:  DefaultSampling(),
	}
	if change != nil {
		change(&c)
	}
	a, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	b.r = newRoot(a.config)
	b.r.now = func() time.Time { return clock }
	t.Cleanup(func() {
		if err := b.r.shut(5 * time.Second); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	b.do(b.r.Init())
	b.send(tea.WindowSizeMsg{Width: width, Height: height})
	b.settle()
	return b
}

// do runs a command in the background.
func (b *robot) do(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() { b.inbox <- cmd() }()
}

// send gives the app a message.
func (b *robot) send(msg tea.Msg) {
	switch msg := msg.(type) {
	case nil, tickMsg:
		return
	case tea.BatchMsg:
		for _, cmd := range msg {
			b.do(cmd)
		}
		return
	case tea.RawMsg:
		b.raw += fmt.Sprint(msg.Msg)
	case sentMsg:
		b.sent++
	case tea.QuitMsg:
		b.quit = true
		return
	}
	if text, ok := fmt.Sprintf("%T", msg), true; ok && text == "tea.setClipboardMsg" {
		b.copied = fmt.Sprint(msg)
		return
	}
	_, cmd := b.r.Update(msg)
	b.do(cmd)
}

// until takes messages until something is so.
func (b *robot) until(what string, so func() bool) {
	b.t.Helper()
	end := time.After(10 * time.Second)
	for !so() {
		select {
		case msg := <-b.inbox:
			b.send(msg)
		case <-end:
			b.t.Fatalf("still not: %s; the screen is\n%s", what, b.text())
		}
	}
}

// settle takes messages until the app is open and nothing is being written.
func (b *robot) settle() {
	b.t.Helper()
	b.until("at rest", func() bool {
		return b.r.talk != nil && !b.r.opening && b.r.loading == "" && (b.r.config.Model == "" || b.r.model != nil || b.r.noticeBad) && (b.r.model == nil || b.r.talk.Live().Phase == talk.Idle && b.r.live.Phase == talk.Idle)
	})
	for {
		select {
		case msg := <-b.inbox:
			b.send(msg)
		case <-time.After(10 * time.Millisecond):
			b.r.glance()
			b.r.arrange()
			return
		}
	}
}

// keys presses keys by their names in Bubble Tea; what is no name is typed.
func (b *robot) keys(names ...string) {
	for _, name := range names {
		text, sent := b.r.composer.text(), b.sent
		sends := name == "enter" && len(b.r.layers) == 0 && b.r.talk != nil && strings.TrimSpace(text) != "" && !strings.HasPrefix(text, "/")
		b.send(keyNamed(name))
		if sends {
			b.until("sent", func() bool { return b.sent > sent })
		}
	}
}

func (b *robot) typed(text string) {
	for _, c := range text {
		b.send(tea.KeyPressMsg{Code: c, Text: string(c)})
	}
}

// loads is a loader of several models.
func loads(models map[string]*fakeModel) func(context.Context, string) (talk.Model, sessions.Model, error) {
	return func(_ context.Context, name string) (talk.Model, sessions.Model, error) {
		m, ok := models[name]
		if !ok {
			return nil, sessions.Model{}, errors.New("no such file")
		}
		return m, sessions.Model{Name: name}, nil
	}
}

// say2 says something and waits for the answer.
func (b *robot) say2(text string) {
	b.t.Helper()
	n := len(b.r.talk.Turns())
	b.typed(text)
	b.keys("enter")
	b.until("answered", func() bool { return len(b.r.talk.Turns()) >= n+2 })
	b.settle()
}
