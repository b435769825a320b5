package quant

import (
	"math"
	"testing"
)

// TestHalfPower goes through every exponent, of which the two lowest are
// subnormal.
func TestHalfPower(t *testing.T) {
	for e := range 256 {
		if got, want := float64(halfPower(byte(e))), math.Ldexp(1, e-128); got != want {
			t.Errorf("exponent %d is %g, want %g", e, got, want)
		}
	}
}
