package thumb

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

var update = flag.Bool("update", false, "write testdata anew")

// golden holds lines against a file of testdata.
func golden(t *testing.T, name string, lines []string) {
	t.Helper()
	got := []byte(strings.Join(lines, "\n") + "\n")
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%q\nwant\n%q", name, got, want)
	}
}

// gradient is a picture of many colours: red to the right, green down, a blue corner,
// a hole in the middle of which one half is half transparent.
func gradient(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(3, 5, 3+w, 5+h))
	for y := range h {
		for x := range w {
			c := color.NRGBA{uint8(255 * x / max(1, w-1)), uint8(255 * y / max(1, h-1)), 0, 255}
			if x > w*3/4 && y > h*3/4 {
				c.B = 255
			}
			if x*3/w == 1 && y*3/h == 1 {
				c.A = uint8(128 * (2 * x / w))
			}
			img.SetNRGBA(3+x, 5+y, c)
		}
	}
	return img
}

// TestGolden holds the bytes of half-blocks against those that have been looked at.
func TestGolden(t *testing.T) {
	night := color.RGBA{0x16, 0x16, 0x1E, 0xFF}
	for _, c := range []struct {
		name       string
		img        image.Image
		cols, rows int
		colours    Colours
		background color.Color
	}{
		{"true.txt", gradient(12, 12), 12, 6, TrueColour, night},
		{"clear.txt", gradient(12, 12), 12, 6, TrueColour, nil},
		{"256.txt", gradient(12, 12), 12, 6, Indexed, night},
		{"wide.txt", gradient(64, 12), 16, 8, TrueColour, night},
		{"high.txt", gradient(12, 64), 16, 8, TrueColour, night},
		{"small.txt", gradient(3, 4), 16, 8, TrueColour, nil},
		{"odd.txt", gradient(5, 7), 16, 8, Indexed, nil},
		{"large.txt", gradient(700, 500), 14, 5, TrueColour, night},
	} {
		golden(t, c.name, HalfBlocks(c.img, c.cols, c.rows, c.colours, c.background))
	}
}

