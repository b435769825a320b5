package quant

import "encoding/binary"

// The unpackers handle eight small integers at once, in the bytes ("lanes") of a
// uint64, the first in the lowest. Multiplying a byte by ones puts it in each.
const (
	ones     = 0x0101010101010101
	topBits  = 0x80 * ones
	twoBits  = 0x03 * ones
	fourBits = 0x0f * ones
)

// load8 is the first eight bytes of b.
func load8(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// store8 writes the lanes of v. The compiler makes one store of it.
func store8(q *[8]int8, v uint64) {
	q[0] = int8(v)
	q[1] = int8(v >> 8)
	q[2] = int8(v >> 16)
	q[3] = int8(v >> 24)
	q[4] = int8(v >> 32)
	q[5] = int8(v >> 40)
	q[6] = int8(v >> 48)
	q[7] = int8(v >> 56)
}

// subtract8 is v-w in each lane, for lanes of 0 to 127 in both: the top bit,
// set meanwhile, keeps a lane from borrowing of the next.
func subtract8(v, w uint64) uint64 { return ((v | topBits) - w) ^ topBits }

// negate8 is -v in the lanes where mask is 0xff, and v where it is 0. No lane of
// v may be zero, or it would carry into the next.
func negate8(v, mask uint64) uint64 { return (v ^ mask) + mask&ones }

// spread has in row b a lane of 0xff for every bit of b that is set.
var spread = func() (t [256]uint64) {
	for b := range t {
		for j := range 8 {
			if b>>j&1 != 0 {
				t[b] |= 0xff << (8 * j)
			}
		}
	}
	return t
}()

// A table16 gives each number of 4 bits an int8. Row n is the pair for the two
// numbers n&15 and n>>4, the first one's in the lower byte.
type table16 [256]uint16

func newTable16(values *[16]int8) (t table16) {
	for n := range t {
		t[n] = uint16(uint8(values[n&15])) | uint16(uint8(values[n>>4]))<<8
	}
	return t
}

// look8 looks up the lower four bits of each lane of v; the upper must be zero.
func (t *table16) look8(v uint64) uint64 {
	v |= v >> 4 // now every other byte holds the numbers of two lanes
	return uint64(t[uint8(v)]) |
		uint64(t[uint8(v>>16)])<<16 |
		uint64(t[uint8(v>>32)])<<32 |
		uint64(t[uint8(v>>48)])<<48
}
