// Package picture turns the bytes of a picture file into RGB pixels: PNG, JPEG,
// GIF, WebP, BMP and TIFF, told apart by content and never by name. Whatever else
// a file is, the error names it and says what to convert it to.
//
//	bytes ─► Sniff: which format? ─► header: size, orientation, memory ─► Limits ─► decoder ─► rows of RGB, upright
//
// A file comes from anywhere, so nothing in it is believed: sizes are read from the
// header by code of this package and held against Limits before a decoder runs, and
// a decoder's panic comes out as an error.
package picture

import (
	"fmt"
	"image"
)

// Picture is a decoded picture, upright, opaque, 8 bits a channel.
type Picture struct {
	Width, Height int
	Pix           []byte // [Height, Width, 3], RGB
	Format        string // of the file, as in Info
	Notes         []string
	// Notes say what was done on the way that a person should know, a phrase each:
	// "turned upright as its EXIF orientation 6 says".
}

// Info is what a file's header says.
type Info struct {
	Format        string // "PNG", "JPEG", "GIF", "WebP", "BMP", "TIFF"
	Width, Height int    // of the upright picture
	Frames        int    // frames of an animation, pages of a TIFF; 1 for others
}

// Limits is what a picture may have at most. They are checked before any pixel is
// decoded. A zero field means its default.
type Limits struct {
	Bytes  int64 // of the file
	Side   int   // pixels of the width and of the height
	Pixels int64 // width times height
	Memory int64 // bytes that decoding takes in the worst case for such a header, the Picture's own included
}

// The defaults take every photograph of a camera or phone that is not made to set a
// record, and keep a hostile file to about a GiB.
const (
	defaultBytes  = 256 << 20
	defaultSide   = 1<<16 - 1 // the most that JPEG can say
	defaultPixels = 100e6
	defaultMemory = 1 << 30
)

// withDefaults fills in what is zero.
func (l Limits) withDefaults() Limits {
	if l.Bytes == 0 {
		l.Bytes = defaultBytes
	}
	if l.Side == 0 {
		l.Side = defaultSide
	}
	if l.Pixels == 0 {
		l.Pixels = defaultPixels
	}
	if l.Memory == 0 {
		l.Memory = defaultMemory
	}
	return l
}

// Measure reads the header of a picture, in time that depends on the number of its
// parts and not on its size. It checks no limits: ask Decode.
func Measure(data []byte) (Info, error) {
	h, err := readHeader(data)
	return h.Info, err
}

// Check reads the header of a picture as Measure does, and holds it against limits
// as Decode does before it decodes: no pixel is touched. notes are those of
// Picture.Notes that do not depend on pixels.
func Check(data []byte, limits Limits) (info Info, notes []string, err error) {
	h, err := checkedHeader(data, limits)
	if err != nil {
		return Info{}, nil, err
	}
	return h.Info, append(h.notes, h.changes()...), nil
}

// Decode decodes a picture. Of an animation and of a TIFF of several pages that is
// the first one. The errors are *UnsupportedError, *LimitError and *FormatError.
func Decode(data []byte, limits Limits) (*Picture, error) {
	h, err := checkedHeader(data, limits)
	if err != nil {
		return nil, err
	}
	img, err := h.safely(data)
	if err != nil {
		return nil, err
	}
	return convert(img, h)
}

// checkedHeader is the header of a picture that is within limits and has enough data.
func checkedHeader(data []byte, limits Limits) (header, error) {
	l := limits.withDefaults()
	if int64(len(data)) > l.Bytes {
		return header{}, &LimitError{fmt.Sprintf("the file has %s, want at most %s", inMB(int64(len(data))), inMB(l.Bytes))}
	}
	h, err := readHeader(data)
	if err != nil {
		return header{}, err
	}
	if err := h.check(l); err != nil {
		return header{}, err
	}
	if h.short != nil {
		return header{}, named(h.Format, h.short)
	}
	return h, nil
}

// header is all that is read of a file before its pixels are.
type header struct {
	Info                    // upright
	stored      image.Point // size of the pixels in the file, not yet upright
	orientation int         // EXIF: 1 to 8
	profile     string      // name of a colour profile that is not sRGB
	memory      int64       // what decoding takes at most, without the Picture
	colours     colourSpace // of a picture that decodes to luma and chroma
	short       error       // why there cannot be enough data for so many pixels
	decode      decoder     // runs after check
	notes       []string    // besides those that follow from the fields above and from the pixels
	frame       image.Point // where decode's pixels lie on the canvas of an animation
}

type decoder func(data []byte) (image.Image, error)

// readHeader finds the format and reads its header.
func readHeader(data []byte) (header, error) {
	if len(data) == 0 {
		return header{}, &FormatError{What: "the file is empty"}
	}
	f := sniff(data)
	if f.header == nil {
		return header{}, f.refusal()
	}
	h, err := f.header(data)
	if err != nil {
		return header{}, named(f.name, err)
	}
	h.Format = f.name
	if h.orientation < 1 || h.orientation > 8 {
		h.orientation = 1
	}
	h.Width, h.Height = h.stored.X, h.stored.Y
	if h.orientation >= 5 {
		h.Width, h.Height = h.Height, h.Width
	}
	h.Frames = max(h.Frames, 1)
	if h.Width < 1 || h.Height < 1 {
		return header{}, &FormatError{Format: f.name, What: fmt.Sprintf("the header says %d x %d pixels", h.Width, h.Height)}
	}
	return h, nil
}

// check holds the header against limits.
func (h *header) check(l Limits) error {
	size := fmt.Sprintf("the %s has %d x %d pixels", h.Format, h.Width, h.Height)
	pixels := int64(h.Width) * int64(h.Height)
	switch {
	case h.Width > l.Side || h.Height > l.Side:
		return &LimitError{fmt.Sprintf("%s, want at most %d a side", size, l.Side)}
	case pixels > l.Pixels:
		return &LimitError{fmt.Sprintf("%s, want at most %d million in all", size, l.Pixels/1e6)}
	case h.memory+3*pixels > l.Memory:
		return &LimitError{fmt.Sprintf("%s and could take %s to decode, want at most %s", size, inMB(h.memory+3*pixels), inMB(l.Memory))}
	}
	return nil
}

// safely runs the decoder and makes an error of its panic.
func (h *header) safely(data []byte) (img image.Image, err error) {
	defer func() {
		if r := recover(); r != nil {
			img, err = nil, &FormatError{Format: h.Format, What: fmt.Sprintf("the decoder gave up: %v", r)}
		}
	}()
	img, err = h.decode(data)
	if err != nil {
		return nil, named(h.Format, err)
	}
	return img, nil
}

// hugeSide keeps the arithmetic on sizes far from overflow, whatever the limits are.
const hugeSide = 1 << 24

// sized is the size of pixels in a file of the given format.
func sized(format string, width, height int64) (image.Point, error) {
	if width > hugeSide || height > hugeSide {
		return image.Point{}, &LimitError{fmt.Sprintf("the %s has %d x %d pixels, want at most %d a side", format, width, height, hugeSide)}
	}
	return image.Pt(int(width), int(height)), nil
}

func inMB(n int64) string {
	if n < 1e6 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%d MB", (n+5e5)/1e6)
}
