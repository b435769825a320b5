package picture

import (
	"bytes"
	"encoding/binary"
	"image"

	"golang.org/x/image/webp"
)

// webpHeader reads the chunks of a WebP (RFC 9649) and picks those of the picture, or
// of an animation's first frame.
func webpHeader(data []byte) (h header, err error) {
	if len(data) < 12 {
		return h, errShort
	}
	if size := int64(binary.LittleEndian.Uint32(data[4:])) + 8; size > int64(len(data)) {
		return h, errShort
	}
	var still webpFrame
	var canvas image.Point
	for c := range chunks(data[12:]) {
		switch c.name {
		case "VP8X":
			if len(c.body) < 10 {
				return h, errShort
			}
			canvas = image.Pt(uint24(c.body[4:])+1, uint24(c.body[7:])+1)
		case "EXIF":
			h.orientation = exifOrientation(bytes.TrimPrefix(c.body, []byte("Exif\x00\x00")))
		case "ICCP":
			h.profile = profileName(c.body)
		case "ANMF":
			if h.Frames++; h.Frames == 1 && len(c.body) >= 16 {
				h.frame = image.Pt(2*uint24(c.body), 2*uint24(c.body[3:]))
				for inner := range chunks(c.body[16:]) {
					still.take(inner)
				}
			}
		default:
			if h.Frames == 0 {
				still.take(c)
			}
		}
	}
	size, err := still.size()
	if err != nil {
		return h, err
	}
	if h.stored = canvas; h.Frames == 0 || canvas == (image.Point{}) {
		h.stored = size
	}
	// NRGBA, another copy inside the decoder of lossless pictures, and opacity.
	h.memory = 10 * int64(size.X) * int64(size.Y)
	h.colours = studio
	h.decode = func([]byte) (image.Image, error) { return still.decode(size) }
	return h, nil
}

// chunk is a part of a RIFF file.
type chunk struct {
	name string
	body []byte
}

// chunks lists those that are whole.
func chunks(data []byte) func(yield func(chunk) bool) {
	return func(yield func(chunk) bool) {
		for len(data) >= 8 {
			size := int64(binary.LittleEndian.Uint32(data[4:]))
			if size > int64(len(data)-8) {
				return
			}
			if !yield(chunk{string(data[:4]), data[8 : 8+size]}) {
				return
			}
			data = data[8+size:]
			if size%2 == 1 && len(data) > 0 {
				data = data[1:]
			}
		}
	}
}

// webpFrame is the chunks of one picture.
type webpFrame struct{ lossy, alpha, lossless []byte }

func (f *webpFrame) take(c chunk) {
	switch {
	case c.name == "VP8 " && f.lossy == nil:
		f.lossy = c.body
	case c.name == "ALPH" && f.alpha == nil:
		f.alpha = c.body
	case c.name == "VP8L" && f.lossless == nil:
		f.lossless = c.body
	}
}

// size is what the pixels' own header says: of VP8, RFC 6386, 9.1; of VP8L, RFC 9649,
// 3.4.
func (f *webpFrame) size() (image.Point, error) {
	switch {
	case f.lossy != nil:
		if len(f.lossy) < 10 {
			return image.Point{}, errShort
		}
		w, h := binary.LittleEndian.Uint16(f.lossy[6:]), binary.LittleEndian.Uint16(f.lossy[8:])
		return image.Pt(int(w&0x3fff), int(h&0x3fff)), nil
	case f.lossless != nil:
		if len(f.lossless) < 5 {
			return image.Point{}, errShort
		}
		v := binary.LittleEndian.Uint32(f.lossless[1:])
		return image.Pt(int(v&0x3fff)+1, int(v>>14&0x3fff)+1), nil
	}
	return image.Point{}, errShort
}

// decode hands the chunks to the decoder in a file of their own, since it knows no
// animations.
func (f *webpFrame) decode(size image.Point) (image.Image, error) {
	file := []byte("RIFF\x00\x00\x00\x00WEBP")
	switch {
	case f.lossy == nil:
		file = appendChunk(file, "VP8L", f.lossless)
	case f.alpha == nil:
		file = appendChunk(file, "VP8 ", f.lossy)
	default:
		x := binary.LittleEndian.AppendUint32([]byte{0x10, 0, 0, 0}, uint32(size.X-1))
		x = binary.LittleEndian.AppendUint32(x[:7], uint32(size.Y-1))
		file = appendChunk(file, "VP8X", x[:10])
		file = appendChunk(file, "ALPH", f.alpha)
		file = appendChunk(file, "VP8 ", f.lossy)
	}
	binary.LittleEndian.PutUint32(file[4:], uint32(len(file)-8))
	return webp.Decode(bytes.NewReader(file))
}

func appendChunk(file []byte, name string, body []byte) []byte {
	file = append(file, name...)
	file = binary.LittleEndian.AppendUint32(file, uint32(len(body)))
	file = append(file, body...)
	return append(file, make([]byte, len(body)%2)...)
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
