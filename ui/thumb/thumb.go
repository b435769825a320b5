// Package thumb draws a picture small in a terminal: as half-blocks, two pixels a
// cell in its colours, or by the graphics protocol of kitty with placeholders, which
// are ordinary text that a screen can move and cut. Detect says which of them a
// terminal can.
//
// Pictures come upright: what a camera says of its rotation has been followed
// before. Nothing here writes to the terminal; the caller sends what it is given.
package thumb

import (
	"image"
	"math"

	"golang.org/x/image/draw"
)

// mostCells is more columns or rows than a terminal has. Asking for more is asking
// for this many.
const mostCells = 1000

// Fit is how many columns and rows a picture of width x height pixels takes, as large
// as it can be within cols x rows and no more distorted than whole cells make it. A
// cell is taken to be twice as high as wide. What is empty takes 0 x 0.
func Fit(width, height, cols, rows int) (c, r int) {
	w, h := within(width, height, cols, 2*min(rows, mostCells))
	return w, (h + 1) / 2
}

// within scales a size into another, keeping its shape, up or down. Both sides are 1
// at least, or both are 0.
func within(width, height, mostWidth, mostHeight int) (w, h int) {
	if width <= 0 || height <= 0 || mostWidth <= 0 || mostHeight <= 0 {
		return 0, 0
	}
	scale := min(float64(mostWidth)/float64(width), float64(mostHeight)/float64(height))
	side := func(n, most int) int { return max(1, min(most, int(math.Round(float64(n)*scale)))) }
	return side(width, mostWidth), side(height, mostHeight)
}

// oversampling is how many pixels a side are looked at for one. A photo has a
// thousand times more than a thumbnail; looking at all of them would take a second
// and change nothing that is seen.
const oversampling = 8

// scaled is a picture in another size: alpha is premultiplied.
func scaled(img image.Image, width, height int) *image.RGBA {
	b := img.Bounds()
	if w, h := min(b.Dx(), oversampling*width), min(b.Dy(), oversampling*height); w < b.Dx() || h < b.Dy() {
		few := image.NewRGBA(image.Rect(0, 0, w, h))
		draw.NearestNeighbor.Scale(few, few.Rect, img, b, draw.Src, nil)
		img, b = few, few.Rect
	}
	out := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.BiLinear.Scale(out, out.Rect, img, b, draw.Src, nil)
	return out
}
