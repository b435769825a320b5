package engine

import (
	"context"
	"errors"
	"testing"

	"scout/engine/internal/cpu"
)

// TestMeasureKernels measures little, and expects figures that can be ones.
func TestMeasureKernels(t *testing.T) {
	sane := func(what string, x float64) {
		t.Helper()
		if !(x > 1e6) || x > 1e15 {
			t.Errorf("%s is %v a second", what, x)
		}
	}
	k := kernelBench{b: cpu.New(1), width: 256, ff: 512, depth: 1024, layers: 2}
	defer k.b.Close()
	var names []string
	err := k.kernels(context.Background(), 4<<20, []string{"Q4_K", "no type", "Q8_1"}, func(r KernelRate) {
		names = append(names, r.Type)
		sane(r.Type+" decode", r.Decode)
		sane(r.Type+" small", r.Small)
		sane(r.Type+" large", r.Large)
		t.Logf("%+v", r)
	})
	if err != nil || len(names) != 1 {
		t.Errorf("measured %v, %v; want Q4_K", names, err)
	}
	a, err := k.attention(context.Background(), "q8_0")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", a)
	sane("attention", a.Decode)
	sane("attention of batches", a.Large)
	decode, prefill, err := k.overhead(context.Background())
	if err != nil || !(prefill > 0) || !(decode > 0) {
		t.Errorf("overhead is %v s a token and %v in a batch, %v", decode, prefill, err)
	}
	t.Log(decode, prefill)
}

func TestMeasureKernelsStops(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	err := MeasureKernels(ctx, 1, 32<<20, []string{"Q4_K"}, func(KernelRate) { t.Error("measured after the end") })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := MeasureAttention(ctx, 1, "q3"); err == nil {
		t.Error("a cache of type q3 was measured")
	}
}
