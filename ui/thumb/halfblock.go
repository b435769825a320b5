package thumb

import (
	"image"
	"image/color"
	"strconv"
	"strings"
)

// Colours is which colours a terminal shows.
type Colours string

// The colours.
const (
	NoColours  Colours = ""           // none, or too few for a picture
	Indexed    Colours = "256"        // the 256 of xterm
	TrueColour Colours = "truecolour" // 24 bits
)

// HalfBlocks draws a picture in cells of two pixels, one above the other: at most rows
// lines, each cols cells wide, of which the picture takes the left as far as its
// shape reaches. It is not made larger than it is. Transparent parts show background,
// or what the terminal has there if that is nil. A line changes no colours of what
// comes behind it. Without colours, or without pixels, there are no lines.
func HalfBlocks(img image.Image, cols, rows int, colours Colours, background color.Color) []string {
	if img == nil || colours != Indexed && colours != TrueColour {
		return nil
	}
	cols, rows = min(cols, mostCells), min(rows, mostCells)
	b := img.Bounds()
	w, h := within(b.Dx(), b.Dy(), cols, min(2*rows, b.Dy()))
	if w == 0 {
		return nil
	}
	pixels := pixels{scaled(img, w, h), background}
	pen := pen{colours: colours}
	var lines []string
	for y := 0; y < h; y += 2 {
		for x := range w {
			pen.cell(pixels.at(x, y), pixels.at(x, y+1))
		}
		lines = append(lines, pen.line(cols-w))
	}
	return lines
}

// pixel is what is seen of one.
type pixel struct {
	color.RGBA      // opaque
	clear      bool // nothing: what is behind it
}

// pixels is a picture on a background, which may be nil.
type pixels struct {
	img        *image.RGBA
	background color.Color
}

// at is a pixel, clear outside of the picture.
func (p pixels) at(x, y int) pixel {
	if y >= p.img.Rect.Max.Y {
		return pixel{clear: true}
	}
	c := p.img.RGBAAt(x, y)
	if c.A == 0xFF {
		return pixel{RGBA: c}
	}
	if p.background == nil {
		if c.A < 0x80 {
			return pixel{clear: true}
		}
		n := color.NRGBAModel.Convert(c).(color.NRGBA)
		return pixel{RGBA: color.RGBA{n.R, n.G, n.B, 0xFF}}
	}
	r, g, b, _ := p.background.RGBA()
	over := func(c uint8, ground uint32, alpha uint8) uint8 {
		return uint8(min(0xFF, uint32(c)+(ground>>8*uint32(0xFF-alpha)+0x7F)/0xFF))
	}
	return pixel{RGBA: color.RGBA{over(c.R, r, c.A), over(c.G, g, c.A), over(c.B, b, c.A), 0xFF}}
}

// pen writes cells and changes colours only where they change.
type pen struct {
	colours       Colours
	b             strings.Builder
	upper, ground string // the colours now, as parameters; empty: the terminal's own
}

// cell writes two pixels.
func (p *pen) cell(top, bottom pixel) {
	switch {
	case top.clear && bottom.clear:
		p.set(p.upper, "")
		p.b.WriteByte(' ')
	case top.clear:
		p.set(p.colour(bottom), "")
		p.b.WriteString("▄")
	case bottom.clear:
		p.set(p.colour(top), "")
		p.b.WriteString("▀")
	default:
		p.set(p.colour(top), p.colour(bottom))
		p.b.WriteString("▀")
	}
}

// colour is a colour as the end of an SGR parameter (ECMA-48 8.3.117, ITU-T T.416).
func (p *pen) colour(c pixel) string {
	if p.colours == Indexed {
		return "5;" + strconv.Itoa(nearest(c.RGBA))
	}
	return "2;" + strconv.Itoa(int(c.R)) + ";" + strconv.Itoa(int(c.G)) + ";" + strconv.Itoa(int(c.B))
}

// cubeLevels is what a channel can be in the colour cube of xterm.
var cubeLevels = [6]int{0, 95, 135, 175, 215, 255}

// nearest is the number of the colour of xterm's 256 that is nearest to c: one of the
// cube from 16 on, or of the greys 8, 18 to 238 from 232 on. The first 16 are not
// looked at, since people choose those.
func nearest(c color.RGBA) int {
	rgb := [3]int{int(c.R), int(c.G), int(c.B)}
	var level [3]int
	cube, sum := 0, 0
	for i, v := range rgb {
		for l, candidate := range cubeLevels {
			if distance(v, candidate) < distance(v, cubeLevels[level[i]]) {
				level[i] = l
			}
		}
		cube += distance(v, cubeLevels[level[i]])
		sum += v
	}
	grey := max(0, min(23, (sum/3-3)/10))
	greys := 0
	for _, v := range rgb {
		greys += distance(v, 8+10*grey)
	}
	if greys < cube {
		return 232 + grey
	}
	return 16 + 36*level[0] + 6*level[1] + level[2]
}

// distance is the square of a difference.
func distance(a, b int) int { return (a - b) * (a - b) }

// set changes the colours to these.
func (p *pen) set(upper, ground string) {
	var changes []string
	if upper != p.upper {
		changes = append(changes, "38;"+upper)
	}
	switch {
	case ground == p.ground:
	case ground == "":
		changes = append(changes, "49")
	default:
		changes = append(changes, "48;"+ground)
	}
	if len(changes) > 0 {
		p.b.WriteString("\x1b[" + strings.Join(changes, ";") + "m")
	}
	p.upper, p.ground = upper, ground
}

// line is the cells so far and so many empty ones. The next begins.
func (p *pen) line(empty int) string {
	if p.upper != "" || p.ground != "" {
		p.b.WriteString("\x1b[m")
	}
	p.b.WriteString(strings.Repeat(" ", empty))
	line := p.b.String()
	*p = pen{colours: p.colours}
	return line
}
