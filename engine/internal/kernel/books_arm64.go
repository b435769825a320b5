//go:build !noasm

package kernel

import (
	"encoding/binary"
	"math/bits"
	"unsafe"

	"scout/engine/quant"
)

// The codebooks as assembly reads them: in each element the bytes of a row,
// without signs. The rows of bookIQ1 are 8 times the elements, plus 1.
var (
	bookIQ2XXS [256]uint64
	bookIQ2XS  [512]uint64
	bookIQ2S   [1024]uint64
	bookIQ3XXS [256]uint32
	bookIQ3S   [512]uint32
	bookIQ1    [2048]uint64
)

// signsOf7 has for seven sign bits, and an eighth that makes their number even,
// a byte of ones for each that is set.
var signsOf7 [128]uint64

// fillBooks fills the codebooks with what package quant finds for each row. All
// other bits of the blocks are zero, which stands for positive signs.
func fillBooks() {
	for s := range signsOf7 {
		eight := s | bits.OnesCount(uint(s))&1<<7
		for j := range 8 {
			signsOf7[s] |= uint64(eight>>j&1) * 0xff << (8 * j)
		}
	}
	readBook(quant.IQ2XXS, bookIQ2XXS[:], func(b []byte, at, row int) { b[2+at/4*8+at%4] = byte(row) })
	readBook(quant.IQ2XS, bookIQ2XS[:], func(b []byte, at, row int) { binary.LittleEndian.PutUint16(b[2+2*at:], uint16(row)) })
	readBook(quant.IQ2S, bookIQ2S[:], func(b []byte, at, row int) {
		b[2+at] = byte(row)
		b[66+at/4] |= byte(row >> 8 << (2 * (at % 4)))
	})
	readBook(quant.IQ3XXS, bookIQ3XXS[:], func(b []byte, at, row int) { b[2+at] = byte(row) })
	readBook(quant.IQ3S, bookIQ3S[:], func(b []byte, at, row int) {
		b[2+at] = byte(row)
		b[66+at/8] |= byte(row >> 8 << (at % 8))
	})
	readBook(quant.IQ1S, bookIQ1[:], func(b []byte, at, row int) {
		b[2+at] = byte(row)
		word := b[34+at/4*2:]
		binary.LittleEndian.PutUint16(word, binary.LittleEndian.Uint16(word)|uint16(row>>8<<(3*(at%4))))
	})
}

// readBook reads a whole codebook. set makes row number at of a block refer to
// row row of the book.
func readBook[E uint32 | uint64](t quant.Type, book []E, set func(block []byte, at, row int)) {
	var w quant.Super
	rows := unsafe.Slice((*E)(unsafe.Pointer(&w.Q)), len(w.Q)/int(unsafe.Sizeof(E(0))))
	for i := 0; i < len(book); i += len(rows) {
		block := make([]byte, t.BlockBytes())
		for at := range rows {
			set(block, at, i+at)
		}
		quant.UnpackSuper(t, &w, block)
		copy(book[i:], rows)
	}
}
