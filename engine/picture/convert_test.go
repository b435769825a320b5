package picture

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// TestUpright has the sizes of pictures that are stored lying down.
func TestUpright(t *testing.T) {
	for file, want := range map[string]image.Point{
		"orientation1.jpg": {X: 16, Y: 8}, "orientation2.jpg": {X: 16, Y: 8}, "orientation3.jpg": {X: 16, Y: 8}, "orientation4.jpg": {X: 16, Y: 8},
		"orientation5.jpg": {X: 8, Y: 16}, "orientation6.jpg": {X: 8, Y: 16}, "orientation7.jpg": {X: 8, Y: 16}, "orientation8.jpg": {X: 8, Y: 16},
		"turned.png": {X: 17, Y: 23}, "turned.tiff": {X: 17, Y: 23}, "turned.webp": {X: 17, Y: 23}, "rgb.png": {X: 23, Y: 17},
	} {
		p, err := Decode(load(t, file), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if got := image.Pt(p.Width, p.Height); got != want {
			t.Errorf("%s is %v, want %v", file, got, want)
		}
	}
}

// TestConvertRows has pixels that no file of testdata has.
func TestConvertRows(t *testing.T) {
	one := image.Rect(0, 0, 1, 1)
	tests := []struct {
		name string
		img  image.Image
		want string
	}{
		{"brighter than its opacity allows", &image.RGBA{Pix: []byte{200, 100, 0, 100}, Stride: 4, Rect: one}, "\xff\xff\x9b"},
		{"half of black", &image.NRGBA{Pix: []byte{0, 0, 0, 127}, Stride: 4, Rect: one}, "\x80\x80\x80"},
		{"16 bits", &image.Gray16{Pix: []byte{0x80, 0x00}, Stride: 2, Rect: one}, "\x80\x80\x80"},
		{"16 bits, just below", &image.Gray16{Pix: []byte{0x7f, 0x7f}, Stride: 2, Rect: one}, "\x7f\x7f\x7f"},
		{"16 bits and opacity", &image.RGBA64{Pix: []byte{0x40, 0x40, 0, 0, 0, 0, 0x80, 0x80}, Stride: 8, Rect: one}, "\xbf\x7f\x7f"},
		{"ink", &image.CMYK{Pix: []byte{0, 255, 128, 51}, Stride: 4, Rect: one}, "\xcc\x00\x66"},
	}
	for _, tt := range tests {
		p, err := convert(tt.img, header{Info: Info{Width: 1, Height: 1, Frames: 1}, stored: image.Pt(1, 1), orientation: 1})
		if err != nil || string(p.Pix) != tt.want {
			t.Errorf("%s is %x, %v, want %x", tt.name, p.Pix, err, tt.want)
		}
	}
}

func TestConvertRefuses(t *testing.T) {
	h := header{Info: Info{Format: "PNG", Width: 2, Height: 1, Frames: 1}, stored: image.Pt(2, 1), orientation: 1}
	_, size := convert(image.NewGray(image.Rect(0, 0, 3, 1)), h)
	if size == nil || size.Error() != "picture: broken PNG: the header says 2 x 1 pixels, the data has 3 x 1" {
		t.Errorf("error is %v", size)
	}
	_, kind := convert(image.NewAlpha(image.Rect(0, 0, 2, 1)), h)
	if kind == nil || !strings.Contains(kind.Error(), "the decoder made a *image.Alpha") {
		t.Errorf("error is %v", kind)
	}
}

// TestMemory decodes noise with no more memory than the header was taken to ask for.
func TestMemory(t *testing.T) {
	const w, h = 420, 300
	r := rand.New(rand.NewPCG(1, 2))
	deep := image.NewNRGBA64(image.Rect(0, 0, w, h))
	for i := range deep.Pix {
		deep.Pix[i] = byte(r.IntN(256))
	}
	like := func(to interface {
		image.Image
		Set(x, y int, c color.Color)
	}) image.Image {
		for y := range h {
			for x := range w {
				to.Set(x, y, deep.At(x, y))
			}
		}
		return to
	}
	size := deep.Rect
	rgba, gray := like(image.NewNRGBA(size)), like(image.NewGray(size))
	few := image.NewPaletted(size, color.Palette{color.White, color.Black})
	var files [][]byte
	add := func(encode func(b *bytes.Buffer) error) {
		var b bytes.Buffer
		if err := encode(&b); err != nil {
			t.Fatal(err)
		}
		files = append(files, b.Bytes())
	}
	for _, m := range []image.Image{deep, rgba, gray, like(image.NewGray16(size)), few} {
		add(func(b *bytes.Buffer) error { return png.Encode(b, m) })
		add(func(b *bytes.Buffer) error { return tiff.Encode(b, m, &tiff.Options{Compression: tiff.Deflate}) })
		add(func(b *bytes.Buffer) error { return tiff.Encode(b, m, nil) })
	}
	for _, m := range []image.Image{rgba, gray} {
		add(func(b *bytes.Buffer) error { return jpeg.Encode(b, m, nil) })
		add(func(b *bytes.Buffer) error { return bmp.Encode(b, m) })
	}
	add(func(b *bytes.Buffer) error { return gif.Encode(b, few, nil) })
	for _, data := range files {
		head, err := readHeader(data)
		if err != nil {
			t.Fatal(err)
		}
		name, most := head.Format, head.memory+3*w*h
		if _, err := Decode(data, Limits{Memory: most - 1}); err == nil || !strings.Contains(err.Error(), "to decode, want at most") {
			t.Errorf("%s: with a byte less than it needs, the error is %v", name, err)
		}
		n := allocated(func() { _, err = Decode(data, Limits{Memory: most}) })
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if over := int64(n) - most; over > 200e3 { // tables and buffers of the decoders
			t.Errorf("%s: allocated %d bytes, %d more than the header was taken for", name, n, over)
		}
	}
}
