package picture

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/png"
)

// deflateRatio is the most bytes that a byte of a deflate stream can stand for
// (RFC 1951: 258 bytes for two bits).
const deflateRatio = 1032

// pngHeader reads the chunks of a PNG (PNG specification, third edition) without
// inflating any.
func pngHeader(data []byte) (h header, err error) {
	const intro = 8 + 8 + 13 + 4 // signature and IHDR
	if len(data) < intro {
		return h, errShort
	}
	if string(data[12:16]) != "IHDR" {
		return h, broken("the first chunk is %q, want IHDR", data[12:16])
	}
	width, height := binary.BigEndian.Uint32(data[16:]), binary.BigEndian.Uint32(data[20:])
	bits, colour, interlaced := int64(data[24]), data[25], data[28] != 0
	if h.stored, err = sized("PNG", int64(width), int64(height)); err != nil {
		return h, err
	}
	packed := pngChunks(data, &h)

	samples := [8]int64{1, 0, 3, 1, 2, 0, 4, 0}[colour&7]
	// Rows with a filter byte each; interlacing only adds some.
	if raw := (int64(width)*bits*samples + 15) / 8 * int64(height); raw/deflateRatio > packed {
		h.short = broken("%d bytes are too few for %d x %d pixels", packed, width, height)
	}
	bytesPerPixel := int64(4)
	if bits == 16 {
		bytesPerPixel = 8
	}
	h.memory = int64(width) * int64(height) * bytesPerPixel
	if interlaced {
		h.memory += h.memory / 2 // the largest of the seven passes is an image of its own
	}
	if bits == 16 {
		h.notes = append(h.notes, note16Bit)
	}
	h.decode = func(data []byte) (image.Image, error) { return png.Decode(bytes.NewReader(data)) }
	return h, nil
}

// pngChunks reads what the chunks say besides the pixels, and counts the bytes of
// those.
func pngChunks(data []byte, h *header) (packed int64) {
	for at := 8; at+12 <= len(data); {
		size := int64(binary.BigEndian.Uint32(data[at:]))
		if size > int64(len(data)-at-12) {
			return packed + int64(len(data)-at-8) // cut off; the decoder will say so
		}
		body := data[at+8 : at+8+int(size)]
		switch string(data[at+4 : at+8]) {
		case "IDAT":
			packed += size
		case "eXIf":
			h.orientation = exifOrientation(body)
		case "iCCP":
			h.profile = pngProfile(body)
		case "acTL":
			if size >= 4 {
				h.Frames = int(binary.BigEndian.Uint32(body) & (1<<31 - 1))
			}
		}
		at += 12 + int(size)
	}
	return packed
}

// pngProfile is the name of a profile that a PNG's chunk holds: a name, which says
// little, then a byte of method and the compressed profile.
func pngProfile(body []byte) string {
	_, rest, ok := bytes.Cut(body, []byte{0})
	if !ok || len(rest) < 1 {
		return unnamedProfile
	}
	return inflatedProfile(rest[1:])
}
