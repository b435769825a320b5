package thumb

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/png"
	"regexp"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/ansi/kitty"
)

// noise is a picture that PNG makes no smaller.
func noise(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	state := uint32(1)
	for i := range img.Pix {
		state = state*1664525 + 1013904223
		img.Pix[i] = uint8(state>>24) | 1
		if i%4 == 3 {
			img.Pix[i] = 255
		}
	}
	return img
}

var graphics = regexp.MustCompile("\x1b_G([^;\x1b]*)(?:;([A-Za-z0-9+/=]*))?\x1b\\\\")

// received puts together what a terminal is sent: the options of each piece, and the
// picture.
func received(t *testing.T, sequence string) (options []string, img image.Image) {
	t.Helper()
	if rest := graphics.ReplaceAllString(sequence, ""); rest != "" {
		t.Fatalf("not only graphics: %q", rest)
	}
	var data strings.Builder
	for _, m := range graphics.FindAllStringSubmatch(sequence, -1) {
		options = append(options, m[1])
		if len(m[2]) > 4096 {
			t.Errorf("a piece of %d bytes", len(m[2]))
		}
		data.WriteString(m[2])
	}
	raw, err := base64.StdEncoding.DecodeString(data.String())
	if err != nil {
		t.Fatal(err)
	}
	if img, err = png.Decode(bytes.NewReader(raw)); err != nil {
		t.Fatal(err)
	}
	return options, img
}

func TestTransmit(t *testing.T) {
	k := Kitty{ID: 42, Cols: 8, Rows: 4}
	sequence, err := k.Transmit(noise(400, 300), image.Pt(9, 18))
	if err != nil {
		t.Fatal(err)
	}
	options, img := received(t, sequence)
	if got, want := img.Bounds(), image.Rect(0, 0, 72, 54); got != want {
		t.Errorf("sent %v, want %v", got, want)
	}
	if want := "f=100,q=2,i=42,U=1,c=8,r=4,m=1,a=T"; len(options) < 3 || !sameOptions(options[0], want) {
		t.Errorf("first of %d pieces: %q, want %q", len(options), options[0], want)
	}
	for i, o := range options[1:] {
		want := "q=2,m=1"
		if i == len(options)-2 {
			want = "q=2,m=0"
		}
		if !sameOptions(o, want) {
			t.Errorf("piece %d of %d: %q, want %q", i+2, len(options), o, want)
		}
	}
}

// sameOptions compares options in any order.
func sameOptions(a, b string) bool {
	sorted := func(s string) string {
		list := strings.Split(s, ",")
		for i := range list {
			for j := range i {
				if list[i] < list[j] {
					list[i], list[j] = list[j], list[i]
				}
			}
		}
		return strings.Join(list, ",")
	}
	return sorted(a) == sorted(b)
}

// TestTransmitPixels expects a picture that is small enough to arrive as it is.
func TestTransmitPixels(t *testing.T) {
	sent := noise(20, 20)
	sequence, err := Kitty{ID: 1, Cols: 2, Rows: 1}.Transmit(sent, image.Point{})
	if err != nil {
		t.Fatal(err)
	}
	_, img := received(t, sequence)
	for y := range 20 {
		for x := range 20 {
			if got, want := img.At(x, y), sent.At(x, y); !same(got, want) {
				t.Fatalf("pixel %d %d: %v, want %v", x, y, got, want)
			}
		}
	}
}

func same(a, b interface{ RGBA() (r, g, b, a uint32) }) bool {
	ar, ag, ab, aa := a.RGBA()
	br, bg, bb, ba := b.RGBA()
	return ar == br && ag == bg && ab == bb && aa == ba
}

func TestTransmitTmux(t *testing.T) {
	k := Kitty{ID: 7, Cols: 8, Rows: 4}
	plain, err := k.Transmit(noise(60, 60), image.Point{})
	if err != nil {
		t.Fatal(err)
	}
	k.Tmux = true
	wrapped, err := k.Transmit(noise(60, 60), image.Point{})
	if err != nil {
		t.Fatal(err)
	}
	pieces := strings.Split(wrapped, "\x1bPtmux;")[1:]
	if want := strings.Count(plain, "\x1b_G"); len(pieces) != want || want < 2 {
		t.Errorf("%d pieces, want %d, each by itself", len(pieces), want)
	}
	var inner strings.Builder
	for _, p := range pieces {
		body, ok := strings.CutSuffix(p, "\x1b\\")
		if !ok {
			t.Fatalf("%q is not closed", p)
		}
		inner.WriteString(strings.ReplaceAll(body, "\x1b\x1b", "\x1b"))
	}
	if inner.String() != plain {
		t.Error("what passes through tmux is not what is sent without it")
	}
}

