package quant

import (
	"testing"
)

// weightsABench is the weights that one operation handles, a row of the model.
const weightsABench = 5120

// BenchmarkUnpack measures the integer form of a row, in bytes of weights.
func BenchmarkUnpack(b *testing.B) {
	for _, typ := range packed() {
		b.Run(typ.String(), func(b *testing.B) {
			row, size := benchRow(b, typ), typ.BlockBytes()
			var small Small
			var super Super
			for b.Loop() {
				for at := 0; at < len(row); at += size {
					if typ.BlockSize() == 32 {
						UnpackSmall(typ, &small, row[at:at+size])
					} else {
						UnpackSuper(typ, &super, row[at:at+size])
					}
				}
			}
			perWeight(b)
		})
	}
}

// BenchmarkDequantize measures the plain decoders.
func BenchmarkDequantize(b *testing.B) {
	y := make([]float32, weightsABench)
	for _, typ := range Types() {
		b.Run(typ.String(), func(b *testing.B) {
			row := benchRow(b, typ)
			for b.Loop() {
				Dequantize(typ, y, row)
			}
			perWeight(b)
		})
	}
}

// BenchmarkQuantize measures activations.
func BenchmarkQuantize(b *testing.B) {
	x, q := make([]float32, weightsABench), make([]int8, weightsABench)
	for i := range x {
		x[i] = float32(i%251-125) / 50
	}
	d, sums := make([]float32, weightsABench/32), make([]int16, weightsABench/16)
	b.Run("Q8_0", func(b *testing.B) {
		for b.Loop() {
			QuantizeQ8_0(q, d, sums, x)
		}
		perWeight(b)
	})
	b.Run("Q8_K", func(b *testing.B) {
		for b.Loop() {
			QuantizeQ8_K(q, d, sums, x)
		}
		perWeight(b)
	})
}

// benchRow is a row of golden blocks.
func benchRow(b *testing.B, t Type) []byte {
	hidden, row := readGolden(b, t).hidden, make([]byte, t.RowBytes(weightsABench))
	for at := 0; at < len(row); {
		at += copy(row[at:], hidden)
	}
	b.SetBytes(int64(len(row)))
	return row
}

func perWeight(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/weightsABench, "ns/weight")
}
