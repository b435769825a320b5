package hardware

import (
	"context"
	"errors"
	"testing"
)

// TestSumWords compares with a plain loop on every tail length of the unrolled one.
func TestSumWords(t *testing.T) {
	words := make([]uint64, 100)
	for i := range words {
		words[i] = uint64(i)*0x9E3779B97F4A7C15 + 12345
	}
	for n := range len(words) {
		var want uint64
		for _, w := range words[:n] {
			want += w
		}
		if got := sumWords(words[:n]); got != want {
			t.Fatalf("n=%d: got %d, want %d", n, got, want)
		}
	}
}

func TestReadBandwidth(t *testing.T) {
	for _, threads := range []int{1, 2, 3} {
		before := bandwidthSink.Load()
		got, err := readBandwidth(context.Background(), threads, 1<<20, 0)
		if err != nil || got <= 0 {
			t.Errorf("%d threads: got %v bytes/s, error %v; want a positive rate", threads, got, err)
		}
		// One pass over the words 0, 1, ... of each part: every word was read.
		var want uint64
		const words = 1 << 20 / 8
		for i := range threads {
			n := uint64((i+1)*words/threads - i*words/threads)
			want += n * (n - 1) / 2
		}
		if sum := bandwidthSink.Load() - before; sum != want {
			t.Errorf("%d threads: read a sum of %d, want %d", threads, sum, want)
		}
	}
}

func TestReadBandwidthRefuses(t *testing.T) {
	if _, err := readBandwidth(context.Background(), 0, 1<<20, 0); err == nil {
		t.Error("no threads: got no error")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := readBandwidth(ctx, 1, 1<<20, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got error %v, want context.Canceled", err)
	}
}
