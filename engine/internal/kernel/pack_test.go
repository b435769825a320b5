//go:build !noasm

package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"scout/engine/quant"
)

// packs skips unless the machine has kernels for packed activations.
func packs(t *testing.T) {
	t.Helper()
	if packer == nil {
		t.Skip("no kernels for packed activations on this machine: it has no AMX, or the operating system does not allow it")
	}
}

// TestMatMulPackedAlone holds products with packed activations to the promise that
// the batch, its tiles and the other rows are of no consequence, to the bit.
func TestMatMulPackedAlone(t *testing.T) {
	packs(t)
	for typ := range packer.types {
		rng := rand.New(rand.NewPCG(31, uint64(typ)))
		for _, c := range []struct{ rows, cols, vectors int }{{50, 512, 11}, {33, 1024, 101}, {16, 256, 4}, {7, 256, 20}} {
			m := Matrix{typ, c.rows, c.cols, randomWeights(rng, typ, c.rows*c.cols)}
			a, _ := randomActs(rng, typ, c.vectors, c.cols)
			testMatMulPackedAlone(t, rng, m, a)
		}
	}
}

func testMatMulPackedAlone(t *testing.T, rng *rand.Rand, m Matrix, a *Acts) {
	t.Helper()
	want := definition(m, a)
	got := make([]float32, a.Rows*(m.Rows+3)) // elements outside the product stay
	for i := range got {
		got[i] = 777
	}
	s := new(Scratch)
	tile := 0
	for v := 0; v < a.Rows; {
		n := min(1+rng.IntN(40), a.Rows-v)
		a.ReserveTiles(tile + Tiles(n))
		for i := 0; i < n; i += TileVectors {
			a.Pack(tile+i/TileVectors, v+i, min(v+i+TileVectors, v+n))
		}
		for r := 0; r < m.Rows; r += 32 {
			MatMulPacked(got, m.Rows+3, m, r, min(r+32, m.Rows), a, v, v+n, tile, s)
		}
		v += n
	}
	for v := range a.Rows {
		for r, y := range got[v*(m.Rows+3):][:m.Rows+3] {
			if r >= m.Rows && y != 777 {
				t.Fatalf("%v [%d, %d]: vector %d: wrote %g past the rows", m.Type, m.Rows, m.Cols, v, y)
			}
			if r < m.Rows && math.Float32bits(y) != math.Float32bits(want[v*m.Rows+r]) {
				t.Fatalf("%v [%d, %d]: row %d of vector %d is %g, want exactly %g", m.Type, m.Rows, m.Cols, r, v, y, want[v*m.Rows+r])
			}
		}
	}
}

// TestPack compares packed activations with their description.
func TestPack(t *testing.T) {
	packs(t)
	rng := rand.New(rand.NewPCG(32, 1))
	for vectors := 1; vectors <= TileVectors; vectors++ {
		a := integerActs(rng, quant.Q4_K, vectors+2, 512, randomIntegers)
		a.ReserveTiles(2)
		a.Pack(1, 2, 2+vectors)
		for b := range 2 {
			testPacked(t, a, a.block(1, b), b, 2, vectors)
		}
	}
}

func testPacked(t *testing.T, a *Acts, got *[packBytes]byte, b, t0, vectors int) {
	t.Helper()
	for v := range vectors {
		at := (t0+v)*a.Cols + 256*b
		for i, want := range a.Q[at : at+256] {
			if q := int8(got[i/64*1024+i%64/4*64+4*v+i%4]); q != want {
				t.Fatalf("activation %d of vector %d is %d, want %d", i, v, q, want)
			}
		}
		for i := range 8 {
			want := int16(0)
			for _, q := range a.Q[at+32*i : at+32*i+32] {
				want += int16(q)
			}
			if sum := *(*int16)(unsafe.Pointer(&got[packSums+i/2*64+4*v+i%2*2])); sum != want {
				t.Fatalf("sum %d of vector %d is %d, want %d", i, v, sum, want)
			}
		}
		if d := *(*float32)(unsafe.Pointer(&got[packD+4*v])); d != a.D[(t0+v)*a.Cols/256+b] {
			t.Fatalf("scale of vector %d is %g, want %g", v, d, a.D[(t0+v)*a.Cols/256+b])
		}
	}
	for i := vectors; i < TileVectors; i++ {
		if d := *(*float32)(unsafe.Pointer(&got[packD+4*i])); d != 0 {
			t.Fatalf("scale of vector %d of %d is %g, want 0", i, vectors, d)
		}
	}
}
