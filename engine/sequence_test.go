package engine

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scout/engine/gguf"
	"scout/engine/internal/ref"
	"scout/engine/internal/synth"
	"scout/engine/quant"
	"scout/engine/tensor"
)

// small is a quantised model with experts and both kinds of layers.
func small() synth.Shape {
	return synth.Shape{Layers: 5, Hidden: 256, Heads: 4, KVHeads: 2, HeadDim: 64, FF: 256, Experts: 4, Vocab: 512, Quant: quant.Q4_K, Down: quant.Q6_K, Seed: 3}
}

func randomIDs(n int) []int32 {
	r := rand.New(rand.NewPCG(uint64(n), 9))
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(r.IntN(256))
	}
	return ids
}

// lastLogits appends ids and returns a copy of the logits after them.
func lastLogits(t *testing.T, s *Sequence, ids []int32) []float32 {
	t.Helper()
	if err := s.Append(context.Background(), ids, LastLogits, nil); err != nil {
		t.Fatal(err)
	}
	return slices.Clone(s.logits)
}

func sameBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: logit %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// TestSplits checks one batch, token by token and random parts, across the ends
// of chunks: positions 8192 and 16384 are where local layers begin anew and the
// attention temperature steps up.
func TestSplits(t *testing.T) {
	m := openModel(t, synth.Bytes(small()), Options{Context: 16500})
	ids := randomIDs(40)
	for _, start := range []int{0, 8180, 16375} {
		s := newSequence(t, m)
		begin := func() {
			if err := s.StartAt(start); err != nil {
				t.Fatal(err)
			}
		}
		begin()
		want := lastLogits(t, s, ids)
		for _, parts := range [][]int{{1, 39}, {12, 9, 19}, {39, 1}, slices.Repeat([]int{1}, 40)} {
			begin()
			var got []float32
			at := 0
			for _, n := range parts {
				got = lastLogits(t, s, ids[at:at+n])
				at += n
			}
			sameBits(t, "parts of a prompt", got, want)
		}
	}
}

// TestThreads checks that results do not depend on the number of threads.
func TestThreads(t *testing.T) {
	data, ids := synth.Bytes(small()), randomIDs(70)
	want := lastLogits(t, openSequence(t, data, Options{Threads: 1, Context: 128}), ids)
	for _, threads := range []int{2, 3, 7} {
		sameBits(t, "threads", lastLogits(t, openSequence(t, data, Options{Threads: threads, Context: 128}), ids), want)
	}
}

// TestPrefixReuse checks that a conversation that grows, and one whose earlier
// message is edited, give the logits of a fresh run.
func TestPrefixReuse(t *testing.T) {
	m := openModel(t, synth.Bytes(small()), Options{Context: 256})
	used, fresh := newSequence(t, m), newSequence(t, m)
	first := randomIDs(60)
	grown := slices.Concat(first, randomIDs(30))
	edited := slices.Clone(grown)
	edited[20]++
	for _, c := range []struct {
		name   string
		ids    []int32
		reused int
	}{{"first", first, 0}, {"grown", grown, 60}, {"edited", edited, 20}, {"again", edited, 89}, {"cut", edited[:40], 39}} {
		var stats Stats
		for d, err := range used.Complete(context.Background(), c.ids, Sampling{MaxTokens: 1}) {
			if err != nil {
				t.Fatal(err)
			}
			stats = d.Stats
		}
		if stats.Reused != c.reused || stats.PromptTokens != len(c.ids) || stats.PromptDone != len(c.ids) {
			t.Errorf("%s: reused %d of %d (%d done), want %d", c.name, stats.Reused, stats.PromptTokens, stats.PromptDone, c.reused)
		}
		fresh.Truncate(0)
		sameBits(t, c.name, used.logits, lastLogits(t, fresh, c.ids))
	}
}

// TestReuseBehindChunk edits messages of a model with short chunks, in the
// current chunk and in ones that have been overwritten.
func TestReuseBehindChunk(t *testing.T) {
	shape := small()
	shape.Chunk = 32
	m := openModel(t, synth.Bytes(shape), Options{Context: 256})
	used, fresh := newSequence(t, m), newSequence(t, m)
	ids := randomIDs(150)
	lastLogits(t, used, ids)
	for _, c := range []struct{ edit, reused int }{{140, 140}, {128, 128}, {100, 96}, {96, 96}, {64, 64}, {40, 32}, {5, 0}} {
		edited := slices.Clone(ids)
		edited[c.edit]++
		n := used.line.Reusable(edited)
		if n != c.reused {
			t.Errorf("edit at %d: %d tokens can be reused, want %d", c.edit, n, c.reused)
		}
		used.Truncate(n)
		fresh.Truncate(0)
		sameBits(t, "after an edit", lastLogits(t, used, edited[n:]), lastLogits(t, fresh, edited))
		used.Truncate(0)
		lastLogits(t, used, ids)
	}
}

