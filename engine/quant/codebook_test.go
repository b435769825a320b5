package quant

import (
	"math/bits"
	"slices"
	"testing"
)

// TestCodebooks checks what can be said of the books without their source: size,
// values, and that no row is there twice. (The golden vectors use every row.)
func TestCodebooks(t *testing.T) {
	twos := []byte{8, 25, 43}
	for _, c := range []struct {
		name     string
		rows     []uint64
		elements int
		values   []byte
	}{
		{"A256", expand(256, packedA256, twos), 8, twos},
		{"A512", expand(512, packedA512, twos), 8, twos},
		{"A1024", expand(1024, packedA1024, twos), 8, twos},
		{"B256", bookB256[:], 4, []byte{4, 12, 20, 28, 36, 44, 52, 62}},
		{"B512", bookB512[:], 4, []byte{1, 3, 5, 7, 9, 11, 13, 15}},
		{"C2048", expand(2048, packedC2048, []byte{0, 1, 2}), 8, []byte{0, 1, 2}},
	} {
		sizes := map[string]int{"A256": 256, "A512": 512, "A1024": 1024, "B256": 256, "B512": 512, "C2048": 2048}
		if len(c.rows) != sizes[c.name] {
			t.Errorf("%s has %d rows, want %d", c.name, len(c.rows), sizes[c.name])
		}
		seen := map[uint64]bool{}
		for n, row := range c.rows {
			if seen[row] {
				t.Errorf("%s: row %d is there twice", c.name, n)
			}
			seen[row] = true
			for j := range 8 {
				if v := byte(row >> (8 * j)); j >= c.elements && v != 0 || j < c.elements && !slices.Contains(c.values, v) {
					t.Errorf("%s: element %d of row %d is %d", c.name, j, n, v)
				}
			}
		}
	}
	if bookA256[1] != 43+0x0808080808080800 {
		t.Errorf("row 1 of A256 is %#x", bookA256[1])
	}
}

// TestSigns checks that the eighth sign makes an even number of them.
func TestSigns(t *testing.T) {
	for s := range uint32(128) {
		signs := signs8(s)
		if uint32(signs&127) != s || bits.OnesCount8(signs)%2 != 0 {
			t.Errorf("signs of %#x are %#x", s, signs)
		}
		for j := range 8 {
			if got, want := signs7[s]>>(8*j)&255, 255*uint64(signs>>j&1); got != want {
				t.Errorf("lane %d of signs %#x is %#x, want %#x", j, s, got, want)
			}
		}
	}
}

// TestLanes compares the arithmetic in lanes with that of bytes, for every pair.
func TestLanes(t *testing.T) {
	for v := range uint64(128) {
		for w := range uint64(128) {
			// Alternating with other lanes, which must stay as they would be alone.
			got := subtract8(v*0x0001000100010001+w*0x0100010001000100, w*0x0001000100010001+v*0x0100010001000100)
			a, b := uint64(uint8(v-w)), uint64(uint8(w-v))
			if want := a*0x0001000100010001 + b*0x0100010001000100; got != want {
				t.Fatalf("%d-%d in lanes is %#x, want %#x", v, w, got, want)
			}
		}
	}
	for v := uint64(1); v < 256; v++ {
		if got, want := negate8(v*ones, 0xff00ffff00ff0000), uint64(uint8(-v))*0x0100010100010000+v*0x0001000001000101; got != want {
			t.Errorf("-%d in some lanes is %#x, want %#x", v, got, want)
		}
	}
	for n := range uint64(16) {
		if got, want := ladder8.look8(n*ones), uint64(uint8(ladder[n]))*ones; got != want {
			t.Errorf("value %d is %#x, want %#x", n, got, want)
		}
	}
}
