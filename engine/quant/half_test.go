package quant

import (
	"math"
	"math/rand/v2"
	"testing"
)

// floatFormat is an IEEE 754 binary format of 16 bits.
type floatFormat struct {
	name     string
	mantissa int // bits
	bias     int
	widen    func(uint16) float32
	narrow   func(float32) uint16
}

var floatFormats = []floatFormat{
	{"F16", 10, 15, F16ToF32, F32ToF16},
	{"BF16", 7, 127, BF16ToF32, F32ToBF16},
}

// value is what the standard says that the bits of h mean.
func (f floatFormat) value(h uint16) float64 {
	sign := 1 - 2*float64(h>>15)
	exponent := int(h&0x7fff) >> f.mantissa
	fraction := float64(h&(1<<f.mantissa-1)) / float64(int(1)<<f.mantissa)
	switch {
	case exponent == 0x7fff>>f.mantissa && fraction != 0:
		return math.NaN()
	case exponent == 0x7fff>>f.mantissa:
		return math.Inf(int(sign))
	case exponent == 0:
		return sign * math.Ldexp(fraction, 1-f.bias)
	}
	return sign * math.Ldexp(1+fraction, exponent-f.bias)
}

// nearest is x rounded to a value of the format: to a multiple of the last
// place, or Inf from half a place beyond the largest value.
func (f floatFormat) nearest(x float64) float64 {
	_, exponent := math.Frexp(x)
	place := math.Ldexp(1, max(exponent-1, 1-f.bias)-f.mantissa)
	y := math.RoundToEven(x/place) * place
	if math.Abs(y) >= math.Ldexp(1, f.bias+1) {
		return math.Inf(int(math.Copysign(1, x)))
	}
	return y
}

// TestWiden goes through all 65536 values, there and back.
func TestWiden(t *testing.T) {
	for _, f := range floatFormats {
		for h := range 1 << 16 {
			got, want := f.widen(uint16(h)), f.value(uint16(h))
			if math.IsNaN(want) {
				back := f.narrow(got)
				if got == got || !math.IsNaN(f.value(back)) || back>>15 != uint16(h>>15) {
					t.Fatalf("%s: %#04x is %g and back %#04x, want NaN of its sign", f.name, h, got, back)
				}
				continue
			}
			if float64(got) != want || math.Signbit(float64(got)) != math.Signbit(want) {
				t.Fatalf("%s: %#04x is %g, want %g", f.name, h, got, want)
			}
			if back := f.narrow(got); back != uint16(h) {
				t.Fatalf("%s: %#04x is %g and back %#04x", f.name, h, got, back)
			}
		}
	}
}

// TestNarrow rounds the neighbourhood of every value: half way to the next, and
// the float32 on both sides of that; and random floats.
func TestNarrow(t *testing.T) {
	for _, f := range floatFormats {
		check := func(x float32) {
			t.Helper()
			got := f.value(f.narrow(x))
			if want := f.nearest(float64(x)); got != want || math.Signbit(got) != math.Signbit(float64(x)) {
				t.Fatalf("%s: %g becomes %g, want %g", f.name, x, got, want)
			}
		}
		top := 1<<15 - 1<<f.mantissa // Inf
		for h := range top {
			step := f.value(uint16(h)) - f.value(uint16(max(h-1, 0)))
			if h < 2<<f.mantissa {
				step = f.value(1)
			} else if h&(1<<f.mantissa-1) == 0 {
				step *= 2 // places double here
			}
			middle := float32(f.value(uint16(h)) + step/2)
			for _, x := range []float32{middle, math.Nextafter32(middle, 0), math.Nextafter32(middle, math.MaxFloat32)} {
				check(x)
				check(-x)
			}
		}
		rng := rand.New(rand.NewPCG(3, 3))
		for range 200_000 {
			if x := math.Float32frombits(rng.Uint32()); x == x && !math.IsInf(float64(x), 0) {
				check(x)
			}
		}
	}
}

// TestNarrowNaN: a NaN must not become Inf, whatever its payload.
func TestNarrowNaN(t *testing.T) {
	for _, f := range floatFormats {
		for _, payload := range []uint32{1, 1 << 12, 1 << 15, 1 << 16, 1 << 22, 1<<23 - 1} {
			for _, sign := range []uint32{0, 1 << 31} {
				bits := sign | 0x7f800000 | payload
				h := f.narrow(math.Float32frombits(bits))
				if !math.IsNaN(f.value(h)) || uint32(h)>>15 != bits>>31 {
					t.Errorf("%s: %#08x becomes %#04x, want NaN of its sign", f.name, bits, h)
				}
			}
		}
		if h := f.narrow(float32(math.Inf(-1))); f.value(h) != math.Inf(-1) {
			t.Errorf("%s: -Inf becomes %#04x", f.name, h)
		}
	}
}

// TestNarrowQuiet holds NaNs to the bits that conversion instructions give.
func TestNarrowQuiet(t *testing.T) {
	nan := math.Float32frombits(0xffa5e001)
	if got, want := F32ToF16(nan), uint16(0xff2f); got != want {
		t.Errorf("F16: %#04x, want %#04x", got, want)
	}
	if got, want := F32ToBF16(nan), uint16(0xffe5); got != want {
		t.Errorf("BF16: %#04x, want %#04x", got, want)
	}
}
