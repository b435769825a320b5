package quant

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// golden is the vectors of one type; testdata/README.md describes the file.
type golden struct {
	blocks  []byte
	weights []float32
	hidden  []byte            // blocks
	hash    [sha256.Size]byte // of the weights of hidden
}

// readGolden reads the vectors of a type that has them.
func readGolden(tb testing.TB, t Type) golden {
	tb.Helper()
	r := readVectors(tb, t.String())
	var g golden
	n := r.count()
	g.blocks = r.bytes(n * t.BlockBytes())
	g.weights = r.floats(n * t.BlockSize())
	g.hidden = r.bytes(r.count() * t.BlockBytes())
	copy(g.hash[:], r.bytes(len(g.hash)))
	r.end()
	return g
}

// vectors reads a file of vectors field by field.
type vectors struct {
	tb   testing.TB
	name string
	data []byte
}

func readVectors(tb testing.TB, name string) *vectors {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".bin"))
	if err != nil {
		tb.Fatalf("no vectors, which bench/quantgold makes: %v", err)
	}
	return &vectors{tb, name, data}
}

func (v *vectors) bytes(n int) []byte {
	v.tb.Helper()
	if len(v.data) < n {
		v.tb.Fatalf("vectors of %s: %d bytes left, want %d", v.name, len(v.data), n)
	}
	b := v.data[:n]
	v.data = v.data[n:]
	return b
}

func (v *vectors) count() int { return int(binary.LittleEndian.Uint32(v.bytes(4))) }

func (v *vectors) floats(n int) []float32 {
	b := v.bytes(4 * n)
	x := make([]float32, n)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return x
}

func (v *vectors) end() {
	v.tb.Helper()
	if len(v.data) != 0 {
		v.tb.Fatalf("vectors of %s: %d bytes at the end", v.name, len(v.data))
	}
}

// TestDequantizeGolden compares every type with llama.cpp's decoder, bit for
// bit.
func TestDequantizeGolden(t *testing.T) {
	for _, typ := range Types() {
		t.Run(typ.String(), func(t *testing.T) {
			g := readGolden(t, typ)
			if len(g.weights) < 5*typ.BlockSize() || len(g.hidden) < 64*typ.BlockBytes() {
				t.Fatalf("%d weights and %d bytes of hashed blocks are too few", len(g.weights), len(g.hidden))
			}
			y := make([]float32, len(g.weights))
			Dequantize(typ, y, g.blocks)
			for i, want := range g.weights {
				if math.Float32bits(y[i]) != math.Float32bits(want) {
					t.Fatalf("block %d, weight %d is %g, want exactly %g", i/typ.BlockSize(), i%typ.BlockSize(), y[i], want)
				}
			}
			y = make([]float32, len(g.hidden)/typ.BlockBytes()*typ.BlockSize())
			Dequantize(typ, y, g.hidden)
			var b bytes.Buffer
			if err := binary.Write(&b, binary.LittleEndian, y); err != nil {
				t.Fatal(err)
			}
			if got := sha256.Sum256(b.Bytes()); got != g.hash {
				t.Errorf("hash of %d weights is %x, want %x", len(y), got, g.hash)
			}
		})
	}
}

// TestQuantizeGolden compares activations with llama.cpp's quantisers.
func TestQuantizeGolden(t *testing.T) {
	for _, c := range []struct {
		name         string
		block, group int
		quantize     func(q []int8, d []float32, sums []int16, x []float32)
		read         func(v *vectors) (d float32, q []byte, sums []int16)
	}{
		{"Q8_0", 32, 32, QuantizeQ8_0, readQ8_0},
		{"Q8_K", 256, 16, QuantizeQ8_K, readQ8_K},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := readVectors(t, "activations_"+c.name)
			n := v.count()
			x := v.floats(n * c.block)
			q, d, sums := make([]int8, len(x)), make([]float32, n), make([]int16, len(x)/c.group)
			for i := range q { // results are to replace what was there
				q[i], d[i/c.block], sums[i/c.group] = 99, 99, 99
			}
			c.quantize(q, d, sums, x)
			for b := range n {
				wantD, wantQ, wantSums := c.read(v)
				if math.Float32bits(d[b]) != math.Float32bits(wantD) {
					t.Errorf("block %d: d is %g, want exactly %g", b, d[b], wantD)
				}
				for i := range wantQ {
					if got := q[b*c.block+i]; got != int8(wantQ[i]) {
						t.Fatalf("block %d, activation %d (%g): q is %d, want %d", b, i, x[b*c.block+i], got, int8(wantQ[i]))
					}
				}
				got := sums[b*len(wantSums):][:len(wantSums)]
				if fmt.Sprint(got) != fmt.Sprint(wantSums) {
					t.Errorf("block %d: sums are %d, want %d", b, got, wantSums)
				}
			}
			v.end()
		})
	}
}

// readQ8_0 reads a block that has no sum of its own.
func readQ8_0(v *vectors) (d float32, q []byte, sums []int16) {
	d, q = half(v.bytes(2)), v.bytes(32)
	sum := int16(0)
	for _, n := range q {
		sum += int16(int8(n))
	}
	return d, q, []int16{sum}
}

func readQ8_K(v *vectors) (d float32, q []byte, sums []int16) {
	d, q = v.floats(1)[0], v.bytes(256)
	for b := v.bytes(32); len(b) > 0; b = b[2:] {
		sums = append(sums, int16(binary.LittleEndian.Uint16(b)))
	}
	return d, q, sums
}