// TestTransmitBounds expects sizes to be refused or cut down.
func TestTransmitBounds(t *testing.T) {
	img := noise(2, 2)
	for name, k := range map[string]Kitty{
		"no id": {Cols: 1, Rows: 1}, "no columns": {ID: 1, Rows: 1}, "no rows": {ID: 1, Cols: 1},
		"too wide": {ID: 1, Cols: 298, Rows: 1}, "too high": {ID: 1, Cols: 1, Rows: 298}, "less": {ID: 1, Cols: -1, Rows: 1},
	} {
		if _, err := k.Transmit(img, image.Point{}); err == nil {
			t.Errorf("%s: no error", name)
		}
		if lines := k.Lines(); lines != nil {
			t.Errorf("%s: %d lines", name, len(lines))
		}
	}
	k := Kitty{ID: 1, Cols: MostKitty, Rows: MostKitty}
	for _, none := range []image.Image{nil, image.NewNRGBA(image.Rectangle{})} {
		if _, err := k.Transmit(none, image.Point{}); err == nil {
			t.Error("no pixels: no error")
		}
	}
	large := k.shrink(image.NewNRGBA(image.Rect(0, 0, 4000, 2000)), image.Pt(1<<40, 1<<40)).Bounds()
	if area := large.Dx() * large.Dy(); area > mostPixels || area < mostPixels/2 || large.Dx()-2*large.Dy() > 2 {
		t.Errorf("a large picture is sent as %v", large)
	}
}

func TestLines(t *testing.T) {
	golden(t, "kitty-indexed.txt", Kitty{ID: 42, Cols: 5, Rows: 3}.Lines())
	golden(t, "kitty-24bit.txt", Kitty{ID: 0x123456, Cols: 2, Rows: 2}.Lines())
	golden(t, "kitty-32bit.txt", Kitty{ID: 0xFF000001, Cols: 2, Rows: 2}.Lines())
	for _, k := range []Kitty{{ID: 1, Cols: 1, Rows: 1}, {ID: 0xFFFFFFFF, Cols: MostKitty, Rows: MostKitty}} {
		lines := k.Lines()
		if len(lines) != k.Rows {
			t.Fatalf("%+v: %d lines", k, len(lines))
		}
		for _, line := range lines {
			if got := ansi.StringWidth(line); got != k.Cols {
				t.Fatalf("%+v: a line is %d cells wide", k, got)
			}
		}
	}
	if last, first := kitty.Diacritic(MostKitty-1), kitty.Diacritic(0); last == first || kitty.Diacritic(MostKitty) != first {
		t.Errorf("there are not %d marks", MostKitty)
	}
}

func TestDelete(t *testing.T) {
	k := Kitty{ID: 42, Cols: 1, Rows: 1}
	m := graphics.FindStringSubmatch(k.Delete())
	if m == nil || m[0] != k.Delete() || m[2] != "" || !sameOptions(m[1], "a=d,d=I,i=42,q=2") {
		t.Errorf("%q", k.Delete())
	}
	k.Tmux = true
	if got := k.Delete(); !strings.HasPrefix(got, "\x1bPtmux;\x1b\x1b_G") || !strings.HasSuffix(got, "\x1b\x1b\\\x1b\\") {
		t.Errorf("through tmux: %q", got)
	}
}

// FuzzTransmit expects every size to be sent or refused.
func FuzzTransmit(f *testing.F) {
	f.Add(1, 1, 1, 1, 0, 0)
	f.Add(100, 3, 40, 12, 9, 18)
	f.Add(0, 3, 300, -1, -9, 1)
	f.Fuzz(func(t *testing.T, w, h, cols, rows, cellX, cellY int) {
		img := image.NewNRGBA(image.Rect(0, 0, max(0, w%200), max(0, h%200)))
		k := Kitty{ID: 1, Cols: cols, Rows: rows}
		sequence, err := k.Transmit(img, image.Pt(cellX, cellY))
		if err != nil {
			if k.check() == nil && !img.Bounds().Empty() {
				t.Error(err)
			}
			return
		}
		_, got := received(t, sequence)
		if got.Bounds().Dx() > img.Bounds().Dx() || got.Bounds().Dy() > img.Bounds().Dy() {
			t.Errorf("%v was sent as %v", img.Bounds(), got.Bounds())
		}
	})
}
