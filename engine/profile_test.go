package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"scout/engine/gguf"
	"scout/engine/internal/ref"
	"scout/engine/internal/synth"
	"scout/engine/tensor"
)

// opBytes adds up what each group read.
func opBytes(ops []OpTime) map[string]int64 {
	sums := map[string]int64{}
	for _, o := range ops {
		sums[o.Group] += o.Bytes
	}
	return sums
}

func hasOp(ops []OpTime, group, step string) bool {
	for _, o := range ops {
		if o.Group == group && o.Step == step {
			return true
		}
	}
	return false
}

// TestProfileCountsBytes holds the bytes of each group against what the file
// says its tensors are, for a token of a model with experts and dense layers.
func TestProfileCountsBytes(t *testing.T) {
	shape := small()
	shape.MoEStep = 2
	for _, tied := range []bool{false, true} {
		shape.Tied = tied
		m := openModel(t, synth.Bytes(shape), Options{Threads: 2, Context: 64})
		s := newSequence(t, m)
		lastLogits(t, s, randomIDs(8))
		m.Profile(true)
		lastLogits(t, s, []int32{7})
		want := map[string]int64{}
		for _, c := range m.Info().Components {
			switch c.Name {
			case "routed experts":
				want[c.Name] = c.Bytes / int64(shape.Experts) // one of them a token
			case "attention":
				want["attention projections"] = c.Bytes
			case "token embedding":
				want["other"] = c.Bytes / int64(shape.Vocab) // one row
				if tied {
					want["output"] = c.Bytes
				}
			case "norms and router": // routers only: norms are not counted, they are tiny and stay in caches
				want["routing"] = int64(shape.Layers/shape.MoEStep) * int64(shape.Experts) * int64(shape.Hidden) * 4
			default:
				want[c.Name] = c.Bytes
			}
		}
		want["attention"] = 9 * m.Info().KVBytesPerToken // of the nine positions seen
		got := opBytes(m.OpTimes())
		for group, bytes := range want {
			if got[group] != bytes {
				t.Errorf("tied %v: %s read %d bytes, want %d", tied, group, got[group], bytes)
			}
			delete(got, group)
		}
		delete(got, "norms")
		if len(got) > 0 {
			t.Errorf("tied %v: groups besides: %v", tied, got)
		}
	}
}

// TestProfileSums checks that times add up to no more than what went by, that
// they change no result, and that measuring begins and ends where it should.
func TestProfileSums(t *testing.T) {
	data, ids := synth.Bytes(small()), randomIDs(40)
	want := lastLogits(t, openSequence(t, data, Options{Threads: 3, Context: 64}), ids)
	m := openModel(t, data, Options{Threads: 3, Context: 64})
	s := newSequence(t, m)
	sum := func() (d time.Duration) {
		for _, o := range m.OpTimes() {
			d += o.Duration
		}
		return d
	}
	lastLogits(t, s, ids)
	if d := sum(); d != 0 {
		t.Errorf("%v measured before anybody asked", d)
	}
	s.Truncate(0)
	m.Profile(true)
	begin := time.Now()
	sameBits(t, "with a clock", lastLogits(t, s, ids), want)
	passed := time.Since(begin)
	m.Profile(false)
	measured := sum()
	if measured <= 0 || measured > passed {
		t.Errorf("measured %v of %v", measured, passed)
	}
	lastLogits(t, s, ids[:1])
	if d := sum(); d != measured {
		t.Errorf("measured %v after the end, %v before", d, measured)
	}
	for _, want := range [][2]string{
		{"routed experts", "ffn_gate_exps"}, {"shared experts", "ffn_down_shexp"}, {"attention projections", "attn_q"},
		{"attention", "attend"}, {"norms", "norm"}, {"routing", "route"}, {"output", "output"}, {"other", "add"},
	} {
		if !hasOp(m.OpTimes(), want[0], want[1]) {
			t.Errorf("no step %q in group %q", want[1], want[0])
		}
	}
	m.Profile(true)
	if d := sum(); d != 0 {
		t.Errorf("%v measured right after the beginning", d)
	}
}

