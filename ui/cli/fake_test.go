package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"testing"
	"time"

	"scout/downloads"
	"scout/engine"
	"scout/hardware"
)

// fakeModel is a model of a few tokens that answers what it is told to. Its
// vocabulary is the bytes: a token's id is its byte.
type fakeModel struct {
	info    engine.Info
	memory  engine.Memory
	options engine.Options
	bos     int32 // -1: none wanted
	seq     *fakeSequence
	closed  int

	plan     engine.ImagePlan // of every picture
	priceErr error

	profiles []bool // asked for, in turn
	ops      []engine.OpTime
}

func newFakeModel(pieces ...string) *fakeModel {
	m := &fakeModel{
		info:   engine.Info{Name: "Fake", Architecture: "llama4", Vocabulary: 256, ContextLength: 512},
		memory: engine.Memory{Weights: 1000, KV: 2000, Compute: 300},
		bos:    -1,
		seq:    &fakeSequence{},
	}
	for _, p := range pieces {
		m.seq.deltas = append(m.seq.deltas, engine.Delta{Text: p, Tokens: []engine.Token{{ID: int32(p[0]), Piece: p}}})
	}
	m.seq.model = m
	return m
}

func (m *fakeModel) Info() engine.Info     { return m.info }
func (m *fakeModel) Context() int          { return max(m.options.Context, 1) }
func (m *fakeModel) Threads() int          { return max(m.options.Threads, 1) }
func (m *fakeModel) Memory() engine.Memory { return m.memory }
func (m *fakeModel) BOS() (int32, bool)    { return max(m.bos, 0), m.bos >= 0 }
func (m *fakeModel) Piece(id int32) string { return string([]byte{byte(id)}) }
func (m *fakeModel) Close() error          { m.closed++; return nil }
func (m *fakeModel) Price([]byte) (engine.ImagePlan, error) {
	return m.plan, m.priceErr
}
func (m *fakeModel) Tokenize(text string, special bool) []int32 {
	var ids []int32
	if special && strings.HasPrefix(text, "<s>") {
		ids, text = append(ids, 1), text[3:]
	}
	for i := range len(text) {
		ids = append(ids, int32(text[i]))
	}
	return ids
}
func (m *fakeModel) newSequence() (sequence, error) { return m.seq, nil }
func (m *fakeModel) Profile(on bool)                { m.profiles = append(m.profiles, on) }
func (m *fakeModel) OpTimes() []engine.OpTime       { return m.ops }
func (m *fakeModel) WeightBandwidth(ctx context.Context) (float64, error) {
	return 1e6, ctx.Err()
}

// fakeSequence plays deltas back, and computes logits that a test can predict.
type fakeSequence struct {
	model  *fakeModel
	deltas []engine.Delta // played by Generate
	err    error          // yielded after them
	refuse func() error   // if set, an error of it is all there is
	// before, if set, is called before delta i is yielded; if ctx has ended
	// after it, the answer ends as the engine's does.
	before func(ctx context.Context, i int)

	conversations [][]engine.Message // asked for, in turn
	samplings     []engine.Sampling
	calls         [][]int32 // of Append
	length, start int
	appendErr     error
	closed        int
}

func (s *fakeSequence) Generate(ctx context.Context, conversation []engine.Message, p engine.Sampling) iter.Seq2[engine.Delta, error] {
	s.conversations = append(s.conversations, append([]engine.Message{}, conversation...))
	s.samplings = append(s.samplings, p)
	return func(yield func(engine.Delta, error) bool) {
		if s.refuse != nil {
			if err := s.refuse(); err != nil {
				yield(engine.Delta{}, err)
				return
			}
		}
		stats := engine.Stats{PromptTokens: 7, PromptDone: 7, Prefill: 2 * time.Second, Context: 512}
		if !yield(engine.Delta{Stats: stats}, nil) {
			return
		}
		for i, d := range s.deltas {
			if s.before != nil {
				s.before(ctx, i)
			}
			if ctx.Err() != nil {
				yield(engine.Delta{Stats: stats}, fmt.Errorf("engine: stopped: %w", context.Cause(ctx)))
				return
			}
			stats.Generated++
			stats.Decode += time.Second
			d.Stats = stats
			if i == len(s.deltas)-1 && s.err == nil {
				d.Done = true
				if d.Reason == "" {
					d.Reason = engine.EndOfTurn
				}
			}
			if !yield(d, nil) {
				return
			}
		}
		if s.err != nil {
			yield(engine.Delta{Stats: stats}, s.err)
		}
	}
}

