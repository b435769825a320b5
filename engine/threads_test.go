package engine

import (
	"context"
	"math"
	"testing"

	"scout/engine/internal/synth"
	"scout/engine/quant"
)

// TestThreadsOfWideRows computes rows that are wide enough to be cut into parts for
// several threads, and expects the bits of one thread.
func TestThreadsOfWideRows(t *testing.T) {
	shape := synth.Shape{Hidden: 1024, Heads: 4, KVHeads: 2, HeadDim: 64, FF: 1312, Experts: 2, Vocab: 300, Quant: quant.Q8_0}
	data := synth.Bytes(shape)
	var want []float32
	for _, threads := range []int{1, 2, 3, 7} {
		s := openSequence(t, data, Options{Context: 64, Threads: threads})
		var got []float32
		for _, ids := range [][]int32{{1}, {2}, {3, 4}, {5}} {
			err := s.Append(context.Background(), ids, AllLogits, func(_ int, logits []float32) error {
				got = append(got, logits...)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if threads == 1 {
			want = got
		}
		for i, x := range got {
			if math.Float32bits(x) != math.Float32bits(want[i]) {
				t.Fatalf("%d threads: token %d, logit %d is %g, want %g as with one thread", threads, i/300, i%300, x, want[i])
			}
		}
	}
}
