package cpu

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"scout/engine/internal/kernel"
	"scout/engine/quant"
	"scout/engine/tensor"
)

// TestCacheBytes checks the sizes of the specification: keys and values of a
// token in a layer of 8 heads of 128 elements.
func TestCacheBytes(t *testing.T) {
	b := New(1)
	defer b.Close()
	for kv, want := range map[tensor.KVType]int64{tensor.KVF32: 8192, tensor.KVF16: 4096, tensor.KVQ8_0: 2176, tensor.KVQ4_0: 1152} {
		layer := tensor.CacheLayer{Cells: 64, KVHeads: 8, HeadDim: 128, Type: kv}
		if got := layer.Bytes() / 64; got != want {
			t.Errorf("%v: a token takes %d bytes, want %d", kv, got, want)
		}
		c, err := b.NewCache(tensor.CacheSpec{layer}, 0)
		if err != nil {
			t.Fatal(err)
		}
		l := &c.(*cache).layers[0]
		held := int64(2*len(l.k16)+2*len(l.v16)+4*len(l.k32)+4*len(l.v32)) + int64(len(l.kq)+len(l.vq))
		if held != layer.Bytes() {
			t.Errorf("%v: the cache holds %d bytes, want %d", kv, held, layer.Bytes())
		}
	}
}

// TestCacheRefused checks that what cannot be kept is refused, and heads of other
// devices are none of this one's business.
func TestCacheRefused(t *testing.T) {
	b := New(1)
	defer b.Close()
	for _, c := range []struct {
		layer tensor.CacheLayer
		want  string
	}{
		{tensor.CacheLayer{Cells: 8, KVHeads: 1, HeadDim: 80, Type: tensor.KVF16}, ""},
		{tensor.CacheLayer{Cells: 8, KVHeads: 1, HeadDim: 80, Type: tensor.KVQ8_0}, "cpu: cache of layer 0: a head has 80 elements, want a multiple of 32 for q8_0"},
		{tensor.CacheLayer{Cells: 8, KVHeads: 1, HeadDim: 80, Type: tensor.KVQ8_0, Device: 1}, ""},
		{tensor.CacheLayer{Cells: 8, KVHeads: 1, HeadDim: 32, Type: 9}, "cpu: cache of layer 0: element type 9 is unknown"},
	} {
		_, err := b.NewCache(tensor.CacheSpec{c.layer}, 0)
		if got := fmt.Sprint(err); got != c.want && !(err == nil && c.want == "") {
			t.Errorf("%+v: error %q, want %q", c.layer, got, c.want)
		}
	}
}

// TestCacheTooLarge asks for what no machine has: that is an error which says what
// to do, and leaves nothing behind.
func TestCacheTooLarge(t *testing.T) {
	b := New(1)
	defer b.Close()
	small := tensor.CacheLayer{Cells: 8, KVHeads: 8, HeadDim: 128, Type: tensor.KVF16}
	for _, c := range []struct {
		cells int
		want  string
	}{
		{1 << 46, "cpu: cache of layer 1: the system has no 268435456.0 GiB for keys and values of 70368744177664 positions ("},
		{math.MaxInt, "cpu: cache of layer 1: 8 heads of 128 elements at 9223372036854775807 positions are more than any memory holds; lower the context"},
	} {
		large := small
		large.Cells = c.cells
		got, err := b.NewCache(tensor.CacheSpec{small, large, small}, 0)
		if err == nil || got != nil || !strings.HasPrefix(err.Error(), c.want) || !strings.HasSuffix(err.Error(), "; lower the context") {
			t.Errorf("%d cells: got %v, %v, want an error that begins %q", c.cells, got, err, c.want)
		}
	}
}

// TestCacheIsNoHeap allocates more than a test should use, and uses none of it.
func TestCacheIsNoHeap(t *testing.T) {
	b := New(1)
	defer b.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c, err := b.NewCache(tensor.CacheSpec{{Cells: 1 << 18, KVHeads: 8, HeadDim: 128, Type: tensor.KVF16}}, 0) // 1 GiB
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<16 {
		t.Errorf("a cache takes %d bytes of the heap", got)
	}
	l := &c.(*cache).layers[0]
	k, v := []float32{1, 2, 3}, []float32{4, 5, 6}
	if n := len(l.k16); l.k16[n-1] != 0 || l.v16[0] != 0 || l.v16[n-1] != 0 {
		t.Error("fresh cells are not zero")
	}
	kernel.ToF16(l.k16[len(l.k16)-3:], k)
	kernel.ToF16(l.v16[:3], v)
	if l.k16[len(l.k16)-1] != 0x4200 || l.v16[0] != 0x4400 || l.v16[2] != 0x4600 {
		t.Error("keys and values share memory")
	}
	for range 2 {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

// TestClosedCache runs a program with a cache that has been closed.
func TestClosedCache(t *testing.T) {
	b := New(1)
	defer b.Close()
	c, err := b.NewCache(tensor.CacheSpec{{Cells: 8, KVHeads: 1, HeadDim: 32, Type: tensor.KVF16}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &program{b: b, limits: tensor.Limits{Tokens: 1}, segments: []segment{{}}}
	c.Close()
	if err := p.Run(0, &tensor.Batch{Tokens: []int32{0}}, c, nil); !errors.Is(err, errClosed) {
		t.Errorf("a run with a closed cache: got %v, want %v", err, errClosed)
	}
}

// TestCacheCells keeps positions past the number of cells, in every type, and
// reads them back: the last ones, of the right head, rounded as the type does.
func TestCacheCells(t *testing.T) {
	const heads, dim, cells, positions = 2, 64, 24, 60
	b := New(1)
	defer b.Close()
	for _, kv := range []tensor.KVType{tensor.KVF32, tensor.KVF16, tensor.KVQ8_0, tensor.KVQ4_0} {
		c, err := b.NewCache(tensor.CacheSpec{{Cells: cells, KVHeads: heads, HeadDim: dim, Type: kv}}, 0)
		if err != nil {
			t.Fatal(err)
		}
		l := &c.(*cache).layers[0]
		r := rand.New(rand.NewPCG(1, uint64(kv)))
		values := make([][]float32, positions*heads)
		for i := range values {
			values[i] = make([]float32, dim)
			for j := range values[i] {
				values[i][j] = float32(r.NormFloat64())
			}
			l.store(i/heads, i%heads, values[i], values[i])
		}
		s := new(kernel.Scratch)
		for p := positions - cells; p < positions; p++ {
			for h := range heads {
				got, want := make([]float32, dim), rounded(kv, values[p*heads+h])
				l.accumulate(got, []float32{1}, 1, h, p, 1, s)
				for i := range want {
					if got[i] != want[i] {
						t.Fatalf("%v: position %d, head %d, element %d is %v, want %v", kv, p, h, i, got[i], want[i])
					}
				}
			}
		}
	}
}

// rounded is x as a cache of a type keeps it.
func rounded(kv tensor.KVType, x []float32) []float32 {
	y := make([]float32, len(x))
	switch kv {
	case tensor.KVF32:
		copy(y, x)
	case tensor.KVF16:
		for i, v := range x {
			y[i] = quant.F16ToF32(quant.F32ToF16(v))
		}
	default:
		blocks := make([]byte, kv.RowBytes(len(x)))
		kernel.QuantizeBlocks(kv.Format(), blocks, x)
		quant.Dequantize(kv.Format(), y, blocks)
	}
	return y
}
