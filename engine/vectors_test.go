package engine

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"scout/engine/internal/synth"
	"scout/engine/quant"
)

// TestVectors holds the graph to llama.cpp's logits of random models. The limits
// are those of the specification's numeric acceptance: float models differ by
// rounding only; quantised ones by KL divergence, since llama.cpp rounds
// activations and sums a little differently.
func TestVectors(t *testing.T) {
	vectors, err := synth.ReadVectors("../testdata/vectors")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			data := synth.Bytes(v.Shape)
			if sum := fmt.Sprintf("%x", sha256.Sum256(data)); sum != v.SHA256 {
				t.Fatalf("the model's SHA-256 is %s, the vector's is %s: package synth has changed", sum, v.SHA256)
			}
			got, experts := logitsAt(t, data, v.Start, v.IDs)
			checkExperts(t, v, experts)
			if v.Shape.Quant == quant.F32 {
				checkClose(t, v, got)
			} else {
				checkDistributions(t, v, got)
			}
		})
	}
}

// logitsAt is the logits of every position, [len(ids), vocabulary], with a
// float32 cache, and the experts by layer and token.
func logitsAt(t *testing.T, model []byte, start int, ids []int) (logits []float32, experts map[int][]int) {
	t.Helper()
	experts = map[int][]int{}
	s := openSequence(t, model, Options{Context: start + len(ids) + 1, KV: "f32", Routed: func(r Routed) {
		if want := start + len(experts[r.Layer]); r.Position != want || len(r.Experts) != 1 {
			t.Errorf("layer %d: experts %d of position %d, want one of position %d", r.Layer, r.Experts, r.Position, want)
		}
		if int(r.Experts[0]) != argmax(r.Logits) {
			t.Errorf("layer %d, position %d: expert %d, router logits %v", r.Layer, r.Position, r.Experts[0], r.Logits)
		}
		experts[r.Layer] = append(experts[r.Layer], int(r.Experts[0]))
	}})
	if err := s.StartAt(start); err != nil {
		t.Fatal(err)
	}
	err := s.Append(context.Background(), int32s(ids), AllLogits, func(_ int, row []float32) error {
		logits = append(logits, row...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return logits, experts
}

// checkExperts holds the routing to the record. In the float models every choice
// has a margin of 0.008 or more, far above their rounding; the quantised ones were
// made with margins near 1.
func checkExperts(t *testing.T, v synth.Vector, got map[int][]int) {
	if !maps.EqualFunc(got, v.Experts, slices.Equal[[]int]) {
		t.Errorf("experts are %v, want %v (smallest margin %g)", got, v.Experts, v.Margin)
	}
}

func checkClose(t *testing.T, v synth.Vector, got []float32) {
	limit := 1e-4
	if v.Start+len(v.IDs) > 8192 {
		limit = 1e-3 // llama.cpp's float32 RoPE angles are off by as much there
	}
	worst := 0.0
	for i, want := range v.Logits {
		worst = max(worst, math.Abs(float64(got[i])-float64(want)))
	}
	t.Logf("largest difference %.3g, limit %g", worst, limit)
	if !(worst <= limit) {
		t.Errorf("logits differ by up to %.3g, want at most %g", worst, limit)
	}
}

// nearTie is how far apart two logits may be for 8-bit activations to change
// their order: implementations that differ only in rounding were measured at 0.07
// to 0.11 on models of this size.
const nearTie = 0.1

func checkDistributions(t *testing.T, v synth.Vector, got []float32) {
	n := v.Shape.Vocab
	kl, ties := 0.0, 0
	for i := range v.IDs {
		a, b := v.Logits[i*n:(i+1)*n], got[i*n:(i+1)*n]
		kl += divergence(a, b)
		if x, y := argmax(a), argmax(b); x != y {
			ties++
			if gap := a[x] - a[y]; gap > nearTie {
				t.Errorf("position %d: top token is %d, want %d, which leads it by %.3g in the record", i, y, x, gap)
			}
		}
	}
	kl /= float64(len(v.IDs))
	t.Logf("mean KL %.3g, %d of %d top tokens differ, all near ties", kl, ties, len(v.IDs))
	if !(kl < 0.001) {
		t.Errorf("mean KL is %.3g, want below 0.001", kl)
	}
}

// divergence is KL(softmax(a) || softmax(b)).
func divergence(a, b []float32) float64 {
	za, zb := logSum(a), logSum(b)
	kl := 0.0
	for i := range a {
		la, lb := float64(a[i])-za, float64(b[i])-zb
		kl += math.Exp(la) * (la - lb)
	}
	return kl
}

func logSum(x []float32) float64 {
	most := float64(x[argmax(x)])
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(float64(v) - most)
	}
	return most + math.Log(sum)
}

func argmax(x []float32) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}

func int32s(ids []int) []int32 {
	out := make([]int32, len(ids))
	for i, id := range ids {
		out[i] = int32(id)
	}
	return out
}

func openModel(t testing.TB, data []byte, o Options) *Model {
	t.Helper()
	if o.Threads == 0 {
		o.Threads = 2
	}
	m, err := OpenEmbedded(context.Background(), "test.gguf", data, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func openSequence(t testing.TB, data []byte, o Options) *Sequence {
	t.Helper()
	return newSequence(t, openModel(t, data, o))
}

func newSequence(t testing.TB, m *Model) *Sequence {
	t.Helper()
	s, err := m.NewSequence()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
