package faultserver

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"math/bits"
	"sync"
)

// Content is the bytes of a file, a function of the seed and the position.
type Content struct {
	Seed uint64
	Size int64
}

// word is the 8 bytes at position 8*i: SplitMix64 (Steele, Lea and Flood 2014).
func (c Content) word(i int64) uint64 {
	x := c.Seed + uint64(i)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return bits.ReverseBytes64(x ^ x>>31)
}

// ReadAt fills p with the bytes from off, as io.ReaderAt.
func (c Content) ReadAt(p []byte, off int64) (int, error) {
	if off >= c.Size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), c.Size-off))
	var word [8]byte
	for done := 0; done < n; {
		at := off + int64(done)
		if at%8 == 0 && n-done >= 8 {
			binary.LittleEndian.PutUint64(p[done:], c.word(at/8))
			done += 8
			continue
		}
		binary.LittleEndian.PutUint64(word[:], c.word(at/8))
		done += copy(p[done:n], word[at%8:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

var sums sync.Map // Content to its SHA-256

// SHA256 is the sum of all the bytes, in hexadecimal.
func (c Content) SHA256() string {
	if s, ok := sums.Load(c); ok {
		return s.(string)
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(c, 0, c.Size)); err != nil {
		panic(err) // a hash takes everything, a computed file has everything
	}
	s := hex.EncodeToString(h.Sum(nil))
	sums.Store(c, s)
	return s
}