// Append gives logits that make the token after the one just fed the likeliest
// by far: logit 8 for id+1, 0 for all others.
func (s *fakeSequence) Append(ctx context.Context, ids []int32, want engine.Want, each func(int, []float32) error) error {
	s.calls = append(s.calls, append([]int32{}, ids...))
	if s.appendErr != nil {
		return s.appendErr
	}
	for i, id := range ids {
		if want == engine.AllLogits || want == engine.LastLogits && i == len(ids)-1 {
			logits := make([]float32, s.model.info.Vocabulary)
			logits[(int(id)+1)%len(logits)] = 8
			if each != nil {
				if err := each(s.start+s.length, logits); err != nil {
					return err
				}
			}
		}
		s.length++
	}
	return ctx.Err()
}

func (s *fakeSequence) Truncate(n int) int         { s.length = min(n, s.length); return s.length }
func (s *fakeSequence) StartAt(position int) error { s.start, s.length = position, 0; return nil }
func (s *fakeSequence) Close() error               { s.closed++; return nil }

// testApp is an App with a fake model, and what it wrote.
type testApp struct {
	*App
	model    *fakeModel
	out, err bytes.Buffer
	signals  chan os.Signal
	exited   chan int // codes of exits that did not wait
}

// newTestApp builds the command line round a model. Nothing is a terminal and
// standard input is empty.
func newTestApp(t *testing.T, m *fakeModel) *testApp {
	t.Helper()
	signals := make(chan os.Signal, 2)
	a := &testApp{model: m, signals: signals, exited: make(chan int, 1)}
	a.App = New(Config{Version: "test", Interrupts: signals})
	a.Streams = Streams{In: strings.NewReader(""), Out: &a.out, Err: &a.err}
	a.openModel = func(_ context.Context, name string, o engine.Options) (model, error) {
		if strings.HasPrefix(name, "missing") {
			return nil, fmt.Errorf("gguf: opening %s: no such file\nsecond line \x1b[31m", name)
		}
		m.options = o
		return m, nil
	}
	a.remote = func(func(d *downloads.Downloads) error) error { return errors.New("no network in tests") }
	a.findTowers = func(string) []string { return nil }
	a.inspectModel = func(string) (engine.Info, error) { return m.info, nil }
	a.App.memory = func() (hardware.Memory, error) { return hardware.Memory{Total: 1 << 30, Available: 1 << 29}, nil }
	a.bandwidth = func(context.Context, int) (float64, error) { return 1e9, nil }
	a.kernels = func(context.Context, int, int, func(what, of string, value float64, unit string)) error { return nil }
	a.snapshot = func() (hardware.Machine, error) {
		return hardware.Machine{ID: "test", CPU: hardware.CPU{Model: "Test CPU", Physical: 8, Logical: 16, Usable: 8}}, nil
	}
	a.probe = func(context.Context, ...string) (hardware.Probe, error) { return hardware.Probe{}, nil }
	a.diskSpeed = func(context.Context, string) (hardware.DiskSpeed, error) {
		return hardware.DiskSpeed{Rate: 2e9, How: "test"}, nil
	}
	a.stateDir = t.TempDir()
	a.sessionsDir = t.TempDir()
	a.exit = func(code int) { a.exited <- code }
	return a
}

// run executes a command line and gives its exit code.
func (a *testApp) run(args ...string) int {
	root := a.Root()
	root.SetArgs(args)
	return a.Finish(root.ExecuteContext(context.Background()))
}

// terminal makes every stream a terminal, with this input.
func (a *testApp) terminal(input string) {
	a.In = strings.NewReader(input)
	a.InTerminal, a.OutTerminal, a.ErrTerminal = true, true, true
}

// failingWriter fails with err once it has taken n bytes.
type failingWriter struct {
	n   int
	err error
}

func (w *failingWriter) Write(p []byte) (int, error) {
	if len(p) > w.n {
		return 0, w.err
	}
	w.n -= len(p)
	return len(p), nil
}

var errDiskFull = errors.New("no space left on device")

// neverReader blocks, as a terminal does at which nobody types.
type neverReader struct{}

func (neverReader) Read([]byte) (int, error) { select {} }

var _ io.Reader = neverReader{}
