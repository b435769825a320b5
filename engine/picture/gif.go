package picture

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/gif"
)

// gifHeader walks over the blocks of a GIF (GIF89a) to count its frames; it
// decompresses none.
func gifHeader(data []byte) (h header, err error) {
	if len(data) < 13 {
		return h, errShort
	}
	h.stored = image.Pt(int(binary.LittleEndian.Uint16(data[6:])), int(binary.LittleEndian.Uint16(data[8:])))
	h.Frames = gifFrames(data)
	if h.Frames == 0 {
		return h, broken("there is no frame in it")
	}
	h.memory = int64(h.stored.X) * int64(h.stored.Y)
	// Decode, unlike DecodeAll, returns after the first frame.
	h.decode = func(data []byte) (image.Image, error) { return gif.Decode(bytes.NewReader(data)) }
	return h, nil
}

func gifFrames(data []byte) (frames int) {
	at := 13 + colourTable(data[10])
	for at < len(data) {
		switch data[at] {
		case ',': // image: position, size, flags, colour table, code size, blocks
			frames++
			if at+10 > len(data) {
				return frames
			}
			at = skipBlocks(data, at+10+colourTable(data[at+9])+1)
		case '!':
			at = skipBlocks(data, at+2)
		default: // the end, or junk
			return frames
		}
	}
	return frames
}

// colourTable is the size in bytes of the table that flags promise.
func colourTable(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

// skipBlocks is the offset behind a sequence of blocks, whose first byte says their
// length and whose last has none.
func skipBlocks(data []byte, at int) int {
	for at < len(data) {
		size := int(data[at])
		at += 1 + size
		if size == 0 {
			break
		}
	}
	return at
}
