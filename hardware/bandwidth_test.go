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

func TestCacheBytes(t *testing.T) {
	const dir = "sys/devices/system/cpu/"
	root := files(map[string]string{
		dir + "cpu0/cache/index3/size": "32768K\n", dir + "cpu0/cache/index3/shared_cpu_list": "0-1,8-9\n",
		dir + "cpu1/cache/index3/size": "32768K\n", dir + "cpu1/cache/index3/shared_cpu_list": "0-1,8-9\n",
		dir + "cpu2/cache/index3/size": "98304K\n", dir + "cpu2/cache/index3/shared_cpu_list": "2-3,10-11\n",
		dir + "cpu3/cache/index2/size": "1024K\n", dir + "cpufreq/x": "1", dir + "online": "0-15",
	})
	if got := cacheBytes(root); got != 128<<20 {
		t.Errorf("got %d MiB, want 128", got>>20)
	}
	if got := cacheBytes(files(map[string]string{dir + "cpu0/cache/index3/size": "-5", dir + "cpu0/cache/index3/shared_cpu_list": "0"})); got != 0 {
		t.Errorf("nonsense: got %d", got)
	}
}

func TestMeasure(t *testing.T) {
	rates := []float64{8, 10, 6}
	next := 0
	r, err := Measure(3, func() (float64, error) { next++; return rates[next-1], nil })
	if err != nil || r.Best != 10 || r.Count != 3 || r.Spread < 0.3999 || r.Spread > 0.4001 {
		t.Errorf("got %+v, %v, want 10 of 3 with a spread of 0.4", r, err)
	}
	broken := errors.New("broken")
	if _, err := Measure(3, func() (float64, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
