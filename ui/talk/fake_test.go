package talk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"image"
	"image/png"
	"iter"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scout/engine"
	"scout/sessions"
)

// fakeModel answers what its script says. Its tokens are bytes, and its context is
// counted in bytes of what it is told.
type fakeModel struct {
	context int
	script  func(call int, told string, p engine.Sampling) []step
	noRoom  error // of NewSequence
	blind   bool

	mu        sync.Mutex
	told      []string // what each call was told
	convs     [][]engine.Message
	samplings []engine.Sampling
	opened    int // sequences
	closed    int
}

// step is a thing that a fake model does in a reply.
type step struct {
	text   string // a token
	read   int    // tokens of the prompt that are read by now, in place of a token
	tiles  [2]int // done and all, likewise
	wait   time.Duration
	block  chan struct{} // waits for it, or for the context's end
	err    error
	panics any
	done   engine.Reason
	deaf   bool // it does not heed the end of the context
}

// says makes a script that says these tokens each time.
func says(pieces ...string) func(int, string, engine.Sampling) []step {
	return func(int, string, engine.Sampling) []step {
		steps := []step{{read: 1}}
		for _, p := range pieces {
			steps = append(steps, step{text: p})
		}
		return append(steps, step{done: engine.EndOfTurn})
	}
}

// reply is what a model says that answers by what it is told and by its seed.
func reply(told string, seed uint64) string {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s %d", told, seed)
	return fmt.Sprintf("reply %08x", h.Sum32())
}

func newFake(pieces ...string) *fakeModel {
	return &fakeModel{context: 1 << 20, script: says(pieces...)}
}

func (m *fakeModel) Info() engine.Info     { return engine.Info{Name: "Fake"} }
func (m *fakeModel) Context() int          { return m.context }
func (m *fakeModel) Memory() engine.Memory { return engine.Memory{Weights: 1000} }
func (m *fakeModel) Close() error          { return nil }
func (m *fakeModel) Price([]byte) (engine.ImagePlan, error) {
	if m.blind {
		return engine.ImagePlan{}, engine.ErrNoTower
	}
	return engine.ImagePlan{Plan: engine.Plan{Tokens: 144, Tiles: 1}}, nil
}
func (m *fakeModel) Placement() []sessions.Place {
	return []sessions.Place{{Device: "CPU", Holds: "everything", Bytes: 1000}}
}
func (m *fakeModel) Tokenize(text string, special bool) []int32 {
	ids := make([]int32, 0, len(text))
	for i := range len(text) {
		ids = append(ids, int32(text[i]))
	}
	return ids
}
func (m *fakeModel) Encode(conv []engine.Message) ([]int32, error) {
	return m.Tokenize(render(conv)+"<assistant>", true), nil
}

// render is a conversation as a text.
func render(conv []engine.Message) string {
	var b strings.Builder
	for _, m := range conv {
		fmt.Fprintf(&b, "<%s>%s", m.Role, m.Text())
		for _, i := range m.Images() {
			fmt.Fprintf(&b, "[%s %d]", i.Name, len(i.Data))
		}
	}
	return b.String()
}

func (m *fakeModel) NewSequence() (Sequence, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.noRoom != nil {
		return nil, m.noRoom
	}
	m.opened++
	return &fakeSequence{m: m}, nil
}

type fakeSequence struct{ m *fakeModel }

func (s *fakeSequence) Close() error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.closed++
	return nil
}

func (s *fakeSequence) Generate(ctx context.Context, conv []engine.Message, p engine.Sampling) iter.Seq2[engine.Delta, error] {
	s.m.mu.Lock()
	s.m.convs = append(s.m.convs, conv)
	s.m.mu.Unlock()
	if s.m.blind {
		for _, m := range conv {
			if len(m.Images()) > 0 {
				return func(yield func(engine.Delta, error) bool) { yield(engine.Delta{}, engine.ErrNoTower) }
			}
		}
	}
	return s.run(ctx, render(conv)+"<assistant>", p)
}

