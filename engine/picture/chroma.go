package picture

import "image"

// Pictures are stored as luma and chroma with fewer samples of chroma. The standard
// library repeats those and takes every file's range for JPEG's; what models were
// trained on came out of libjpeg and libwebp, which interpolate, so this does as they
// do, to the bit: a model sees the same edges of colours as in training.

// colourSpace says what luma and chroma mean.
type colourSpace int

const (
	full   colourSpace = iota // JFIF: both from 0 to 255
	studio                    // ITU-R BT.601, as WebP has it: luma from 16 to 235
)

// lumaChroma reads a YCbCr image.
func lumaChroma(m *image.YCbCr, space colourSpace) rows {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	c := chroma{ratio: m.SubsampleRatio, space: space, width: w}
	c.across, c.rows = w, h
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420:
		c.across = (w + 1) / 2
	case image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410:
		c.across = (w + 3) / 4
	}
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio410:
		c.rows = (h + 1) / 2
	}
	// Twice or four times the samples of a row, which may be a few more than its pixels.
	cb, cr := make([]byte, 4*c.across), make([]byte, 4*c.across)
	convert := fullToRGB
	if space == studio {
		convert = studioToRGB
	}
	return func(y int, to []byte) bool {
		c.row(m.Cb, m.CStride, y, cb)
		c.row(m.Cr, m.CStride, y, cr)
		luma := m.Y[y*m.YStride:]
		for x := range w {
			to[3*x], to[3*x+1], to[3*x+2] = convert(int(luma[x]), int(cb[x]), int(cr[x]))
		}
		return false
	}
}

// chroma gives a plane of chroma the width and height of luma.
type chroma struct {
	ratio        image.YCbCrSubsampleRatio
	space        colourSpace
	width        int // of luma
	across, rows int // samples of a row, rows
}

// row writes the samples for row y of luma.
func (c *chroma) row(plane []byte, stride, y int, to []byte) {
	near, far := y, y
	switch c.ratio {
	case image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio410:
		near = y / 2
		far = min(max(near+2*(y%2)-1, 0), c.rows-1) // the row on the other side of this one
	}
	this, other := plane[near*stride:][:c.across], plane[far*stride:][:c.across]
	switch {
	case c.space == studio:
		c.webp(this, other, to)
	case c.ratio == image.YCbCrSubsampleRatio420 && c.across > 2:
		quartered(this, other, to)
	case c.ratio == image.YCbCrSubsampleRatio422 && c.across > 2:
		halved(this, to)
	case c.ratio == image.YCbCrSubsampleRatio440:
		for x, v := range this {
			to[x] = byte((3*int(v) + int(other[x]) + 1 + y%2) >> 2)
		}
	default: // as libjpeg does it for other ratios, and for rows of one or two samples
		n := (c.width + c.across - 1) / c.across
		for x := range c.width {
			to[x] = this[x/n]
		}
	}
}

// halved doubles a row: three parts of the nearer sample, one of the other, rounded
// down and up in turn. (libjpeg, h2v1_fancy_upsample.)
func halved(from, to []byte) {
	last := len(from) - 1
	for x, v := range from {
		left, right := int(from[max(x-1, 0)]), int(from[min(x+1, last)])
		to[2*x], to[2*x+1] = byte((3*int(v)+left+1)>>2), byte((3*int(v)+right+2)>>2)
	}
	to[0], to[2*last+1] = from[0], from[last]
}

// quartered is halved in both directions at once: other is the row on the other side
// of the one that is made. (libjpeg, h2v2_fancy_upsample.)
func quartered(this, other, to []byte) {
	last := len(this) - 1
	column := func(x int) int { return 3*int(this[x]) + int(other[x]) }
	before, here := column(0), column(0)
	for x := range this {
		after := column(min(x+1, last))
		to[2*x], to[2*x+1] = byte((3*here+before+8)>>4), byte((3*here+after+7)>>4)
		before, here = here, after
	}
}

// webp does both directions as libwebp does, which rounds twice (upsampling.c). It has
// no other ratio than 4:2:0.
func (c *chroma) webp(this, other, to []byte) {
	last := len(this) - 1
	for x, v := range this {
		for side := range 2 {
			n := min(max(x+2*side-1, 0), last)
			near, beside := int(v), int(this[n])
			sum := near + 3*beside + 3*int(other[x]) + int(other[n]) + 8
			to[2*x+side] = byte((sum>>3 + near) >> 1)
		}
	}
}

// fullToRGB is JFIF's conversion, with libjpeg's rounding (jdcolor.c).
func fullToRGB(y, cb, cr int) (r, g, b byte) {
	const half = 1 << 15 // of factors times 2^16
	cb, cr = cb-128, cr-128
	red := (91881*cr + half) >> 16               // 1.402
	green := (-22554*cb - 46802*cr + half) >> 16 // 0.34414, 0.71414
	blue := (116130*cb + half) >> 16             // 1.772
	return clamp(y + red), clamp(y + green), clamp(y + blue)
}

// studioToRGB is BT.601's conversion, with libwebp's rounding (yuv.h): factors times
// 2^14, of which 8 bits are dropped before the sum and 6 after it.
func studioToRGB(y, cb, cr int) (r, g, b byte) {
	luma := 19077 * y >> 8 // 255/219
	return clamp((luma + (26149 * cr >> 8) - 14234) >> 6),
		clamp((luma - (6419 * cb >> 8) - (13320 * cr >> 8) + 8708) >> 6),
		clamp((luma + (33050 * cb >> 8) - 17685) >> 6)
}

func clamp(v int) byte { return byte(min(max(v, 0), 255)) }
