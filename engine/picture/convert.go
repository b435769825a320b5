package picture

import (
	"fmt"
	"image"
	"image/color"
)

// Notes that do not depend on the picture.
const (
	note16Bit = "16 bits a channel reduced to 8"
	noteCMYK  = "CMYK converted to RGB without a profile"
	noteAlpha = "transparent parts put on white"
)

// convert makes an RGB picture of what a decoder returned: upright, on white, on the
// canvas of an animation.
func convert(img image.Image, h header) (*Picture, error) {
	size := img.Bounds().Size()
	at := h.frame
	if p, ok := img.(*image.Paletted); ok && h.Format == "GIF" {
		at = p.Rect.Min
	}
	if h.Frames == 1 && h.Format != "GIF" && size != h.stored {
		return nil, &FormatError{Format: h.Format, What: fmt.Sprintf("the header says %d x %d pixels, the data has %d x %d",
			h.stored.X, h.stored.Y, size.X, size.Y)}
	}
	p := &Picture{Width: h.Width, Height: h.Height, Format: h.Format, Pix: make([]byte, 3*h.Width*h.Height), Notes: h.notes}
	read := rowsOf(img, h.colours)
	if read == nil {
		return nil, &FormatError{Format: h.Format, What: fmt.Sprintf("the decoder made a %T", img)}
	}
	c := canvas{pix: p.Pix, size: h.stored}
	c.turn(h.orientation)
	shown := image.Rectangle{at, at.Add(size)}.Intersect(image.Rectangle{Max: h.stored})
	clear := shown != image.Rectangle{Max: h.stored}
	if clear {
		for i := range p.Pix {
			p.Pix[i] = 255
		}
	}
	row := make([]byte, 3*size.X)
	for y := shown.Min.Y; y < shown.Max.Y; y++ {
		clear = read(y-at.Y, row) || clear
		c.put(shown.Min.X, y, row[3*(shown.Min.X-at.X):3*(shown.Max.X-at.X)])
	}
	if clear {
		p.Notes = append(p.Notes, noteAlpha)
	}
	p.Notes = append(p.Notes, h.changes()...)
	return p, nil
}

// changes are notes on what the header makes necessary.
func (h *header) changes() (notes []string) {
	if h.orientation != 1 {
		notes = append(notes, fmt.Sprintf("turned upright as its EXIF orientation %d says", h.orientation))
	}
	if h.profile != "" {
		notes = append(notes, fmt.Sprintf("colour profile %q ignored", h.profile))
	}
	if h.Frames > 1 {
		what := "frames"
		if h.Format == "TIFF" {
			what = "pages"
		}
		notes = append(notes, fmt.Sprintf("the first of %d %s", h.Frames, what))
	}
	return notes
}

// canvas is where stored pixels go: pixel (x, y) begins at byte
// origin + x*right + y*down.
type canvas struct {
	pix                 []byte
	size                image.Point // as stored
	origin, right, down int
}

// turn sets the canvas up for an EXIF orientation (EXIF 2.32, 4.6.4, tag 274), which
// says where the first row and column of the stored pixels are in the picture.
func (c *canvas) turn(orientation int) {
	w, h := c.size.X, c.size.Y
	x, y := 3, 3*w
	if orientation >= 5 { // rows of the file are columns of the picture
		x, y = 3*h, 3
	}
	// The far ends of the stored axes.
	farX, farY := (w-1)*x, (h-1)*y
	switch orientation {
	case 2, 8: // row at the top or column at the left, but backwards along it
		c.origin, x = farX, -x
	case 3, 7:
		c.origin, x, y = farX+farY, -x, -y
	case 4, 6:
		c.origin, y = farY, -y
	}
	c.right, c.down = x, y
}

// put writes RGB pixels of stored row y from column x on.
func (c *canvas) put(x, y int, row []byte) {
	to := c.origin + x*c.right + y*c.down
	if c.right == 3 {
		copy(c.pix[to:], row)
		return
	}
	for ; len(row) > 0; row = row[3:] {
		copy(c.pix[to:to+3], row)
		to += c.right
	}
}

// rows writes row y of an image as RGB on white; clear says whether a pixel of it was
// not opaque.
type rows func(y int, to []byte) (clear bool)

