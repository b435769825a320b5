package picture

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
)

// maxScans is the most scans of a progressive JPEG: each is a pass over all blocks,
// for a few bytes of the file. Encoders write about ten; the format has room for some
// hundred that are of any use.
const maxScans = 100

// jpegFrame is what the segments before the pixels say (ITU-T T.81, annex B).
type jpegFrame struct {
	components  int
	progressive bool
	samples     int64 // blocks are padded to whole MCUs
	adobe       bool  // there is an APP14 segment, which says what components mean
	unmixed     bool  // it says that they are RGB or CMYK, and not luma and chroma
	scans       int
	data        int64 // bytes of the file behind the first scan's header
	icc         []byte
	started     bool
}

// jpegHeader reads the segments of a JPEG and looks for the beginnings of its scans;
// it decodes none.
func jpegHeader(data []byte) (h header, err error) {
	var f jpegFrame
	at := 2
	for {
		marker, body, next := nextSegment(data, at)
		if marker == 0 || marker == 0xd9 {
			break
		}
		if err := f.segment(&h, marker, body); err != nil {
			return h, err
		}
		at = next
		if marker == 0xda {
			if f.scans++; f.scans == 1 {
				f.data = int64(len(data) - next)
			}
			if at = endOfScan(data, next); f.scans > maxScans {
				return h, broken("it has more than %d scans", maxScans)
			}
		}
	}
	if !f.started || f.scans == 0 {
		return h, errShort
	}
	// A block of a scan takes a bit at least.
	if blocks := int64(h.stored.X) / 8 * (int64(h.stored.Y) / 8); f.data < blocks/8 {
		h.short = broken("%d bytes are too few for %d x %d pixels", f.data, h.stored.X, h.stored.Y)
	}
	if f.icc != nil {
		h.profile = profileName(f.icc)
	}
	h.memory = f.memory()
	if f.components == 4 {
		h.notes = append(h.notes, noteCMYK)
	}
	h.decode = f.decode
	return h, nil
}

// memory is what image/jpeg takes: the samples, their coefficients as int32 if there
// are several scans, and another copy, of four bytes a pixel, of what is not luma and
// chroma.
func (f *jpegFrame) memory() int64 {
	n := f.samples
	if f.progressive {
		n += 4 * f.samples
	}
	if f.components == 4 || f.unmixed {
		n += 2 * f.samples
	}
	return n
}

// segment reads what one says.
func (f *jpegFrame) segment(h *header, marker byte, body []byte) error {
	switch {
	case marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc:
		return f.start(h, marker, body)
	case marker == 0xe1 && bytes.HasPrefix(body, []byte("Exif\x00\x00")) && h.orientation == 0:
		h.orientation = exifOrientation(body[6:])
	case marker == 0xe2 && bytes.HasPrefix(body, []byte("ICC_PROFILE\x00")) && len(body) > 14 && f.icc == nil:
		f.icc = body[14:] // its first part is enough for the name
	case marker == 0xee && bytes.HasPrefix(body, []byte("Adobe")) && len(body) >= 12:
		f.adobe, f.unmixed = true, f.unmixed || body[11] == 0
	}
	return nil
}

// start reads the header of the frame.
func (f *jpegFrame) start(h *header, marker byte, body []byte) error {
	switch {
	case f.started:
		return broken("it has two frames")
	case marker > 0xc2:
		return &UnsupportedError{Format: "a JPEG of a rare kind (lossless, hierarchical or arithmetic-coded)", Advice: "convert it to an ordinary JPEG or to PNG"}
	case len(body) < 6 || len(body) < 6+3*int(body[5]):
		return errShort
	case body[0] != 8:
		return &UnsupportedError{Format: "a JPEG of 12 bits", Advice: "convert it to an ordinary JPEG or to PNG"}
	}
	f.started, f.progressive, f.components = true, marker == 0xc2, int(body[5])
	h.stored = image.Pt(int(binary.BigEndian.Uint16(body[3:])), int(binary.BigEndian.Uint16(body[1:])))
	if f.components == 3 {
		f.unmixed = f.unmixed || body[6] == 'R' && body[9] == 'G' && body[12] == 'B' // as image/jpeg has it
	}
	mostH, mostV, perMCU := int64(1), int64(1), int64(0)
	for i := range f.components {
		across, down := int64(body[7+3*i]>>4), int64(body[7+3*i]&15)
		mostH, mostV = max(mostH, across), max(mostV, down)
		perMCU += 64 * across * down
	}
	mcus := (int64(h.stored.X) + 8*mostH - 1) / (8 * mostH) * ((int64(h.stored.Y) + 8*mostV - 1) / (8 * mostV))
	f.samples = mcus * perMCU
	return nil
}

// nextSegment finds the next marker from an offset on; body is what is behind it and
// next is the offset behind that. The marker is 0 at the end of the data.
func nextSegment(data []byte, at int) (marker byte, body []byte, next int) {
	for {
		for at < len(data) && data[at] != 0xff {
			at++ // junk, which decoders pass over
		}
		for at < len(data) && data[at] == 0xff {
			at++
		}
		if at >= len(data) {
			return 0, nil, at
		}
		marker = data[at]
		at++
		if marker == 0 || marker == 0x01 || marker >= 0xd0 && marker <= 0xd8 {
			continue // they stand alone
		}
		break
	}
	if marker == 0xd9 {
		return marker, nil, at
	}
	if at+2 > len(data) {
		return 0, nil, at
	}
	size := int(binary.BigEndian.Uint16(data[at:]))
	if size < 2 || at+size > len(data) {
		return 0, nil, at
	}
	return marker, data[at+2 : at+size], at + size
}

// endOfScan is the offset of the first marker behind a scan's data.
func endOfScan(data []byte, at int) int {
	for {
		i := bytes.IndexByte(data[at:], 0xff)
		if i < 0 || at+i+1 >= len(data) {
			return len(data)
		}
		at += i
		if m := data[at+1]; m != 0 && m != 0xff && (m < 0xd0 || m > 0xd7) {
			return at
		}
		at++
	}
}

// decode runs the standard library's decoder. That refuses four components without
// Adobe's segment, which programs read as if it were there, with ink inverted; so it
// is put there.
func (f *jpegFrame) decode(data []byte) (image.Image, error) {
	if f.components == 4 && !f.adobe {
		data = append([]byte("\xff\xd8\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"), data[2:]...)
	}
	return jpeg.Decode(bytes.NewReader(data))
}