// TestChunksInDecode checks that a token sees the same in decoding as in prefill
// when chunks begin anew, for a layer of each kind.
func TestChunksInDecode(t *testing.T) {
	shape := small()
	shape.Chunk = 16
	m := openModel(t, synth.Bytes(shape), Options{Context: 128})
	whole, single := newSequence(t, m), newSequence(t, m)
	ids := randomIDs(70)
	for i := range ids {
		got := lastLogits(t, single, ids[i:i+1])
		whole.Truncate(0)
		sameBits(t, "token by token", got, lastLogits(t, whole, ids[:i+1]))
	}
}

// TestCancelKeepsHeldText stops an answer while text is held back that might
// have become a stop string: the partial answer has it.
func TestCancelKeepsHeldText(t *testing.T) {
	s := openSequence(t, tinyScout(t, "Q8_0"), Options{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var b strings.Builder
	var tokens [][]Token
	n := 0
	for d, err := range s.Generate(ctx, hello(), Sampling{Stop: []string{"Hello! How can I help you never"}}) {
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		b.WriteString(d.Text)
		tokens = append(tokens, d.Tokens)
		if n += len(d.Tokens); n == 4 {
			cancel()
		}
	}
	if want := "Hello! How can"; b.String() != want {
		t.Errorf("partial answer is %q, want %q", b.String(), want)
	}
	var pieces string
	for _, step := range tokens {
		for _, token := range step {
			pieces += token.Piece
		}
	}
	if want := "Hello! How can"; pieces != want {
		t.Errorf("tokens kept from the steps are %q, want %q", pieces, want)
	}
}

// TestUnknownTensor refuses a file with a tensor that the graph does not use:
// leaving it out would give wrong answers.
func TestUnknownTensor(t *testing.T) {
	shape := small()
	data := synth.Bytes(shape)
	data = []byte(strings.Replace(string(data), "blk.1.ffn_gate_shexp.weight", "blk.1.ffn_gate_other.weight", 1))
	_, err := OpenEmbedded(context.Background(), "test.gguf", data, Options{})
	if err == nil {
		t.Fatal("a shared expert under another name: no error")
	}
	extra := strings.Replace(string(synth.Bytes(synth.Shape{OneFile: true})), "v.class_embedding", "q.class_embedding", 1)
	if _, err := OpenEmbedded(context.Background(), "test.gguf", []byte(extra), Options{}); !IsUnsupported(err) || !strings.Contains(err.Error(), "q.class_embedding") {
		t.Errorf("a tensor of no known part: error is %v, want it refused by name", err)
	}
}

// TestLayouts opens the same model as one file, as one file with a vision tower
// and another writer's keys, and as split files named by any part.
func TestLayouts(t *testing.T) {
	shape, ids := small(), randomIDs(12)
	want := lastLogits(t, openSequence(t, synth.Bytes(shape), Options{Context: 64}), ids)
	shape.OneFile = true
	oneFile := openModel(t, synth.Bytes(shape), Options{Context: 64})
	if !oneFile.Info().Vision {
		t.Error("a file with vision tensors: Info says there are none")
	}
	sameBits(t, "one file", lastLogits(t, newSequence(t, oneFile), ids), want)
	shape.OneFile, shape.Split = false, 3
	prefix := filepath.Join(t.TempDir(), "model")
	for part := range 3 {
		f, err := os.Create(synth.PartName(prefix, part, 3))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(synth.WritePart(f, shape, part), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for part := range 3 {
		m, err := Open(context.Background(), synth.PartName(prefix, part, 3), Options{Threads: 2, Context: 64})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(m.Info().Files); n != 3 {
			t.Errorf("%d files, want 3", n)
		}
		s := newSequence(t, m)
		sameBits(t, "split files", lastLogits(t, s, ids), want)
		if err := errors.Join(s.Close(), m.Close()); err != nil {
			t.Error(err)
		}
	}
}

func answerText(t *testing.T, s *Sequence, conv []Message, p Sampling) string {
	t.Helper()
	var b strings.Builder
	for d, err := range s.Generate(context.Background(), conv, p) {
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(d.Text)
	}
	return b.String()
}

func hello() []Message { return []Message{{Role: User, Content: "Hello"}} }

func TestGenerateEnds(t *testing.T) {
	m := openModel(t, tinyScout(t, "Q8_0"), Options{Context: 24})
	for _, c := range []struct {
		name   string
		p      Sampling
		text   string
		reason Reason
	}{
		{"end of turn", Sampling{}, "Hello! How can I help you today?", EndOfTurn},
		{"limit", Sampling{MaxTokens: 3}, "Hello! How", TokenLimit},
		{"stop", Sampling{Stop: []string{"lp y", "never"}}, "Hello! How can I he", StopString},
		{"stop at the start", Sampling{Stop: []string{"H"}}, "", StopString},
		{"limit while text is held back", Sampling{MaxTokens: 3, Stop: []string{" How never"}}, "Hello! How", TokenLimit},
		{"empty stop string", Sampling{Stop: []string{""}}, "Hello! How can I help you today?", EndOfTurn},
	} {
		s := newSequence(t, m)
		var b strings.Builder
		var last Delta
		for d, err := range s.Generate(context.Background(), hello(), c.p) {
			if err != nil {
				t.Fatal(err)
			}
			b.WriteString(d.Text)
			last = d
		}
		if b.String() != c.text || !last.Done || last.Reason != c.reason {
			t.Errorf("%s: %q, done %v, reason %q; want %q, %q", c.name, b.String(), last.Done, last.Reason, c.text, c.reason)
		}
	}
}

func TestContextIsFull(t *testing.T) {
	m := openModel(t, tinyScout(t, "Q8_0"), Options{Context: 17})
	s := newSequence(t, m)
	var last Delta
	for d, err := range s.Generate(context.Background(), hello(), Sampling{}) {
		if err != nil {
			t.Fatal(err)
		}
		last = d
	}
	if last.Reason != ContextFull || s.Len() != 17 {
		t.Errorf("reason is %q at %d positions, want %q at 17", last.Reason, s.Len(), ContextFull)
	}
	long := []Message{{Role: User, Content: strings.Repeat("Hello ", 20)}}
	var full *ContextError
	for _, err := range s.Generate(context.Background(), long, Sampling{}) {
		if !errors.As(err, &full) || full.Have != 17 {
			t.Errorf("a long prompt: error is %v, want a ContextError of 17", err)
		}
	}
}

// TestCancel stops in the middle of the prompt and of the answer; what was
// computed before stays right.
func TestCancel(t *testing.T) {
	m := openModel(t, synth.Bytes(small()), Options{Context: 2048})
	s, fresh := newSequence(t, m), newSequence(t, m)
	ids := randomIDs(1200)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for d, err := range s.Complete(ctx, ids, Sampling{}) {
		if d.Stats.PromptDone >= 512 {
			cancel()
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if n := s.Len(); n < 512 || n >= 1200 {
		t.Fatalf("stopped at position %d, want between the first batch and the last", n)
	}
	sameBits(t, "after a stop", lastLogits(t, s, ids[s.Len():]), lastLogits(t, fresh, ids))
	generated := 0
	ctx, cancel = context.WithCancel(context.Background())
	defer cancel()
	for d, err := range s.Complete(ctx, ids, Sampling{}) {
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			continue
		}
		if generated += len(d.Tokens); generated == 3 {
			cancel()
		}
	}
	if generated != 3 {
		t.Errorf("%d tokens, want none after the stop at 3", generated)
	}
}

// countdown is a context that ends after some looks at it, so that a run can be
// stopped at each of its barriers in turn.
type countdown struct {
	context.Context
	left atomic.Int64
}

func (c *countdown) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// TestStoppedRunOverwrites stops a run that has begun to write its keys over the
// chunk before: an edit in that chunk must not find them there.
func TestStoppedRunOverwrites(t *testing.T) {
	shape := small()
	shape.Chunk = 16
	m := openModel(t, synth.Bytes(shape), Options{Context: 64, Threads: 1})
	used, fresh := newSequence(t, m), newSequence(t, m)
	ids := randomIDs(32)
	lastLogits(t, used, ids[:16])
	for looks := int64(1); ; looks++ {
		c := &countdown{Context: context.Background()}
		c.left.Store(looks)
		err := used.Append(c, ids[16:28], LastLogits, nil)
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		n := used.Truncate(8)
		fresh.Truncate(0)
		sameBits(t, "an edit after a stop", lastLogits(t, used, ids[n:14]), lastLogits(t, fresh, ids[:14]))
		used.Truncate(0)
		lastLogits(t, used, ids[:16])
	}
}

// TestStopHasBothErrors gives a caller what it may ask for: the context's error
// and its own cause.
func TestStopHasBothErrors(t *testing.T) {
	s := openSequence(t, synth.Bytes(small()), Options{Context: 64})
	cause := errors.New("the person went away")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	err := s.Append(ctx, randomIDs(4), LastLogits, nil)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) || s.Len() != 0 {
		t.Errorf("error is %v at position %d, want both context.Canceled and the cause at 0", err, s.Len())
	}
}

// TestCompleteBeginsAtZero answers a prompt on a sequence that had been begun
// behind the start.
func TestCompleteBeginsAtZero(t *testing.T) {
	m := openModel(t, synth.Bytes(small()), Options{Context: 256})
	moved, fresh := newSequence(t, m), newSequence(t, m)
	ids := randomIDs(10)
	if err := moved.StartAt(100); err != nil {
		t.Fatal(err)
	}
	lastLogits(t, moved, ids)
	for _, err := range moved.Complete(context.Background(), ids, Sampling{MaxTokens: 1}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	sameBits(t, "after StartAt", moved.logits, lastLogits(t, fresh, ids))
}

// TestStatsLeaveOutTheCaller counts the engine's time only.
func TestStatsLeaveOutTheCaller(t *testing.T) {
	s := openSequence(t, tinyScout(t, "Q8_0"), Options{})
	began, slept, last := time.Now(), time.Duration(0), Stats{}
	for d, err := range s.Generate(context.Background(), hello(), Sampling{MaxTokens: 3}) {
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
		slept += 20 * time.Millisecond
		last = d.Stats
	}
	if worked := time.Since(began) - slept; last.Prefill <= 0 || last.Decode <= 0 || last.Prefill+last.Decode > worked {
		t.Errorf("prefill %v and decode %v, want more than nothing and together at most the %v that are not sleep", last.Prefill, last.Decode, worked)
	}
}

// TestPanicInRouted leaves the model usable after a caller's own panic.
func TestPanicInRouted(t *testing.T) {
	angry := true
	s := openSequence(t, synth.Bytes(small()), Options{Context: 64, Routed: func(Routed) {
		if angry {
			panic("the caller's")
		}
	}})
	func() {
		defer func() { recover() }()
		s.Append(context.Background(), randomIDs(2), LastLogits, nil)
		t.Error("no panic came through")
	}()
	angry = false
	if err := s.Append(context.Background(), randomIDs(2), LastLogits, nil); err != nil {
		t.Error(err)
	}
}

// TestConcurrentUse asks a model for what it is while a sequence computes and is
// closed; the race detector watches.
func TestConcurrentUse(t *testing.T) {
	m, err := OpenEmbedded(context.Background(), "test.gguf", synth.Bytes(small()), Options{Threads: 2, Context: 256})
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.NewSequence()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for _, id := range randomIDs(20) {
			if err := s.Append(context.Background(), []int32{id}, LastLogits, nil); err != nil {
				break // closed
			}
		}
	})
	wg.Go(func() {
		for range 20 {
			m.Memory()
			m.WeightBandwidth(context.Background())
		}
	})
	time.Sleep(5 * time.Millisecond)
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

func TestClosedSequence(t *testing.T) {
	m := openModel(t, synth.Bytes(small()), Options{Context: 64})
	s := newSequence(t, m)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(context.Background(), []int32{1}, LastLogits, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("error is %v, want ErrClosed", err)
	}
}

func TestClose(t *testing.T) {
	before := runtime.NumGoroutine()
	m, err := OpenEmbedded(context.Background(), "test.gguf", synth.Bytes(small()), Options{Threads: 3, Context: 64})
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.NewSequence()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.Close(), m.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(context.Background(), []int32{1}, LastLogits, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed model: error is %v, want ErrClosed", err)
	}
	if _, err := m.NewSequence(); !errors.Is(err, ErrClosed) {
		t.Errorf("a sequence of a closed model: error is %v, want ErrClosed", err)
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before the model was opened", runtime.NumGoroutine(), before)
}

func TestAppendRefuses(t *testing.T) {
	s := openSequence(t, synth.Bytes(small()), Options{Context: 16})
	for _, id := range []int32{-1, 512, math.MaxInt32} {
		if err := s.Append(context.Background(), []int32{1, id}, LastLogits, nil); err == nil || s.Len() != 0 {
			t.Errorf("token %d: error is %v at position %d", id, err, s.Len())
		}
	}
	var full *ContextError
	if err := s.Append(context.Background(), randomIDs(17), NoLogits, nil); !errors.As(err, &full) {
		t.Errorf("17 tokens in 16 positions: error is %v", err)
	}
}

// TestDecodeAllocates keeps the token loop free of allocation.
func TestDecodeAllocates(t *testing.T) {
	s := openSequence(t, synth.Bytes(small()), Options{Context: 512})
	lastLogits(t, s, randomIDs(8))
	ctx, id := context.Background(), []int32{7}
	n := testing.AllocsPerRun(50, func() {
		if err := s.Append(ctx, id, LastLogits, nil); err != nil {
			t.Fatal(err)
		}
	})
	if n > 1 { // the closure that watches ctx
		t.Errorf("a token costs %v allocations, want at most 1", n)
	}
}

// TestPlacement runs a model with its parts divided over two devices, the second
// being the reference.
func TestPlacement(t *testing.T) {
	shape := small()
	shape.Quant, shape.Down = quant.F32, quant.F32
	data, ids := synth.Bytes(shape), randomIDs(20)
	want := lastLogits(t, openSequence(t, data, Options{Context: 64, KV: "f32"}), ids)
	const cpu, other = tensor.Device(0), tensor.Device(1)
	for name, p := range map[string]*Placement{
		"two whole layers": {Layers: []LayerPlacement{
			{Attention: other, Dense: other, Experts: []tensor.Device{other, other, other, other}},
			{Attention: other, Dense: other, Experts: []tensor.Device{other, other, other, other}},
		}},
		"all but experts": {Layers: slices.Repeat([]LayerPlacement{{Attention: other, Dense: other}}, 5), Output: other},
		"single experts":  {Layers: []LayerPlacement{{}, {Experts: []tensor.Device{cpu, other}}, {}, {Experts: []tensor.Device{other, cpu, cpu, other}}}},
	} {
		f, err := gguf.Parse("test.gguf", data)
		if err != nil {
			t.Fatal(err)
		}
		o := Options{Threads: 2, Context: 64, KV: "f32", Placement: p}
		m, err := open(context.Background(), f, o, map[tensor.Device]tensor.Backend{other: ref.Backend{}})
		if err != nil {
			t.Fatal(err)
		}
		s := newSequence(t, m)
		lastLogits(t, s, ids[:19])
		got := lastLogits(t, s, ids[19:])
		for i := range want {
			if diff := math.Abs(float64(got[i] - want[i])); !(diff < 1e-4) {
				t.Fatalf("%s: logit %d is %v, on the CPU alone %v", name, i, got[i], want[i])
			}
		}
		m.Close()
	}
	o := Options{Placement: &Placement{Output: 5}}
	if _, err := OpenEmbedded(context.Background(), "test.gguf", data, o); err == nil || !strings.Contains(err.Error(), "device 5") {
		t.Errorf("a device that is not there: error is %v", err)
	}
}

// TestFileCutWhileMapped cuts a model's file under a running sequence.
func TestFileCutWhileMapped(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not let a mapped file be cut")
	}
	path := filepath.Join(t.TempDir(), "model.gguf")
	if err := os.WriteFile(path, synth.Bytes(small()), 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := Open(context.Background(), path, Options{Threads: 2, Context: 64})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s := newSequence(t, m)
	lastLogits(t, s, randomIDs(4))
	if err := os.Truncate(path, 1<<17); err != nil {
		t.Fatal(err)
	}
	err = s.Append(context.Background(), randomIDs(4), LastLogits, nil)
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "blk.") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error is %v, want one line with the file and the tensor", err)
	}
	if _, again := m.WeightBandwidth(context.Background()); again == nil || !strings.Contains(again.Error(), path) {
		t.Errorf("reading the weights again: error is %v, want one with the file", again)
	}
}
