package synth

import (
	"encoding/binary"
	"math"

	"scout/engine/quant"
)

// format is how random bytes become a valid block with weights of a wanted
// size. A format without scales writes single weights.
type format struct {
	// deviation is that of the weights when all bytes are random and the scale
	// is 1: the root of the mean square that follows from the type's formula and,
	// for the IQ types, from its codebook.
	deviation float64
	scales    func(b []byte, r *random, d float64)
}

// at puts the scale at an offset.
func at(o int) func([]byte, *random, float64) {
	return func(b []byte, _ *random, d float64) { put(b, o, d) }
}

// signedAt puts it there with either sign, as quantisers do whose integers
// reach further on one side of zero. It centres the weights.
func signedAt(o int) func([]byte, *random, float64) {
	return func(b []byte, r *random, d float64) {
		if r.Uint64()&1 == 1 {
			d = -d
		}
		put(b, o, d)
	}
}

// atWith puts the scale at one offset and a multiple of it at another: the
// minimum that centres the weights.
func atWith(o, oMin int, times float64) func([]byte, *random, float64) {
	return func(b []byte, _ *random, d float64) {
		put(b, o, d)
		put(b, oMin, d*times)
	}
}

func put(b []byte, o int, v float64) { binary.LittleEndian.PutUint16(b[o:], half(v)) }

// formats has every type that quant decodes, except the float types. Offsets
// are those of ggml's block structures.
var formats = map[quant.Type]format{
	quant.Q4_0:   {4.637, signedAt(0)},
	quant.Q4_1:   {4.610, atWith(0, 2, -7.5)},
	quant.Q5_0:   {9.247, signedAt(0)},
	quant.Q5_1:   {9.233, atWith(0, 2, -15.5)},
	quant.Q8_0:   {73.90, q8_0},
	quant.Q2_K:   {13.87, atWith(80, 82, 1.5)},
	quant.Q3_K:   {43.34, signedAt(108)},
	quant.Q4_K:   {258.3, atWith(0, 2, 7.5)},
	quant.Q5_K:   {526.9, atWith(0, 2, 15.5)},
	quant.Q6_K:   {1366, signedAt(208)},
	quant.IQ1S:   {7.200, at(0)},
	quant.IQ1M:   {7.200, iq1m},
	quant.IQ2XXS: {53.36, at(0)},
	quant.IQ2XS:  {55.90, at(0)},
	quant.IQ2S:   {56.39, at(0)},
	quant.IQ3XXS: {142.4, at(0)},
	quant.IQ3S:   {140.2, at(0)},
	quant.IQ4NL:  {67.44, signedAt(0)},
	quant.IQ4XS:  {1246, signedAt(0)},
	quant.TQ1_0:  {0.8165, tq1},
	quant.TQ2_0:  {0.7071, tq2},
	quant.MXFP4:  {5.852, mxfp4},
}

// Scales of the blocks of one tensor differ, by a factor that is uniform
// between these. The mean of its square is 1.03, which is near enough.
const lowScale, highScale = 0.7, 1.3

// fillBlocks writes random blocks with weights of standard deviation sd.
func fillBlocks(b []byte, r *random, t quant.Type, sd float64) {
	f, size := formats[t], t.BlockBytes()
	d := sd / f.deviation
	for ; len(b) > 0; b = b[size:] {
		r.bytes(b[:size])
		f.scales(b[:size], r, d*(lowScale+float64((highScale-lowScale)*r.uniform())))
	}
}

// fillFloats writes single weights of a float type, from weight first on.
func fillFloats(b []byte, r *random, t tensor, first int) {
	size := t.typ.BlockBytes()
	for i := first; len(b) > 0; i++ {
		v := float64(r.normal() * t.sd)
		if t.add != nil {
			v += t.add(i)
		}
		switch t.typ {
		case quant.F16:
			binary.LittleEndian.PutUint16(b, half(v))
		case quant.BF16:
			bits := math.Float32bits(float32(v))
			binary.LittleEndian.PutUint16(b, uint16((bits+0x7fff+bits>>16&1)>>16)) // to nearest even
		default:
			binary.LittleEndian.PutUint32(b, math.Float32bits(float32(v)))
		}
		b = b[size:]
	}
}

// q8_0 takes out -128, which no quantiser writes and fast kernels may not expect.
func q8_0(b []byte, _ *random, d float64) {
	put(b, 0, d)
	for i, q := range b[2:] {
		if q == 0x80 {
			b[2+i] = 0x81
		}
	}
}

// iq1m spreads the bits of its scale over the top four bits of four words.
func iq1m(b []byte, _ *random, d float64) {
	bits := half(d)
	for i := range 4 {
		hi := &b[48+2*i+1]
		*hi = *hi&0x0f | byte(bits>>(4*i))<<4
	}
}

// tq1 writes five base-3 digits a byte, as the next fraction of 256 that is not
// less than n/243. The last four bytes have four digits each, which is five with
// a zero at the end.
func tq1(b []byte, _ *random, d float64) {
	for i, v := range b[:52] {
		n := int(v) * 243 / 256
		if i >= 48 {
			n -= n % 3
		}
		b[i] = byte((n*256 + 242) / 243)
	}
	put(b, 52, d)
}

// tq2 writes 2-bit digits 0 to 2, for -1 to 1: the fourth value is no ternary
// weight and becomes a zero.
func tq2(b []byte, _ *random, d float64) {
	for i, v := range b[:64] {
		b[i] = v &^ (v << 1 & 0xaa) // 3 becomes 1
	}
	put(b, 64, d)
}

// mxfp4 has a power of two for a scale. It takes the next lower or the next
// higher one, as often as makes the mean square right.
func mxfp4(b []byte, r *random, d float64) {
	frac, exp := math.Frexp(d) // d = frac * 2^exp with frac in [1/2, 1)
	e := exp - 1 + 128         // the weights are twice the FP4 values, so 2^(e-128)
	high := (float64(4*frac*frac) - 1) / 3
	if r.uniform() < high {
		e++
	}
	b[0] = byte(min(max(e, 0), 254)) // 255 is not a number
}
