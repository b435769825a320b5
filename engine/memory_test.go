package engine

import (
	"context"
	"runtime"
	"testing"

	"scout/engine/internal/synth"
	"scout/engine/quant"
)

// TestMemoryIsWhatIsTaken holds Memory().Compute to how much the heap grows from
// before a model is opened until batches of every size have run: caches are not
// on the heap.
func TestMemoryIsWhatIsTaken(t *testing.T) {
	shape := synth.Shape{Hidden: 512, Heads: 8, KVHeads: 2, HeadDim: 64, FF: 512, Experts: 4, Vocab: 1024, Context: 1 << 20, Quant: quant.Q4_K}
	dense := shape
	dense.Arch, dense.Experts = "qwen2", 0
	for _, c := range []struct {
		name  string
		shape synth.Shape
		o     Options
	}{
		{"experts", shape, Options{Context: 1024, Threads: 1}},
		{"dense", dense, Options{Context: 1024, Threads: 4}},
		{"blocks", shape, Options{Context: 4096, KV: "q8_0", Threads: 3}},
		{"long context", shape, Options{Context: 1 << 20, Threads: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := synth.Bytes(c.shape)
			before := heapInUse()
			m := openModel(t, data, c.o)
			s := newSequence(t, m)
			ids := make([]int32, batchTokens+1)
			for i := range ids {
				ids[i] = int32(i % 200)
			}
			for _, want := range []Want{LastLogits, AllLogits} {
				s.Truncate(0)
				if err := s.Append(context.Background(), ids, want, nil); err != nil {
					t.Fatal(err)
				}
			}
			got, want := heapInUse()-before, m.Memory().Compute
			runtime.KeepAlive(data)
			const besides = 256 << 10 // graph, header, tokenizer, list of steps
			if got < want-want/20 || got > want+want/20+besides {
				t.Errorf("the heap has grown by %d bytes, the model says %d", got, want)
			}
			t.Logf("%d bytes, %d of them announced", got, want)
		})
	}
}

// heapInUse is the size of the objects on the heap that somebody holds.
func heapInUse() int64 {
	var m runtime.MemStats
	for range 2 { // what a finalizer holds goes the second time
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
