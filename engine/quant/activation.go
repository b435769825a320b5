package quant

import "math"

// QuantizeQ8_0 quantises activations for products with 32-weight blocks. For
// each 32 of x, activation i is about d*q[i]: d is the largest magnitude divided
// by 127 and rounded to half precision, because the format stores it so, but q
// is rounded (halves away from zero) with the unrounded d. sums has the sum of
// the 32 of q. These are the integers and scales of ggml's
// quantize_row_q8_0_ref.
//
// len(x) is a multiple of 32, len(q) is len(x), len(d) and len(sums) are
// len(x)/32. A NaN becomes 0. With an Inf, d is Inf and q is 0, so that products
// with the block are NaN.
func QuantizeQ8_0(q []int8, d []float32, sums []int16, x []float32) {
	for b := range len(x) / 32 {
		d[b], sums[b] = quantizeBlockQ8_0((*[32]int8)(q[32*b:]), (*[32]float32)(x[32*b:]))
	}
}

func quantizeBlockQ8_0(q *[32]int8, x *[32]float32) (d float32, sum int16) {
	var largest float32
	for _, v := range x {
		if a := magnitude(v); a > largest {
			largest = a
		}
	}
	d = largest / 127
	var inverse float32
	if d != 0 {
		inverse = 1 / d
	}
	for i, v := range x {
		q[i] = roundAway(float32(v * inverse))
		sum += int16(q[i])
	}
	return F16ToF32(F32ToF16(d)), sum
}

// QuantizeQ8_K quantises activations for products with 256-weight blocks. For
// each 256 of x, activation i is about d*q[i]: the first element of the largest
// magnitude becomes -127, the others follow in proportion, halves rounded to
// even. d is a float32, of the other sign than that element. sums has the sums
// of 16 of q. These are the integers and scales of ggml's quantize_row_q8_K_ref.
//
// len(x) is a multiple of 256, len(q) is len(x), len(d) is len(x)/256 and
// len(sums) is len(x)/16. A NaN becomes 0. With an Inf, d is infinite and q is 0,
// so that products with the block are NaN.
func QuantizeQ8_K(q []int8, d []float32, sums []int16, x []float32) {
	for b := range len(x) / 256 {
		d[b] = quantizeBlockQ8_K((*[256]int8)(q[256*b:]), (*[16]int16)(sums[16*b:]), (*[256]float32)(x[256*b:]))
	}
}

func quantizeBlockQ8_K(q *[256]int8, sums *[16]int16, x *[256]float32) (d float32) {
	var largest, extreme float32
	for _, v := range x {
		if a := magnitude(v); a > largest {
			largest, extreme = a, v
		}
	}
	if largest == 0 {
		*q, *sums = [256]int8{}, [16]int16{}
		return 0
	}
	scale := -127 / extreme
	for u := range sums {
		var sum int16
		for i := 16 * u; i < 16*u+16; i++ {
			q[i] = roundEven(float32(scale * x[i]))
			sum += int16(q[i])
		}
		sums[u] = sum
	}
	return 1 / scale
}

// magnitude is |v|.
func magnitude(v float32) float32 {
	return math.Float32frombits(math.Float32bits(v) & 0x7fffffff)
}

// Scaled activations are within rounding of -127 to 127, unless there was an Inf
// or a NaN, or the magnitudes are so small (below 4e-37) that the inverse of
// their scale is Inf. No integer is right for those and 0 stands for them. The
// conversion of such floats would differ from processor to processor.
const limitQ8 = 127.5

// roundAway is the integer nearest v, halves away from zero.
func roundAway(v float32) int8 {
	if !(magnitude(v) < limitQ8) {
		return 0
	}
	// In float64 the sum is exact wherever it is near an integer; the conversion
	// cuts towards zero.
	return int8(int32(float64(v) + math.Copysign(0.5, float64(v))))
}

// roundEven is the integer nearest v, halves to even.
func roundEven(v float32) int8 {
	if !(magnitude(v) < limitQ8) {
		return 0
	}
	// The last bit of floats between 2^23 and 2^24 is worth 1.
	const shift = 3 << 22
	return int8(int32(math.Float32bits(v+shift)) - 0x4b400000)
}
