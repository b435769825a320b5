package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// nan16 says whether h is a NaN.
func nan16(h uint16) bool { return h&0x7fff > 0x7c00 }

// TestFromF16 widens every half float there is.
func TestFromF16(t *testing.T) {
	src := make([]uint16, 1<<16)
	for i := range src {
		src[i] = uint16(i)
	}
	want := make([]float32, len(src))
	fromF16Generic(want, src)
	eachVersion(t, func(t *testing.T, f *floats) {
		got := make([]float32, len(src))
		f.fromF16(got, src)
		mustEqual(t, "FromF16", len(src), got, want)
	})
}

// TestToF16 rounds the neighbourhood of every half float: the values half way
// to the next one, and those beside them; and some values of every exponent.
func TestToF16(t *testing.T) {
	var src []float32
	for h := range 0x7c00 {
		var pair [2]float32
		fromF16Generic(pair[:], []uint16{uint16(h), uint16(h + 1)})
		middle := (pair[0] + pair[1]) / 2
		if h == 0x7bff { // the next is Inf, as if it were 2^16
			middle = 65520
		}
		inf := float32(math.Inf(1))
		src = append(src, pair[0], -pair[0], math.Nextafter32(middle, 0), middle, math.Nextafter32(middle, inf), -middle)
	}
	rng := rand.New(rand.NewPCG(14, 1))
	for e := range uint32(256) {
		for range 32 {
			src = append(src, math.Float32frombits(rng.Uint32()&^(255<<23)|e<<23))
		}
	}
	want := make([]uint16, len(src))
	toF16Generic(want, src)
	eachVersion(t, func(t *testing.T, f *floats) {
		got := make([]uint16, len(src))
		f.toF16(got, src)
		for i := range src {
			if got[i] != want[i] && !(nan16(got[i]) && nan16(want[i])) {
				t.Fatalf("%g becomes %#04x, want %#04x", src[i], got[i], want[i])
			}
		}
		for n := range 64 {
			dst := make([]uint16, n+1)
			f.toF16(dst[:n], src[100:100+n])
			for i := range n {
				if dst[i] != want[100+i] {
					t.Fatalf("length %d: element %d is %#04x, want %#04x", n, i, dst[i], want[100+i])
				}
			}
			if dst[n] != 0 {
				t.Fatalf("length %d: wrote past the end", n)
			}
		}
	})
}
