package quant

import (
	"math"
	"math/rand/v2"
	"testing"
)

// unpacked is the weights of a block by way of its integer form, computed in
// float64, which holds every product exactly.
func unpacked(t Type, block []byte) []float64 {
	y := make([]float64, t.BlockSize())
	if t.BlockSize() == 32 {
		var s Small
		for i := range s.Q { // the form of a block must not depend on the last
			s.Q[i] = 77
		}
		s.D, s.Min = 77, 77
		UnpackSmall(t, &s, block)
		for i, q := range s.Q {
			y[i] = float64(s.D)*float64(q) + float64(s.Min)
		}
		return y
	}
	var s Super
	for i := range s.Q {
		s.Q[i], s.S[i/16], s.M[i/16] = 77, 77, 77
	}
	s.D, s.DMin = 77, 77
	UnpackSuper(t, &s, block)
	for i, q := range s.Q {
		y[i] = float64(s.D)*float64(s.S[i/16])*float64(q) - float64(s.DMin)*float64(s.M[i/16])
	}
	return y
}

// checkUnpacked compares a block's integer form with its weights. Nothing but
// the last operation of the weights rounds, unless they are too large.
func checkUnpacked(tb testing.TB, t Type, block []byte) {
	tb.Helper()
	want := make([]float32, t.BlockSize())
	Dequantize(t, want, block)
	for i, got := range unpacked(t, block) {
		if w := float64(want[i]); math.IsInf(w, 0) || math.IsNaN(w) {
			continue // float64 goes further
		}
		if float32(got) != want[i] {
			tb.Fatalf("%v: weight %d by the integer form is %g, want %g; block %x", t, i, got, want[i], block)
		}
	}
}

// packed is the types with an integer form.
func packed() (types []Type) {
	for _, t := range Types() {
		if t.BlockSize() > 1 {
			types = append(types, t)
		}
	}
	return types
}

// TestUnpack compares the integer forms with the weights, on the golden blocks
// and random ones.
func TestUnpack(t *testing.T) {
	for _, typ := range packed() {
		t.Run(typ.String(), func(t *testing.T) {
			g := readGolden(t, typ)
			size := typ.BlockBytes()
			for b := append(g.blocks, g.hidden...); len(b) > 0; b = b[size:] {
				checkUnpacked(t, typ, b[:size])
			}
			rng := rand.New(rand.NewPCG(1, uint64(typ)))
			for range 300 {
				checkUnpacked(t, typ, randomBytes(rng, size))
			}
		})
	}
}

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// TestUnpackRange holds the integers to what kernels count on: the whole of a
// type's range occurs, and no sum of a block's products with 8-bit activations
// can leave an int32.
func TestUnpackRange(t *testing.T) {
	const d = 1 << 30 // larger than any
	for _, c := range []struct {
		t                            Type
		minQ, maxQ, minS, maxS, maxM int
	}{
		{Q2_K, 0, 3, 0, 15, 15}, {Q3_K, -4, 3, -32, 31, 0}, {Q4_K, 0, 15, 0, 63, 63}, {Q5_K, 0, 31, 0, 63, 63},
		{Q6_K, -32, 31, -128, 127, 0}, {IQ4XS, -127, 113, -32, 31, 0}, {IQ1S, -9, 9, 1, 15, 0}, {IQ1M, -9, 9, 1, 15, 0},
		{IQ2XXS, -43, 43, 1, 31, 0}, {IQ2XS, -43, 43, 1, 31, 0}, {IQ2S, -43, 43, 1, 31, 0},
		{IQ3XXS, -62, 62, 1, 31, 0}, {IQ3S, -15, 15, 1, 31, 0}, {TQ1_0, -1, 1, 1, 1, 0}, {TQ2_0, -1, 2, 1, 1, 0},
	} {
		minQ, maxQ, minS, maxS, maxM := d, -d, d, -d, -d
		var s Super
		rng := rand.New(rand.NewPCG(2, uint64(c.t)))
		for range 400 {
			s.M[5], s.DMin = 77, 77 // of a block before
			UnpackSuper(c.t, &s, randomBytes(rng, c.t.BlockBytes()))
			for i, q := range s.Q {
				minQ, maxQ = min(minQ, int(q)), max(maxQ, int(q))
				minS, maxS = min(minS, int(s.S[i/16])), max(maxS, int(s.S[i/16]))
				maxM = max(maxM, int(s.M[i/16]))
				if s.M[i/16] < 0 {
					t.Fatalf("%v: M is %d, want none below 0", c.t, s.M[i/16])
				}
			}
		}
		if minQ != c.minQ || maxQ != c.maxQ || minS != c.minS || maxS != c.maxS || maxM != c.maxM {
			t.Errorf("%v: Q %d to %d, S %d to %d, M to %d; want %d to %d, %d to %d, %d", c.t, minQ, maxQ, minS, maxS, maxM, c.minQ, c.maxQ, c.minS, c.maxS, c.maxM)
		}
		if most := 256 * max(-c.minS, c.maxS) * max(-c.minQ, c.maxQ) * 127; most > math.MaxInt32 {
			t.Errorf("%v: a product can be %d", c.t, most)
		}
	}
}

// TestUnpackOthers gives types of another shape: they have no such form.
func TestUnpackOthers(t *testing.T) {
	for typ := range Type(64) {
		if s := (Super{D: 1}); typ.BlockSize() != 256 || !typ.Decodes() {
			if UnpackSuper(typ, &s, nil); s != (Super{}) {
				t.Errorf("%v: super-block is %v, want zero", typ, s)
			}
		}
		if s := (Small{D: 1}); typ.BlockSize() != 32 || !typ.Decodes() {
			if UnpackSmall(typ, &s, nil); s != (Small{}) {
				t.Errorf("%v: block is %v, want zero", typ, s)
			}
		}
		if y := []float32{7}; !typ.Decodes() {
			if Dequantize(typ, y, nil); y[0] != 7 {
				t.Errorf("%v: weight became %g", typ, y[0])
			}
		}
	}
}

// TestAllocations: a matrix has millions of blocks.
func TestAllocations(t *testing.T) {
	var small Small
	var super Super
	y := make([]float32, 256)
	for _, typ := range packed() {
		block := make([]byte, typ.RowBytes(256))
		if n := testing.AllocsPerRun(10, func() {
			Dequantize(typ, y, block)
			if typ.BlockSize() == 32 {
				UnpackSmall(typ, &small, block[:typ.BlockBytes()])
			} else {
				UnpackSuper(typ, &super, block)
			}
		}); n != 0 {
			t.Errorf("%v: %g allocations a block", typ, n)
		}
	}
}

// FuzzUnpack takes any bytes for a block of any type.
func FuzzUnpack(f *testing.F) {
	for _, typ := range packed() {
		f.Add(uint8(typ), readGolden(f, typ).hidden[:typ.BlockBytes()])
	}
	f.Fuzz(func(t *testing.T, number uint8, data []byte) {
		types := packed()
		typ := types[int(number)%len(types)]
		if Type(number).Decodes() && Type(number).BlockSize() > 1 {
			typ = Type(number)
		}
		block := make([]byte, typ.BlockBytes())
		copy(block, data)
		checkUnpacked(t, typ, block)
	})
}
