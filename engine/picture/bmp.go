package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"

	"golang.org/x/image/bmp"
)

// bmpHeader reads the headers of a Windows bitmap.
func bmpHeader(data []byte) (h header, err error) {
	if len(data) >= 26 && binary.LittleEndian.Uint32(data[14:]) >= 40 {
		width, height := int64(int32(binary.LittleEndian.Uint32(data[18:]))), int64(int32(binary.LittleEndian.Uint32(data[22:])))
		if _, err := sized("BMP", width, max(height, -height)); err != nil {
			return h, err // before the decoder takes its size for an unknown kind
		}
	}
	c, err := bmp.DecodeConfig(bytes.NewReader(data))
	if errors.Is(err, bmp.ErrUnsupported) {
		return h, &UnsupportedError{Format: "a BMP of an unusual kind (run-length coded, of 16 bits, of OS/2 or without pixels)", Advice: "convert it to PNG or JPEG"}
	}
	if err != nil {
		return h, err
	}
	h.stored = image.Pt(c.Width, c.Height)
	bits := int64(binary.LittleEndian.Uint16(data[28:]))
	row := (int64(c.Width)*bits + 31) / 32 * 4
	start := int64(binary.LittleEndian.Uint32(data[10:]))
	if row*int64(c.Height) > int64(len(data))-start {
		h.short = errShort
	}
	h.memory = 4 * int64(c.Width) * int64(c.Height)
	if len(data) >= 74 && binary.LittleEndian.Uint32(data[14:]) == 124 {
		switch string(data[70:74]) {
		case "DEBM", "KNIL": // "MBED" and "LINK", as little-endian numbers
			h.profile = unnamedProfile
		}
	}
	h.decode = func(data []byte) (image.Image, error) { return bmp.Decode(bytes.NewReader(data)) }
	return h, nil
}
