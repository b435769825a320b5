package engine

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"scout/engine/internal/synth"
	"scout/engine/quant"
)

// blockCaches are the types that round keys and values in blocks.
var blockCaches = []string{"q8_0", "q4_0"}

// TestKVRefused checks the names of cache types, and that a head which does not
// fit their blocks is refused when the model is opened.
func TestKVRefused(t *testing.T) {
	shape := small()
	shape.HeadDim, shape.Quant, shape.Down = 48, quant.F32, quant.F32
	data := synth.Bytes(shape)
	for kv, want := range map[string]string{
		"":     "",
		"f32":  "",
		"q8_0": "engine: opening test.gguf: layer 0: a q8_0 cache takes heads of a multiple of 32 elements, got 48; f16 takes any",
		"q4_0": "engine: opening test.gguf: layer 0: a q4_0 cache takes heads of a multiple of 32 elements, got 48; f16 takes any",
		"q5_1": `engine: cache type is "q5_1", want f16, f32, q8_0 or q4_0`,
	} {
		m, err := OpenEmbedded(context.Background(), "test.gguf", data, Options{KV: kv, Threads: 1})
		if err == nil {
			m.Close()
		}
		if got := fmt.Sprint(err); got != want && !(err == nil && want == "") {
			t.Errorf("%q: error is %q, want %q", kv, got, want)
		}
	}
}

// TestKVMemory compares the sizes that the model reports.
func TestKVMemory(t *testing.T) {
	data := synth.Bytes(small())
	sizes := map[string]int64{}
	for _, kv := range []string{"f32", "f16", "q8_0", "q4_0"} {
		sizes[kv] = openModel(t, data, Options{Context: 512, KV: kv}).Memory().KV
	}
	elements := int64(2 * 5 * 512 * 2 * 64) // keys and values, layers, positions, heads, dimension
	want := map[string]int64{"f32": 4 * elements, "f16": 2 * elements, "q8_0": elements / 32 * 34, "q4_0": elements / 32 * 18}
	for kv, n := range want {
		if sizes[kv] != n {
			t.Errorf("%s cache: %d bytes, want %d", kv, sizes[kv], n)
		}
	}
}

// TestKVSplits checks that rounded caches give the same bits in one prompt or in
// parts, token by token, and with any number of threads, over several spans of
// keys and the end of a chunk.
func TestKVSplits(t *testing.T) {
	data := synth.Bytes(small())
	ids, starts := randomIDs(600), []int{0, 7900}
	splits := map[int][]int{1: {600}, 2: {1, 5, 594}, 3: {280, 300, 1, 1, 18}, 5: append([]int{560}, slices.Repeat([]int{1}, 40)...)}
	if testing.Short() { // where every step is checked for races or emulated: a chunk end, and one span
		ids, starts = randomIDs(60), []int{8160}
		splits = map[int][]int{1: {60}, 2: {1, 5, 54}, 5: {28, 30, 1, 1}}
	}
	for _, kv := range blockCaches {
		for _, start := range starts {
			var want []float32
			for threads, parts := range splits {
				s := openSequence(t, data, Options{Context: start + len(ids) + 1, KV: kv, Threads: threads})
				if err := s.StartAt(start); err != nil {
					t.Fatal(err)
				}
				var got []float32
				at := 0
				for _, n := range parts {
					got = lastLogits(t, s, ids[at:at+n])
					at += n
				}
				if want == nil {
					want = got
				}
				sameBits(t, fmt.Sprintf("%s cache from %d, %d threads", kv, start, threads), got, want)
			}
		}
	}
}

// TestKVDecodeAllocates keeps the token loop free of allocation with rounded
// caches.
func TestKVDecodeAllocates(t *testing.T) {
	for _, kv := range blockCaches {
		s := openSequence(t, synth.Bytes(small()), Options{Context: 512, KV: kv})
		lastLogits(t, s, randomIDs(8))
		ctx, id := context.Background(), []int32{7}
		n := testing.AllocsPerRun(50, func() {
			if err := s.Append(ctx, id, LastLogits, nil); err != nil {
				t.Fatal(err)
			}
		})
		if n > 1 { // the closure that watches ctx
			t.Errorf("%s cache: a token costs %v allocations, want at most 1", kv, n)
		}
	}
}