// TestProfileOrder expects the groups by their time, and their steps likewise.
func TestProfileOrder(t *testing.T) {
	g := &tensor.Graph{}
	x := g.Embed(&tensor.Weight{Name: "token_embd.weight", Shape: []int{4, 2}})
	for _, name := range []string{"blk.0.attn_q.weight", "blk.1.attn_q.weight"} {
		x = g.MatMul(x, &tensor.Weight{Name: name, Shape: []int{2, 2}}, nil)
	}
	g.Result = g.MatMul(x, &tensor.Weight{Name: "output.weight", Shape: []int{4, 2}}, nil)
	got := sumOps(g, []tensor.Timing{
		{Node: 0, Step: "sort tokens", Duration: 1}, {Node: 0, Step: "embed", Duration: 3, Bytes: 8},
		{Node: 1, Step: "quantise", Duration: 2}, {Node: 1, Step: "blk.0.attn_q.weight", Duration: 10, Bytes: 16},
		{Node: 2, Step: "quantise", Duration: 2}, {Node: 2, Step: "blk.1.attn_q.weight", Duration: 20, Bytes: 16},
		{Node: 3, Step: "output.weight", Duration: 100, Bytes: 32},
	})
	want := []OpTime{
		{"output", "output", 100, 32}, {"attention projections", "attn_q", 30, 32}, {"attention projections", "quantise", 4, 0},
		{"other", "embed", 3, 8}, {"other", "sort tokens", 1, 0},
	}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("place %d: got %v, want %v", i, got[i], want[i])
		}
	}
}

// TestProfileAllocates keeps the clock out of the heap.
func TestProfileAllocates(t *testing.T) {
	m := openModel(t, synth.Bytes(small()), Options{Context: 512})
	s := newSequence(t, m)
	lastLogits(t, s, randomIDs(8))
	m.Profile(true)
	ctx, id := context.Background(), []int32{7}
	n := testing.AllocsPerRun(50, func() {
		if err := s.Append(ctx, id, LastLogits, nil); err != nil {
			t.Fatal(err)
		}
	})
	if n > 1 { // the closure that watches ctx
		t.Errorf("a token costs %v allocations with a clock, want at most 1", n)
	}
}

// TestProfileOfPlacement runs a part on a device that cannot measure, and
// expects the times of the others.
func TestProfileOfPlacement(t *testing.T) {
	const other = tensor.Device(1)
	f, err := gguf.Parse("test.gguf", synth.Bytes(small()))
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Threads: 2, Context: 64, Placement: &Placement{Layers: []LayerPlacement{{Attention: other}}, Output: other}}
	m, err := open(context.Background(), f, o, map[tensor.Device]tensor.Backend{other: ref.Backend{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	m.Profile(true)
	lastLogits(t, newSequence(t, m), randomIDs(8))
	ops := m.OpTimes()
	if hasOp(ops, "output", "output") || !hasOp(ops, "attention projections", "attn_q") {
		t.Errorf("got %v, want no output and the attention of the other layers", ops)
	}
	if got, want := opBytes(ops)["attention"], 4*8*m.Info().KVBytesPerToken/5; got != want {
		t.Errorf("attention read %d bytes, want %d: four layers of five", got, want)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	m.Profile(true)
	if ops := m.OpTimes(); ops != nil {
		t.Errorf("a closed model says %v", ops)
	}
}

// TestReread expects the weights of the last run to be read again, and nothing
// else: all but those of experts that were not chosen and of the embedding.
func TestReread(t *testing.T) {
	m := openModel(t, synth.Bytes(small()), Options{Threads: 3, Context: 64})
	if rate, err := m.WeightBandwidth(context.Background()); rate != 0 || err != nil {
		t.Errorf("before any run: %v bytes per second (%v), want 0", rate, err)
	}
	s := newSequence(t, m)
	m.Profile(true)
	for _, n := range []int{5, 1} {
		m.Profile(true)
		lastLogits(t, s, randomIDs(n))
		want := int64(0)
		for group, bytes := range opBytes(m.OpTimes()) {
			if group != "attention" && group != "other" { // cache and embedding
				want += bytes
			}
		}
		got, d, err := m.reread()
		if err != nil || got != want || d <= 0 {
			t.Errorf("after %d tokens: read %d bytes in %v (%v), want %d", n, got, d, err, want)
		}
	}
	if rate, err := m.WeightBandwidth(context.Background()); rate <= 0 || err != nil {
		t.Errorf("%v bytes per second (%v)", rate, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.WeightBandwidth(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error is %v", err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := m.WeightBandwidth(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: error is %v", err)
	}
}
