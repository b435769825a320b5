package picture

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// goldens are the pictures of testdata, which make_pictures.py writes, with the most
// that a sample may differ from what Pillow reads in them. JPEG decoders round their
// inverse DCT differently, and that of the standard library is not libjpeg's.
var goldens = []struct {
	file   string
	within int
	notes  string // all of them, joined
	frames int
}{
	{file: "rgb.png"}, {file: "gray.png"}, {file: "bilevel.png"}, {file: "interlaced.png"}, {file: "srgb.png"},
	{file: "rgba.png", notes: noteAlpha}, {file: "grayalpha.png", notes: noteAlpha}, {file: "palette.png", notes: noteAlpha},
	{file: "rgb16.png", notes: note16Bit}, {file: "gray16.png", notes: note16Bit},
	{file: "rgba16.png", notes: note16Bit + "; " + noteAlpha, within: 1}, // reduced before or after blending
	{file: "turned.png", notes: "turned upright as its EXIF orientation 6 says"},
	{file: "profile.png", notes: `colour profile "Lab identity built-in" ignored`},
	{file: "animated.png", notes: "the first of 3 frames", frames: 3},

	{file: "rgb444.jpg", within: 2}, {file: "rgb422.jpg", within: 3}, {file: "rgb420.jpg", within: 2},
	{file: "rgb440.jpg", within: 2}, {file: "rgb411.jpg", within: 2},
	{file: "progressive.jpg", within: 2}, {file: "gray.jpg", within: 1},
	{file: "small1x1.jpg", within: 1}, {file: "small2x3.jpg", within: 2}, {file: "small5x4.jpg", within: 2},
	{file: "cmyk.jpg", within: 2, notes: noteCMYK}, {file: "cmyk-no-adobe.jpg", within: 2, notes: noteCMYK},
	{file: "ycck.jpg", within: 3, notes: noteCMYK},
	{file: "orientation1.jpg", within: 2},
	{file: "orientation2.jpg", within: 2, notes: "turned upright as its EXIF orientation 2 says"},
	{file: "orientation3.jpg", within: 2, notes: "turned upright as its EXIF orientation 3 says"},
	{file: "orientation4.jpg", within: 2, notes: "turned upright as its EXIF orientation 4 says"},
	{file: "orientation5.jpg", within: 2, notes: "turned upright as its EXIF orientation 5 says"},
	{file: "orientation6.jpg", within: 2, notes: "turned upright as its EXIF orientation 6 says"},
	{file: "orientation7.jpg", within: 2, notes: "turned upright as its EXIF orientation 7 says"},
	{file: "orientation8.jpg", within: 2, notes: "turned upright as its EXIF orientation 8 says"},
	{file: "profile.jpg", within: 2, notes: `colour profile "Lab identity built-in" ignored`},

	{file: "still.gif"}, {file: "clear.gif", notes: noteAlpha},
	{file: "animated.gif", notes: "the first of 3 frames", frames: 3},

	{file: "lossy.webp"}, {file: "even.webp"}, {file: "lossless.webp", notes: noteAlpha}, {file: "alpha.webp", notes: noteAlpha},
	{file: "turned.webp", notes: "turned upright as its EXIF orientation 8 says"},
	{file: "animated.webp", notes: "the first of 3 frames", frames: 3},

	{file: "rgb.bmp"}, {file: "palette.bmp"}, {file: "bilevel.bmp"}, {file: "rgba.bmp"},

	{file: "raw.tiff"}, {file: "lzw.tiff"}, {file: "deflate.tiff"}, {file: "packbits.tiff"},
	{file: "group3.tiff"}, {file: "group4.tiff"}, {file: "group3-white-is-zero.tiff"}, {file: "group4-white-is-zero.tiff"},
	{file: "rgba.tiff", notes: noteAlpha}, {file: "gray16.tiff", notes: note16Bit},
	{file: "turned.tiff", notes: "turned upright as its EXIF orientation 6 says"},
	{file: "pages.tiff", notes: "the first of 4 pages", frames: 4},
}

var formatOf = map[string]string{".png": "PNG", ".jpg": "JPEG", ".gif": "GIF", ".webp": "WebP", ".bmp": "BMP", ".tiff": "TIFF"}

func TestGolden(t *testing.T) {
	for _, g := range goldens {
		t.Run(g.file, func(t *testing.T) {
			data, want := load(t, g.file), load(t, g.file+".rgb")
			info, err := Measure(data)
			if err != nil {
				t.Fatal(err)
			}
			if want := formatOf[filepath.Ext(g.file)]; info.Format != want {
				t.Errorf("format is %q, want %q", info.Format, want)
			}
			if want := max(g.frames, 1); info.Frames != want {
				t.Errorf("frames are %d, want %d", info.Frames, want)
			}
			p, err := Decode(data, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if p.Width != info.Width || p.Height != info.Height || p.Format != info.Format {
				t.Errorf("decoded %s %dx%d, measured %+v", p.Format, p.Width, p.Height, info)
			}
			if got := strings.Join(p.Notes, "; "); got != g.notes {
				t.Errorf("notes are %q, want %q", got, g.notes)
			}
			if len(p.Pix) != len(want) {
				t.Fatalf("%d samples for %dx%d, want %d", len(p.Pix), p.Width, p.Height, len(want))
			}
			most, at := 0, 0
			for i := range want {
				if d := max(int(p.Pix[i])-int(want[i]), int(want[i])-int(p.Pix[i])); d > most {
					most, at = d, i
				}
			}
			if most > g.within {
				i := at / 3
				t.Errorf("pixel (%d,%d) is %v, want %v: %d apart, want at most %d", i%p.Width, i/p.Width, p.Pix[3*i:3*i+3], want[3*i:3*i+3], most, g.within)
			}
		})
	}
}

// TestGoldensAreListed finds files of testdata that no test looks at.
func TestGoldensAreListed(t *testing.T) {
	names, err := filepath.Glob("testdata/*.rgb")
	if err != nil {
		t.Fatal(err)
	}
	if len(names) != len(goldens) {
		t.Errorf("testdata has %d pictures with their pixels, %d are listed", len(names), len(goldens))
	}
}

func load(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(data)
}
