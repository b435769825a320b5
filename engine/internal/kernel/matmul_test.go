package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"scout/engine/quant"
)

// use makes f the version in use until the test ends.
func use(t *testing.T, f *floats) {
	before := best
	best = f
	t.Cleanup(func() { best = before })
}

// floatTypes are the weight types that are multiplied as floats.
var floatTypes = []quant.Type{quant.F32, quant.F16, quant.BF16}

// TestMatMulFloats compares products of every width with float64.
func TestMatMulFloats(t *testing.T) {
	eachVersion(t, func(t *testing.T, f *floats) {
		use(t, f)
		for _, typ := range floatTypes {
			rng := rand.New(rand.NewPCG(8, uint64(typ)))
			for cols := 1; cols <= longest; cols++ {
				rows, vectors := 1+cols%19, 1+cols%7
				if cols > 40 && cols%8 > 1 {
					continue // the tails were seen
				}
				testMatMulFloats(t, rng, typ, rows, cols, vectors)
			}
			testMatMulFloats(t, rng, typ, 70, 1100, 2*96+2)
			testMatMulFloats(t, rng, typ, 20, 1500, 14)
		}
	})
}

func testMatMulFloats(t *testing.T, rng *rand.Rand, typ quant.Type, rows, cols, vectors int) {
	t.Helper()
	m := Matrix{typ, rows, cols, randomWeights(rng, typ, rows*cols)}
	a, x := randomActs(rng, typ, vectors, cols)
	got := product(m, a)
	w := make([]float32, cols)
	for r := range rows {
		widen(typ, w, m.row(r))
		for v := range vectors {
			var want, size float64
			for i := range w {
				p := float64(w[i]) * float64(x[v*cols+i])
				want += p
				size += math.Abs(p)
			}
			if y := got[v*rows+r]; math.Abs(float64(y)-want) > 1e-6*size {
				t.Fatalf("%v [%d, %d]: row %d, vector %d is %g, want %g", typ, rows, cols, r, v, y, want)
			}
		}
	}
}

// product is the whole product [vectors, rows] in one call.
func product(m Matrix, a *Acts) []float32 {
	dst := make([]float32, a.Rows*m.Rows)
	MatMul(dst, m.Rows, m, 0, m.Rows, a, 0, a.Rows, new(Scratch))
	return dst
}

// TestMatMulAlone holds every weight type to the promise that the batch is of
// no consequence: a row and a vector have the same product however the work is
// cut, to the bit.
func TestMatMulAlone(t *testing.T) {
	for _, typ := range quant.Types() {
		t.Run(typ.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(9, uint64(typ)))
			for _, c := range []struct{ rows, cols, vectors int }{{50, 512, 11}, {33, 1024, 101}, {16, 256, 4}} {
				m := Matrix{typ, c.rows, c.cols, randomWeights(rng, typ, c.rows*c.cols)}
				a, _ := randomActs(rng, typ, c.vectors, c.cols)
				testMatMulAlone(t, rng, m, a)
			}
			if FormOf(typ) == FormF32 { // any width will do
				for _, c := range []struct{ rows, cols, vectors int }{{40, 588, 9}, {141, 1500, 130}, {261, 1409, 14}, {16, 8, 125}, {17, 7, 13}} {
					m := Matrix{typ, c.rows, c.cols, randomWeights(rng, typ, c.rows*c.cols)}
					a, _ := randomActs(rng, typ, c.vectors, c.cols)
					testMatMulAlone(t, rng, m, a)
				}
			}
		})
	}
}

func testMatMulAlone(t *testing.T, rng *rand.Rand, m Matrix, a *Acts) {
	t.Helper()
	want := product(m, a)
	check := func(cut string, got []float32) {
		t.Helper()
		for i := range want {
			if !same(got[i], want[i]) || got[i] != got[i] {
				t.Fatalf("[%d, %d] with %d vectors, %s: row %d of vector %d is %g, want exactly %g", m.Rows, m.Cols, a.Rows, cut, i%m.Rows, i/m.Rows, got[i], want[i])
			}
		}
	}
	s := new(Scratch) // used for all that follows, as a worker does
	got := make([]float32, len(want))
	for v := range a.Rows {
		MatMul(got, m.Rows, m, 0, m.Rows, a, v, v+1, s)
	}
	check("one vector at a time", got)
	clear(got)
	for r := 0; r < m.Rows; r += 16 {
		MatMul(got, m.Rows, m, r, min(r+16, m.Rows), a, 0, a.Rows, s)
	}
	check("16 rows at a time", got)
	clear(got)
	for v := 0; v < a.Rows; {
		n := min(1+rng.IntN(9), a.Rows-v)
		for r := 0; r < m.Rows; r += 32 {
			MatMul(got, m.Rows, m, r, min(r+32, m.Rows), a, v, v+n, s)
		}
		v += n
	}
	check("pieces of both", got)
	// A wider result: elements outside the product stay.
	wide := make([]float32, a.Rows*(m.Rows+5))
	for i := range wide {
		wide[i] = 777
	}
	MatMul(wide, m.Rows+5, m, 0, m.Rows, a, 0, a.Rows, s)
	for v := range a.Rows {
		copy(got[v*m.Rows:], wide[v*(m.Rows+5):][:m.Rows])
		for _, y := range wide[v*(m.Rows+5)+m.Rows:][:5] {
			if y != 777 {
				t.Fatalf("vector %d: wrote %g past the rows", v, y)
			}
		}
	}
	check("with a gap between vectors", got)
}

// TestMatMulQuantised compares the definition of quantised products with the
// decoded weights and activations in float64.
func TestMatMulQuantised(t *testing.T) {
	for _, typ := range quant.Types() {
		form := FormOf(typ)
		if form == FormF32 {
			continue
		}
		t.Run(typ.String(), func(t *testing.T) {
			const rows, cols, vectors = 16, 1024, 3
			rng := rand.New(rand.NewPCG(10, uint64(typ)))
			m := Matrix{typ, rows, cols, randomWeights(rng, typ, rows*cols)}
			a, _ := randomActs(rng, typ, vectors, cols)
			got := product(m, a)
			w := make([]float32, cols)
			for r := range rows {
				quant.Dequantize(typ, w, m.row(r))
				for v := range vectors {
					var want, size float64
					for i := range w {
						at := v*cols + i
						p := float64(w[i]) * float64(a.D[at/form.block()]) * float64(a.Q[at])
						want += p
						size += math.Abs(p)
					}
					if y := got[v*rows+r]; math.Abs(float64(y)-want) > 1e-6*size {
						t.Fatalf("row %d, vector %d is %g, want %g", r, v, y, want)
					}
				}
			}
		})
	}
}