// TestPixels says what single pixels become.
func TestPixels(t *testing.T) {
	red, blue, none := color.NRGBA{255, 0, 0, 255}, color.NRGBA{0, 0, 255, 255}, color.NRGBA{}
	white := color.White
	for _, c := range []struct {
		name        string
		top, bottom color.NRGBA
		colours     Colours
		background  color.Color
		want        string
	}{
		{"two", red, blue, TrueColour, nil, "\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[m"},
		{"two of 256", red, blue, Indexed, nil, "\x1b[38;5;196;48;5;21m▀\x1b[m"},
		{"upper", red, none, TrueColour, nil, "\x1b[38;2;255;0;0m▀\x1b[m"},
		{"lower", none, blue, TrueColour, nil, "\x1b[38;2;0;0;255m▄\x1b[m"},
		{"none", none, none, TrueColour, nil, " "},
		{"none on white", none, none, TrueColour, white, "\x1b[38;2;255;255;255;48;2;255;255;255m▀\x1b[m"},
		{"half on white", color.NRGBA{255, 0, 0, 128}, blue, TrueColour, white, "\x1b[38;2;255;127;127;48;2;0;0;255m▀\x1b[m"},
		{"half on nothing", color.NRGBA{200, 100, 0, 200}, color.NRGBA{255, 0, 0, 100}, TrueColour, nil, "\x1b[38;2;200;99;0m▀\x1b[m"}, // 8 bits of alpha round
	} {
		img := image.NewNRGBA(image.Rect(0, 0, 1, 2))
		img.SetNRGBA(0, 0, c.top)
		img.SetNRGBA(0, 1, c.bottom)
		if got := HalfBlocks(img, 1, 1, c.colours, c.background); len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	// Colours are written where they change, and the ground goes back where there is none.
	img := image.NewNRGBA(image.Rect(0, 0, 4, 2))
	for x := range 3 {
		img.SetNRGBA(x, 0, red)
	}
	img.SetNRGBA(0, 1, blue)
	img.SetNRGBA(1, 1, blue)
	want := "\x1b[38;2;255;0;0;48;2;0;0;255m▀▀\x1b[49m▀ \x1b[m  "
	if got := HalfBlocks(img, 6, 1, TrueColour, nil); len(got) != 1 || got[0] != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestNoLines(t *testing.T) {
	img := gradient(4, 4)
	for name, lines := range map[string][]string{
		"no colours":      HalfBlocks(img, 4, 4, NoColours, nil),
		"unknown colours": HalfBlocks(img, 4, 4, "16", nil),
		"no columns":      HalfBlocks(img, 0, 4, TrueColour, nil),
		"no rows":         HalfBlocks(img, 4, 0, TrueColour, nil),
		"less":            HalfBlocks(img, -4, -1, TrueColour, nil),
		"no picture":      HalfBlocks(nil, 4, 4, TrueColour, nil),
		"no pixels":       HalfBlocks(image.NewNRGBA(image.Rectangle{}), 4, 4, TrueColour, nil),
		"no height":       HalfBlocks(image.NewNRGBA(image.Rect(0, 0, 4, 0)), 4, 4, TrueColour, nil),
	} {
		if lines != nil {
			t.Errorf("%s: %q", name, lines)
		}
	}
}

// TestKinds expects every kind of picture that decoders give to be drawn alike.
func TestKinds(t *testing.T) {
	bounds := image.Rect(-2, -2, 6, 6)
	grey := color.Gray{0x80}
	pal := image.NewPaletted(bounds, color.Palette{grey})
	ycc := image.NewYCbCr(bounds, image.YCbCrSubsampleRatio420)
	for _, plane := range [][]uint8{ycc.Y, ycc.Cb, ycc.Cr} {
		for i := range plane {
			plane[i] = 0x80
		}
	}
	gray16, rgba, cmyk := image.NewGray16(bounds), image.NewRGBA64(bounds), image.NewCMYK(bounds)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			gray16.Set(x, y, grey)
			rgba.Set(x, y, grey)
			cmyk.SetCMYK(x, y, color.CMYK{0, 0, 0, 0x7F})
		}
	}
	want := strings.Repeat("\x1b[38;2;128;128;128;48;2;128;128;128m▀▀▀▀\x1b[m\n", 2)
	for _, img := range []image.Image{pal, ycc, gray16, rgba, cmyk} {
		if got := strings.Join(HalfBlocks(img, 4, 2, TrueColour, nil), "\n") + "\n"; got != want {
			t.Errorf("%T: %q, want %q", img, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	for _, c := range []struct {
		rgb  color.RGBA
		want int
	}{
		{color.RGBA{0, 0, 0, 255}, 16}, {color.RGBA{255, 255, 255, 255}, 231}, {color.RGBA{255, 0, 0, 255}, 196},
		{color.RGBA{8, 8, 8, 255}, 232}, {color.RGBA{238, 238, 238, 255}, 255}, {color.RGBA{128, 128, 128, 255}, 244},
		{color.RGBA{95, 135, 175, 255}, 67}, {color.RGBA{100, 140, 170, 255}, 67},
	} {
		if got := nearest(c.rgb); got != c.want {
			t.Errorf("%v: %d, want %d", c.rgb, got, c.want)
		}
	}
	// No other of the 240 is nearer.
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		c := color.RGBA{uint8(rnd.IntN(256)), uint8(rnd.IntN(256)), uint8(rnd.IntN(256)), 255}
		away := func(i int) int {
			r, g, b, _ := ansi.IndexedColor(i).RGBA()
			return distance(int(c.R), int(r>>8)) + distance(int(c.G), int(g>>8)) + distance(int(c.B), int(b>>8))
		}
		got := nearest(c)
		for i := 16; i < 256; i++ {
			if away(i) < away(got) {
				t.Fatalf("%v: %d, but %d is nearer", c, got, i)
			}
		}
	}
}

func TestFit(t *testing.T) {
	for _, c := range []struct{ w, h, cols, rows, c, r int }{
		{100, 100, 20, 20, 20, 10},
		{100, 100, 20, 5, 10, 5},
		{4000, 3000, 40, 40, 40, 15},
		{3000, 4000, 40, 10, 15, 10},
		{1, 1, 40, 10, 20, 10},
		{10000, 1, 40, 10, 40, 1},
		{1, 10000, 40, 10, 1, 10},
		{1, 1, 1, 1, 1, 1},
		{0, 1, 1, 1, 0, 0},
		{1, -1, 1, 1, 0, 0},
		{1, 1, 0, 1, 0, 0},
		{1, 1, 1, -1, 0, 0},
		{1, 1, 1 << 62, 1 << 62, 2 * mostCells, mostCells},
	} {
		if gotC, gotR := Fit(c.w, c.h, c.cols, c.rows); gotC != c.c || gotR != c.r {
			t.Errorf("%d x %d in %d x %d: %d x %d, want %d x %d", c.w, c.h, c.cols, c.rows, gotC, gotR, c.c, c.r)
		}
	}
}

// FuzzHalfBlocks expects lines of the width that was asked for, and not too many, for
// all sizes.
func FuzzHalfBlocks(f *testing.F) {
	for _, s := range [][4]int{{0, 0, 0, 0}, {1, 1, 1, 1}, {1, 2, 1, 1}, {3, 1, 80, 24}, {1, 3, 80, 24}, {199, 201, 7, 3}, {8, 8, 5000, 5000}, {5, 5, -1, -1}} {
		f.Add(s[0], s[1], s[2], s[3], true)
		f.Add(s[0], s[1], s[2], s[3], false)
	}
	f.Fuzz(func(t *testing.T, w, h, cols, rows int, full bool) {
		img := gradient(max(0, w%300), max(0, h%300))
		colours := Indexed
		if full {
			colours = TrueColour
		}
		lines := HalfBlocks(img, cols, rows, colours, nil)
		if empty := img.Bounds().Empty() || cols < 1 || rows < 1; empty != (len(lines) == 0) || len(lines) > max(0, rows) {
			t.Fatalf("%v in %d x %d: %d lines", img.Bounds(), cols, rows, len(lines))
		}
		for _, line := range lines {
			if got, want := ansi.StringWidth(line), min(cols, mostCells); got != want {
				t.Fatalf("%v in %d x %d: a line is %d cells, want %d", img.Bounds(), cols, rows, got, want)
			}
			if plain := strings.TrimRight(line, " "); strings.Contains(plain, "\x1b") && !strings.HasSuffix(plain, "\x1b[m") {
				t.Fatalf("%q does not end as it began", line)
			}
		}
	})
}