// rowsOf knows the images that the decoders make; for others it is nil.
func rowsOf(img image.Image, space colourSpace) rows {
	switch m := img.(type) {
	case *image.Gray:
		return func(y int, to []byte) bool {
			for x, v := range m.Pix[y*m.Stride:][:len(to)/3] {
				to[3*x], to[3*x+1], to[3*x+2] = v, v, v
			}
			return false
		}
	case *image.Gray16:
		return func(y int, to []byte) bool {
			from := m.Pix[y*m.Stride:]
			for x := range len(to) / 3 {
				v := reduce(from[2*x:])
				to[3*x], to[3*x+1], to[3*x+2] = v, v, v
			}
			return false
		}
	case *image.NRGBA:
		return func(y int, to []byte) bool { return blendRow(m.Pix[y*m.Stride:], to) }
	case *image.RGBA:
		return func(y int, to []byte) bool { return premultipliedRow(m.Pix[y*m.Stride:], to) }
	case *image.NRGBA64:
		return deep(m.Pix, m.Stride, m.Rect.Dx(), blendRow)
	case *image.RGBA64:
		return deep(m.Pix, m.Stride, m.Rect.Dx(), premultipliedRow)
	case *image.Paletted:
		return palettedRows(m)
	case *image.CMYK:
		return func(y int, to []byte) bool { return inkRow(m.Pix[y*m.Stride:], to) }
	case *image.YCbCr:
		return lumaChroma(m, space)
	case *image.NYCbCrA:
		return overWhite(lumaChroma(&m.YCbCr, space), m)
	}
	return nil
}

// reduce rounds a big-endian 16-bit sample to 8 bits: v/257, of which 255 is white.
func reduce(b []byte) byte {
	return byte(((uint32(b[0])<<8|uint32(b[1]))*255 + 32767) / 65535)
}

// deep reads four 16-bit samples a pixel through a reader of 8-bit ones.
func deep(pix []byte, stride, width int, read func(from, to []byte) bool) rows {
	row := make([]byte, 4*width)
	return func(y int, to []byte) bool {
		from := pix[y*stride:]
		for i := range row {
			row[i] = reduce(from[2*i:])
		}
		return read(row, to)
	}
}

// blend puts a sample of the given opacity on white.
func blend(v, opacity byte) byte {
	return byte((uint32(v)*uint32(opacity) + 255*(255-uint32(opacity)) + 127) / 255)
}

// blendRow puts red, green, blue and opacity on white.
func blendRow(from, to []byte) (clear bool) {
	for i, j := 0, 0; i < len(to); i, j = i+3, j+4 {
		a := from[j+3]
		if a == 255 {
			copy(to[i:i+3], from[j:])
			continue
		}
		clear = true
		to[i], to[i+1], to[i+2] = blend(from[j], a), blend(from[j+1], a), blend(from[j+2], a)
	}
	return clear
}

// premultipliedRow is blendRow for samples that are multiplied with the opacity.
func premultipliedRow(from, to []byte) (clear bool) {
	for i, j := 0, 0; i < len(to); i, j = i+3, j+4 {
		a := from[j+3]
		clear = clear || a != 255
		for k := range 3 {
			to[i+k] = byte(min(int(from[j+k])+255-int(a), 255))
		}
	}
	return clear
}

// inkRow turns ink into light.
func inkRow(from, to []byte) bool {
	for i, j := 0, 0; i < len(to); i, j = i+3, j+4 {
		light := 255 - uint32(from[j+3])
		for k := range 3 {
			to[i+k] = byte(((255-uint32(from[j+k]))*light + 127) / 255)
		}
	}
	return false
}

func palettedRows(m *image.Paletted) rows {
	var table [256][3]byte
	var clear [256]bool
	for i, entry := range m.Palette {
		c := color.NRGBAModel.Convert(entry).(color.NRGBA)
		table[i] = [3]byte{blend(c.R, c.A), blend(c.G, c.A), blend(c.B, c.A)}
		clear[i] = c.A != 255
	}
	return func(y int, to []byte) (seen bool) {
		for x, i := range m.Pix[y*m.Stride:][:len(to)/3] {
			copy(to[3*x:3*x+3], table[i][:])
			seen = seen || clear[i]
		}
		return seen
	}
}

// overWhite puts what under reads on white, with the opacity of m.
func overWhite(under rows, m *image.NYCbCrA) rows {
	return func(y int, to []byte) (clear bool) {
		under(y, to)
		for x, a := range m.A[y*m.AStride:][:len(to)/3] {
			if a != 255 {
				clear = true
				to[3*x], to[3*x+1], to[3*x+2] = blend(to[3*x], a), blend(to[3*x+1], a), blend(to[3*x+2], a)
			}
		}
		return clear
	}
}
