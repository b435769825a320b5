package synth

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
)

// random is a stream of numbers that is the same on every platform.
type random struct{ rand.PCG }

// newRandom is the stream of one tensor of a model.
func newRandom(seed uint64, name string) *random {
	h := fnv.New64a()
	h.Write([]byte(name))
	r := new(random)
	r.Seed(seed, h.Sum64())
	return r
}

// bytes fills b.
func (r *random) bytes(b []byte) {
	for i := 0; i < len(b); i += 8 {
		v := r.Uint64()
		for j := i; j < min(i+8, len(b)); j++ {
			b[j] = byte(v)
			v >>= 8
		}
	}
}

// uniform is in [0, 1).
func (r *random) uniform() float64 { return float64(r.Uint64()>>11) / (1 << 53) }

// summands is how many uniform 16-bit numbers make a normal one.
const summands = 8

// twiceDeviation belongs to twice their sum, which can be centred in integers.
var twiceDeviation = 2 * math.Sqrt(summands*(1<<32-1)/12.0)

// normal has zero mean, unit variance and almost the normal distribution: it is
// a sum of uniform ones (Irwin and Hall's distribution). The
// usual methods call logarithms and exponentials, which differ in their last
// bit between processors. It stays within 4.9.
func (r *random) normal() float64 {
	var sum int64
	for range summands / 4 {
		v := r.Uint64()
		sum += int64(v&0xffff) + int64(v>>16&0xffff) + int64(v>>32&0xffff) + int64(v>>48)
	}
	return float64(2*sum-summands*0xffff) / twiceDeviation
}

// half rounds to the nearest IEEE 754 half-precision number, ties to even. It is
// for finite values; those that are too large become infinite.
func half(v float64) uint16 {
	b := math.Float32bits(float32(v))
	sign, mag := uint16(b>>16)&0x8000, b&0x7fffffff
	const (
		smallestNormal = 113 << 23 // 2^-14
		bias           = (127 - 15) << 23
	)
	if mag < smallestNormal {
		// Adding 1/2 as a float32 leaves the subnormal's bits at the bottom, rounded.
		f := math.Float32frombits(mag) + 0.5
		return sign | uint16(math.Float32bits(f)-math.Float32bits(0.5))
	}
	mag += 0xfff + mag>>13&1 - bias
	return sign | uint16(min(mag>>13, 0x7c00))
}
