package cpu

import "testing"

// TestSumBytesSeesEveryByte changes one byte at a time, at every length round the
// loop's stride.
func TestSumBytesSeesEveryByte(t *testing.T) {
	for n := range 200 {
		b := make([]byte, n)
		for i := range b {
			b[i] = 1
			if sumBytes(b) == 0 {
				t.Errorf("byte %d of %d is not read", i, n)
			}
			b[i] = 0
		}
	}
}
