package quant

import "math/bits"

// The IQ formats' weights are signed rows of a codebook. Rows are kept expanded
// in lanes, for the 8 weights (the B books: 4 weights) of a row at once.
var (
	bookA256  = [256]uint64(expand(256, packedA256, []byte{8, 25, 43}))
	bookA512  = [512]uint64(expand(512, packedA512, []byte{8, 25, 43}))
	bookA1024 = [1024]uint64(expand(1024, packedA1024, []byte{8, 25, 43}))
	bookB256  = [256]uint64(expand(256, packedB256, []byte{4, 12, 20, 28, 36, 44, 52, 62}))
	bookB512  = [512]uint64(expand(512, packedB512, []byte{1, 3, 5, 7, 9, 11, 13, 15}))
	// The elements -1, 0 and 1 as 0, 1 and 2: lanes have no sign.
	bookC2048 = [2048]uint64(expand(2048, packedC2048, []byte{0, 1, 2}))
)

// expand unpacks a codebook of n rows. Each row is a hexadecimal number: of four
// digits for eight elements of two bits, or of three for four elements of three
// bits, where there are more than four values. Element j is
// values[number>>(bits*j) & mask], and goes to lane j.
func expand(n int, packed string, values []byte) []uint64 {
	digits, elements, width := 4, 8, 2
	if len(values) > 4 {
		digits, elements, width = 3, 4, 3
	}
	rows := make([]uint64, 0, n)
	number, have := 0, 0
	for _, c := range []byte(packed) {
		if c == '\n' {
			continue
		}
		number = number<<4 | int(hexDigit(c))
		if have++; have < digits {
			continue
		}
		var row uint64
		for j := range elements {
			row |= uint64(values[number>>(width*j)&(1<<width-1)]) << (8 * j)
		}
		rows = append(rows, row)
		number, have = 0, 0
	}
	return rows
}

func hexDigit(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

// element is lane j of a row.
func element(row uint64, j int) int { return int(row >> (8 * j) & 255) }

// signs7 has for seven sign bits the eight of a row, in the form of negate8: the
// eighth makes their number even.
var signs7 = func() (t [128]uint64) {
	for s := range t {
		t[s] = spread[signs8(uint32(s))]
	}
	return t
}()

// signs8 is the eight sign bits for seven.
func signs8(s uint32) byte { return byte(s | uint32(bits.OnesCount32(s)&1)<<7) }

// signed is -v if bit j of signs is set, and v otherwise.
func signed(v int, signs byte, j int) float32 {
	if signs>>j&1 != 0 {
		return float32(-v)
	}
	return float32(v)
}
