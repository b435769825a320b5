//go:build !noasm

package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"scout/engine/quant"
)

// needDotProd skips a test on a CPU without SDOT.
func needDotProd(t *testing.T) {
	t.Helper()
	if !hasDotProd {
		t.Skip("this CPU has no SDOT (FEAT_DotProd)")
	}
}

// scattered is rows random blocks of type t, n bytes each, with space between
// them, at an address that is not even, and that space.
func scattered(rng *rand.Rand, t quant.Type, rows, n int) (w []byte, stride int) {
	stride = n + 3
	w = make([]byte, 1+rows*stride)[1:]
	for r := range rows {
		copy(w[r*stride:], randomWeights(rng, t, n/t.BlockBytes()*t.BlockSize()))
	}
	return w, stride
}

// TestUnpackSuper compares the assembly with package quant for blocks of random
// bits.
func TestUnpackSuper(t *testing.T) {
	needDotProd(t)
	for typ, f := range superFormats {
		if f.unpack == nil {
			continue
		}
		t.Run(typ.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(21, uint64(typ)))
			size := typ.BlockBytes()
			for round := range 60 {
				n := 1 + round%tileRows
				w, stride := scattered(rng, typ, n, size)
				got := make([]packedRow, n+1)
				f.unpack(&got[0], &w[0], stride, n)
				for r := range n {
					var want quant.Super
					quant.UnpackSuper(typ, &want, w[r*stride:][:size])
					if err := f.differ(&got[r], &want); err != nil {
						t.Fatalf("row %d of %d: %v", r, n, err)
					}
				}
				if got[n] != (packedRow{}) {
					t.Fatalf("%d rows: wrote past the end", n)
				}
			}
		})
	}
}

// differ says what of a packed row is not as wanted.
func (f *superFormat) differ(got *packedRow, want *quant.Super) error {
	if got.q != want.Q {
		return fmt.Errorf("weights are %d, want %d", got.q, want.Q)
	}
	if got.d != want.D {
		return fmt.Errorf("D is %g, want %g", got.d, want.D)
	}
	if f.mins && got.dMin != want.DMin {
		return fmt.Errorf("DMin is %g, want %g", got.dMin, want.DMin)
	}
	for u := range 16 {
		at := u
		if f.wide {
			at = u / 2
		}
		if int32(got.s[at]) != int32(want.S[u]) {
			return fmt.Errorf("scale %d is %d, want %d", u, int32(got.s[at]), want.S[u])
		}
		if f.mins && got.m[at] != want.M[u] {
			return fmt.Errorf("minimum %d is %d, want %d", u, got.m[at], want.M[u])
		}
		if !f.mins && want.M[u] != 0 {
			return fmt.Errorf("minimum %d is %d, and the format is said to have none", u, want.M[u])
		}
	}
	return nil
}

// TestUnpackSmall is TestUnpackSuper for 32-weight blocks.
func TestUnpackSmall(t *testing.T) {
	needDotProd(t)
	for typ, f := range smallFormats {
		t.Run(typ.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(22, uint64(typ)))
			size := typ.BlockBytes()
			for round := range 128 {
				n, blocks := 1+round%tileRows, 1+round/tileRows%8
				w, stride := scattered(rng, typ, n, blocks*size)
				if typ == quant.MXFP4 { // every exponent, in turn
					for r := range n {
						w[r*stride] = byte(2*round + r)
					}
				}
				got := make([]packedRow, n+1)
				f.unpack(&got[0], &w[0], stride, n, blocks)
				for i := range n * blocks {
					r, b := i/blocks, i%blocks
					var want quant.Small
					quant.UnpackSmall(typ, &want, w[r*stride+b*size:][:size])
					if q := [32]int8(got[r].q[32*b:]); q != want.Q {
						t.Fatalf("row %d, block %d: weights are %d, want %d", r, b, q, want.Q)
					}
					d, minimum := math.Float32frombits(got[r].s[b]), math.Float32frombits(got[r].s[8+b])
					if d != want.D || minimum != want.Min {
						t.Fatalf("row %d, block %d: D and Min are %g and %g, want %g and %g", r, b, d, minimum, want.D, want.Min)
					}
				}
				if got[n] != (packedRow{}) {
					t.Fatalf("%d rows: wrote past the end", n)
				}
			}
		})
	}
}

// TestDotProdExact compares the products of every type with the definition, bit
// for bit: few rows and many, few vectors and more than a panel has, in the
// middle of a matrix, and with the largest integers of either sign.
func TestDotProdExact(t *testing.T) {
	needDotProd(t)
	for typ, k := range quantVersions["dotprod"] {
		if k.dot == nil {
			continue
		}
		typ := quant.Type(typ)
		t.Run(typ.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(23, uint64(typ)))
			for rows := 1; rows <= 18; rows++ {
				checkDotProd(t, rng, typ, k, rows, 1+rng.IntN(3), 1+rng.IntN(9))
			}
			for _, vectors := range []int{1, 2, 3, 4, 5, 6, 7, 8, 11, 128, 129, 131, 132} {
				checkDotProd(t, rng, typ, k, 9, 1, vectors)
			}
			checkDotProd(t, rng, typ, k, 40, 12, 5)
		})
	}
}