// What a q8_0 cache may change in a float model, where it does not change the
// choice of an expert. llama.cpp's own q8_0 cache changes the logits of these
// models by up to 0.055, and a mean KL of up to 5.3e-5 of a model; of heads of 32
// elements, it gives our numbers to within 4e-6.
const (
	roundedLogits = 6e-2
	roundedKL     = 6e-5
	flipMargin    = 0.1 // of two router logits, which spread by 3, that may change places
)

// TestKVVectors holds float models with a q8_0 cache to the recorded logits.
func TestKVVectors(t *testing.T) {
	vectors, err := synth.ReadVectors("../testdata/vectors")
	if err != nil {
		t.Fatal(err)
	}
	checked, all := 0, 0
	for _, v := range vectors {
		if v.Shape.Quant != quant.F32 {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			n := checkRoundedCache(t, v)
			checked, all = checked+n, all+len(v.IDs)
		})
	}
	t.Logf("%d of %d positions are not after a change of expert", checked, all)
	if checked < all*2/3 {
		t.Errorf("only %d of %d positions could be compared", checked, all)
	}
}

// checkRoundedCache compares the positions before the first that had another
// expert, and says how many. A changed expert must have been a near tie.
func checkRoundedCache(t *testing.T, v synth.Vector) int {
	n, first := v.Shape.Vocab, len(v.IDs)
	routed := func(r Routed) {
		want, got := v.Experts[r.Layer][r.Position-v.Start], int(r.Experts[0])
		if i := r.Position - v.Start; got != want && i < first {
			first = i
			if margin := r.Logits[got] - r.Logits[want]; margin > flipMargin {
				t.Errorf("position %d, layer %d: expert is %d, want %d, which is behind by %.3g", i, r.Layer, got, want, margin)
			}
		}
	}
	s := openSequence(t, synth.Bytes(v.Shape), Options{Context: v.Start + len(v.IDs) + 1, KV: "q8_0", Routed: routed})
	if err := s.StartAt(v.Start); err != nil {
		t.Fatal(err)
	}
	worst, kl := 0.0, 0.0
	err := s.Append(context.Background(), int32s(v.IDs), AllLogits, func(pos int, logits []float32) error {
		i := pos - v.Start
		if i >= first {
			return nil
		}
		want := v.Logits[i*n : (i+1)*n]
		for j := range want {
			worst = max(worst, math.Abs(float64(logits[j])-float64(want[j])))
		}
		kl += divergence(want, logits)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	kl /= float64(max(first, 1))
	t.Logf("%d of %d positions: largest difference %.3g, mean KL %.3g", first, len(v.IDs), worst, kl)
	if !(worst <= roundedLogits) || !(kl <= roundedKL) {
		t.Errorf("logits differ by up to %.3g, mean KL %.3g; want at most %g and %g", worst, kl, roundedLogits, roundedKL)
	}
	return first
}

// TestKVRecordedAnswers holds greedy answers with a q8_0 cache to the record: all
// but one at most are the same, and where it parts, two tokens were nearly as
// likely.
func TestKVRecordedAnswers(t *testing.T) {
	s := openSequence(t, tinyScout(t, "Q8_0"), Options{KV: "q8_0"})
	equal := 0
	conversations := readRecord(t).Conversations
	for _, c := range conversations {
		got, want := greedy(t, s, c.PromptIDs), c.Q8_0.IDs
		if slices.Equal(got, want) {
			equal++
			continue
		}
		at := 0
		for at < min(len(got), len(want)) && got[at] == want[at] {
			at++
		}
		logits := lastLogitsOf(t, s, slices.Concat(c.PromptIDs, got[:at]))
		gap := logits[got[at]] - logits[want[at]]
		t.Logf("%q: token %d is %d, want %d, which is behind by %.3g", strings.Join(c.Messages, " / "), at, got[at], want[at], gap)
		if gap > nearTie {
			t.Errorf("%q: token %d is %d, want %d, which is behind by %.3g", c.Messages, at, got[at], want[at], gap)
		}
	}
	t.Logf("%d of %d answers are those of the record", equal, len(conversations))
	if equal < len(conversations)-1 {
		t.Errorf("%d of %d answers are those of the record, want all but one at most", equal, len(conversations))
	}
}

// lastLogitsOf is lastLogits of a fresh start.
func lastLogitsOf(t *testing.T, s *Sequence, ids []int32) []float32 {
	t.Helper()
	s.Truncate(0)
	return lastLogits(t, s, ids)
}