func (s *fakeSequence) Complete(ctx context.Context, ids []int32, p engine.Sampling) iter.Seq2[engine.Delta, error] {
	var text []byte
	for _, id := range ids {
		text = append(text, byte(id))
	}
	return s.run(ctx, string(text), p)
}

func (s *fakeSequence) run(ctx context.Context, told string, p engine.Sampling) iter.Seq2[engine.Delta, error] {
	m := s.m
	m.mu.Lock()
	call := len(m.told)
	m.told = append(m.told, told)
	m.samplings = append(m.samplings, p)
	m.mu.Unlock()
	return func(yield func(engine.Delta, error) bool) {
		stats := engine.Stats{PromptTokens: len(told), Context: m.context}
		if len(told)+1 > m.context {
			yield(engine.Delta{Stats: stats}, &engine.ContextError{Need: len(told) + 1, Have: m.context})
			return
		}
		for _, st := range m.script(call, told, p) {
			if !st.play(ctx, &stats, yield) {
				return
			}
		}
	}
}

// play does a step, and says whether to go on.
func (st step) play(ctx context.Context, stats *engine.Stats, yield func(engine.Delta, error) bool) bool {
	if st.deaf {
		ctx = context.Background()
	}
	if st.wait > 0 {
		select {
		case <-time.After(st.wait):
		case <-ctx.Done():
		}
	}
	if st.block != nil {
		select {
		case <-st.block:
		case <-ctx.Done():
		}
	}
	if st.panics != nil {
		panic(st.panics)
	}
	err := st.err
	if ctx.Err() != nil {
		err = fmt.Errorf("engine: stopped at position 7: %w", ctx.Err())
	}
	if err != nil {
		yield(engine.Delta{Stats: *stats}, err)
		return false
	}
	d := engine.Delta{Text: st.text, Done: st.done != "", Reason: st.done}
	switch {
	case st.text != "":
		stats.PromptDone = stats.PromptTokens
		stats.Generated++
		stats.Decode += time.Millisecond
	case st.tiles != [2]int{}:
		stats.TilesDone, stats.Tiles = st.tiles[0], st.tiles[1]
	case st.read > 0:
		stats.PromptDone = st.read
	}
	d.Stats = *stats
	return yield(d, nil) && !d.Done
}

// begun opens a talk that is closed at the end of the test.
func begun(t *testing.T, o Options) *Talk {
	t.Helper()
	k, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

// testStore is an empty store.
func testStore(t *testing.T) (st *sessions.Store, dir string) {
	t.Helper()
	dir = t.TempDir()
	st, err := sessions.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st, dir
}

// bubble runs a test with a clock of its own. Everything in it has to end.
func bubble(t *testing.T, f func(t *testing.T)) { synctest.Test(t, f) }

// said is a branch in short: a letter for who speaks, and the text.
func said(turns []Turn) string {
	var list []string
	for _, t := range turns {
		who := "?"
		if t.Role != "" {
			who = string(t.Role[:1])
		}
		if t.Siblings > 1 {
			who += fmt.Sprintf("%d/%d", t.Sibling, t.Siblings)
		}
		mark := ""
		if t.Live {
			mark = "..."
		} else if t.Unfinished {
			mark = "~"
		}
		list = append(list, who+":"+t.Text+mark)
	}
	return strings.Join(list, " ")
}

// must fails the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// expect compares what is shown.
func expect(t *testing.T, k *Talk, want string) {
	t.Helper()
	if got := said(k.Turns()); got != want {
		t.Fatalf("shown is\n%s\nwant\n%s", got, want)
	}
}

var errMemory = errors.New("tensor: out of memory: 3 GiB asked for, 1 GiB there")

// picture is a PNG of one pixel.
func picture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 2, 2))))
	return b.Bytes()
}