func checkDotProd(t *testing.T, rng *rand.Rand, typ quant.Type, k quantKernel, rows, blocks, vectors int) {
	t.Helper()
	cols := 256 * blocks
	if typ.BlockSize() == 32 {
		cols -= 32 * rng.IntN(8)
	}
	const r0, t0 = 16, 2 // what is before must stay
	m := Matrix{typ, r0 + rows, cols, randomWeights(rng, typ, (r0+rows)*cols)}
	a, _ := randomActs(rng, typ, t0+vectors, cols)
	if rng.IntN(2) == 0 {
		extremeProducts(rng, m, a)
	}
	got, want := make([]float32, m.Rows*a.Rows), make([]float32, m.Rows*a.Rows)
	define := matMulSuper
	if a.Form == FormQ8_0 {
		define = matMulSmall
	}
	s := new(Scratch)
	define(want, m.Rows, m, r0, m.Rows, a, t0, a.Rows, s)
	k.dot(got, m.Rows, m, r0, m.Rows, a, t0, a.Rows, s)
	for i := range want {
		if !same(got[i], want[i]) || got[i] != got[i] {
			t.Fatalf("[%d, %d] and %d vectors: row %d of vector %d is %g, want exactly %g", rows, cols, vectors, i%m.Rows-r0, i/m.Rows-t0, got[i], want[i])
		}
	}
}

// extremeProducts fills rows of m with one byte each, but for the scales, and a
// with activations of 127 and -127.
func extremeProducts(rng *rand.Rand, m Matrix, a *Acts) {
	size := m.Type.BlockBytes()
	for r := range m.Rows {
		v := []byte{0, 0xff, 0x80, 0x7f}[rng.IntN(4)]
		for row := m.row(r); len(row) > 0; row = row[size:] {
			block := row[:size]
			first := block[0]
			for i := range block {
				block[i] = v
			}
			for _, at := range scaleAt[m.Type] {
				binary.LittleEndian.PutUint16(block[at:], 0x2c00+uint16(rng.IntN(1024)))
			}
			switch m.Type {
			case quant.MXFP4:
				block[0] = first
			case quant.IQ1M: // the upper nibbles of four words
				for i, n := range []byte{0, 5, 0xa, 2} {
					block[48+2*i+1] = v&15 | n<<4
				}
			}
		}
	}
	for i := range a.Q {
		a.Q[i] = 127
		if rng.IntN(16) == 0 {
			a.Q[i] = -127
		}
	}
	group := a.Form.group()
	for i := range a.Sums {
		a.Sums[i] = 0
		for _, q := range a.Q[i*group : (i+1)*group] {
			a.Sums[i] += int16(q)
		}
	}
}

// TestDotProdNonFinite has an Inf in one of several vectors: its products, and
// no others, are NaN, see quant.QuantizeQ8_0.
func TestDotProdNonFinite(t *testing.T) {
	needDotProd(t)
	for typ, k := range quantVersions["dotprod"] {
		if k.dot == nil {
			continue
		}
		typ := quant.Type(typ)
		rng := rand.New(rand.NewPCG(24, uint64(typ)))
		m := Matrix{typ, 3, 512, randomWeights(rng, typ, 3*512)}
		for _, vectors := range []int{1, 5} {
			a, _ := randomActs(rng, typ, vectors, 512)
			x := vector(rng, 512)
			x[3], x[300] = float32(math.Inf(1)), float32(math.NaN())
			a.Set(vectors-1, x)
			got := make([]float32, 3*vectors)
			k.dot(got, 3, m, 0, 3, a, 0, vectors, new(Scratch))
			for i, y := range got {
				if bad := i/3 == vectors-1; (y != y) != bad {
					t.Errorf("%v: row %d of vector %d of %d is %g, want NaN: %v", typ, i%3, i/3, vectors, y, bad)
				}
			}
		}
	}
}

// TestMaxOfZeros has zeros of both signs, whose order decides.
func TestMaxOfZeros(t *testing.T) {
	negative := float32(math.Copysign(0, -1))
	for i := range 24 {
		x := make([]float32, 24)
		for j := range x {
			x[j] = negative
		}
		x[i] = 0
		if got, want := maxNEON(x), maxGeneric(x); !same(got, want) {
			t.Errorf("+0 in place %d: max is %g, want %g", i, got, want)
		}
	}
}
