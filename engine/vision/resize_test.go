package vision

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestResizeGolden is equal to Pillow, to the bit.
func TestResizeGolden(t *testing.T) {
	for _, tt := range cases(t).Resize {
		name := fmt.Sprintf("%dx%d to %dx%d", tt.Width, tt.Height, tt.ToWidth, tt.ToHeight)
		got := resize(tt.Pix, tt.Width, tt.Height, tt.ToWidth, tt.ToHeight, bilinear)
		if bytes.Equal(got, tt.Want) {
			continue
		}
		for i := range min(len(got), len(tt.Want)) {
			if got[i] != tt.Want[i] {
				t.Errorf("%s: sample %d of %d is %d, want %d", name, i, len(got), got[i], tt.Want[i])
				break
			}
		}
		if len(got) != len(tt.Want) {
			t.Errorf("%s: %d samples, want %d", name, len(got), len(tt.Want))
		}
	}
}

// TestResizeByHand has rows whose weights are easily worked out: making 4 samples 2, the
// filter is 4 wide, and 3/4, 3/4 and 1/4 fall into the picture; making 2 samples 4, a
// sample is 3/4 of the nearer and 1/4 of the other, and at the ends there is no other.
func TestResizeByHand(t *testing.T) {
	tests := []struct{ from, want []byte }{
		{[]byte{70, 0, 0, 0}, []byte{30, 0}},
		{[]byte{0, 70, 0, 0}, []byte{30, 10}},
		{[]byte{100, 200}, []byte{150}},
		{[]byte{100, 201}, []byte{151}}, // the half goes up
		{[]byte{100, 200}, []byte{100, 125, 175, 200}},
		{[]byte{255, 255, 255, 255, 255}, []byte{255, 255, 255}},
		{[]byte{9}, []byte{9, 9, 9}},
		{[]byte{1, 2, 3}, []byte{1, 2, 3}},
	}
	for _, tt := range tests {
		row, want := triple(tt.from), triple(tt.want)
		if got := resize(row, len(tt.from), 1, len(tt.want), 1, bilinear); !bytes.Equal(got, want) {
			t.Errorf("row %v is %v, want %v", tt.from, got, want)
		}
		if got := resize(row, 1, len(tt.from), 1, len(tt.want), bilinear); !bytes.Equal(got, want) {
			t.Errorf("column %v is %v, want %v", tt.from, got, want)
		}
	}
}

func triple(gray []byte) (rgb []byte) {
	for _, v := range gray {
		rgb = append(rgb, v, v, v)
	}
	return rgb
}

// TestResizeReference holds random sizes against the filter in float64, over both axes
// at once and without rounding. Two roundings to 8 bits, after each axis, put the result
// within one level of it, and the fixed point of the weights hardly farther.
func TestResizeReference(t *testing.T) {
	const within = 1.01
	r := rand.New(rand.NewPCG(4, 2))
	for range 25 {
		w, h, toW, toH := 1+r.IntN(40), 1+r.IntN(40), 1+r.IntN(50), 1+r.IntN(50)
		pix := make([]byte, 3*w*h)
		for i := range pix {
			pix[i] = byte(r.IntN(256))
		}
		got := resize(pix, w, h, toW, toH, bilinear)
		for y := range toH {
			for x := range toW {
				for c := range 3 {
					want := weigh(pix, w, h, toW, toH, x, y, c)
					if v := float64(got[3*(y*toW+x)+c]); math.Abs(v-want) > within {
						t.Fatalf("%dx%d to %dx%d: (%d,%d) channel %d is %v, want %.3f", w, h, toW, toH, x, y, c, v, want)
					}
				}
			}
		}
	}
}

// weigh is one sample by the definition: the mean of all, weighed by their distance from
// where the sample's centre lies, in units of the larger of both pixels.
func weigh(pix []byte, w, h, toW, toH, x, y, c int) float64 {
	tent := func(i, n, toN, at int) float64 {
		scale := float64(n) / float64(toN)
		distance := (float64(i) + 0.5) - (float64(at)+0.5)*scale
		return math.Max(0, 1-math.Abs(distance)/math.Max(scale, 1))
	}
	sum, weights := 0.0, 0.0
	for j := range h {
		for i := range w {
			weight := tent(i, w, toW, x) * tent(j, h, toH, y)
			sum += weight * float64(pix[3*(j*w+i)+c])
			weights += weight
		}
	}
	return sum / weights
}
