package sessions

import (
	"bytes"
	"hash/crc32"
	"math/bits"
	"strconv"
)

// repaired is a frame with one wrong bit put right, wherever it is. It reports
// false if that is not what is wrong with it.
//
// A CRC is linear, so the difference between the checksum that is written and
// the one that is found depends on nothing but the place of the wrong bit.
// CRC-32C keeps any two texts of less than 2^31 bits at least four bits apart
// (Koopman, "32-Bit Cyclic Redundancy Codes for Internet Applications", 2002), so
// that there is at most one such place, and two wrong bits are never taken for
// one.
func repaired(frame []byte) ([]byte, bool) {
	if fixed, ok := repairedHead(frame); ok {
		return fixed, true
	}
	sum, _, ok := splitLoose(frame)
	if !ok {
		return nil, false
	}
	covered := frame[crcDigits+1:]
	difference := sum ^ crc32.Checksum(covered, castagnoli)
	if difference == 0 {
		return nil, false // the bit is not in here, or there is none
	}
	// Go back over the text, undoing what each byte does to a difference. Before
	// the byte with the wrong bit there is no difference, and in it that bit alone.
	for i := len(covered) - 1; i >= 0; i-- {
		difference = undoByte(difference)
		if difference < 1<<8 && bits.OnesCount32(difference) == 1 {
			fixed := bytes.Clone(frame)
			fixed[crcDigits+1+i] ^= byte(difference)
			return fixed, holds(fixed)
		}
	}
	return nil, false
}

// undoByte is the difference of two checksums before a byte that both have
// read. A checksum c becomes castagnoli[c&255] ^ c>>8, and the top bytes of the
// table's entries are all different, so that there is one way back.
func undoByte(c uint32) uint32 {
	low := entryByTop[c>>24]
	return (c^castagnoli[low])<<8 | uint32(low)
}

// entryByTop is which entry of the table has a top byte.
var entryByTop = func() (by [256]byte) {
	for i, entry := range castagnoli {
		by[entry>>24] = byte(i)
	}
	return by
}()

// repairedHead puts a wrong bit right in what the checksum does not cover: the
// checksum itself and the space after it.
func repairedHead(frame []byte) ([]byte, bool) {
	if len(frame) <= crcDigits+1 {
		return nil, false
	}
	want := strconv.AppendUint(nil, uint64(crc32.Checksum(frame[crcDigits+1:], castagnoli)), 16)
	want = append(bytes.Repeat([]byte("0"), crcDigits-len(want)), want...)
	want = append(want, ' ')
	wrong := 0
	for i, c := range want {
		wrong += bits.OnesCount8(c ^ frame[i])
	}
	if wrong != 1 {
		return nil, false
	}
	fixed := append(want, frame[crcDigits+1:]...)
	return fixed, holds(fixed)
}

// splitLoose is splitFrame for a frame whose length or body may be wrong.
func splitLoose(frame []byte) (sum uint32, body []byte, ok bool) {
	if len(frame) <= crcDigits+1 || frame[crcDigits] != ' ' {
		return 0, nil, false
	}
	n, err := strconv.ParseUint(string(frame[:crcDigits]), 16, 32)
	return uint32(n), frame[crcDigits+1:], err == nil
}

// holds reports whether a frame is one, to the last byte.
func holds(frame []byte) bool {
	s := scan{data: frame, lineFrom: -1, line: -1}
	end, ok := s.byLength(0)
	return ok && end == len(frame) && s.checks(0, end)
}
