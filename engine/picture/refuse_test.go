package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// tiffWith is a little-endian TIFF whose only directory has these tags, of type
// uint32, and text for the maker.
func tiffWith(maker string, tags ...[2]uint32) []byte {
	b := []byte("II*\x00\x08\x00\x00\x00")
	n := len(tags)
	if maker != "" {
		n++
	}
	b = binary.LittleEndian.AppendUint16(b, uint16(n))
	done := maker == ""
	put := func(tag, kind uint16, count, value uint32) {
		b = binary.LittleEndian.AppendUint16(b, tag)
		b = binary.LittleEndian.AppendUint16(b, kind)
		b = binary.LittleEndian.AppendUint32(b, count)
		b = binary.LittleEndian.AppendUint32(b, value)
	}
	text := uint32(8 + 2 + 12*n + 4)
	for _, t := range tags {
		if !done && t[0] > tagMake {
			put(tagMake, 2, uint32(len(maker)+1), text)
			done = true
		}
		put(uint16(t[0]), 4, 1, t[1])
	}
	if !done {
		put(tagMake, 2, uint32(len(maker)+1), text)
	}
	b = append(b, 0, 0, 0, 0)
	return append(append(b, maker...), 0)
}

func ftyp(brands string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(brands)))
	return append(append(append(b, "ftyp"...), brands...), "\x00\x00\x00\x08mdat"...)
}

// TestRefuses has a file of every format that is told but not decoded, and asks for an
// error of one line that names it and says what to do.
func TestRefuses(t *testing.T) {
	camera := func(maker string) []byte {
		return tiffWith(maker, [2]uint32{tagSubfileType, 1}, [2]uint32{tagSubIFDs, 8})
	}
	tests := []struct {
		name string // as Sniff says it
		data []byte
		want string // part of the error
	}{
		{"HEIC", ftyp("heic\x00\x00\x00\x00mif1heic"), "a HEIC picture: which is not read here; convert it to JPEG or PNG"},
		{"HEIC", ftyp("mif1\x00\x00\x00\x00mif1heic"), "a HEIC picture"},
		{"AVIF", ftyp("avif\x00\x00\x00\x00mif1avif"), "an AVIF picture: which is not read here; convert it to JPEG or PNG"},
		{"AVIF", ftyp("mif1\x00\x00\x00\x00mif1avif"), "an AVIF picture"},
		{"Canon CR3", ftyp("crx \x00\x00\x00\x01crx isom"), "a Canon CR3 file: the raw data of a camera; develop it to JPEG"},
		{"Canon CR2", []byte("II*\x00\x10\x00\x00\x00CR\x02\x00"), "a Canon CR2 file: the raw data"},
		{"Canon CRW", []byte("II\x1a\x00\x00\x00HEAPCCDR"), "a Canon CRW file"},
		{"Nikon NEF", camera("NIKON CORPORATION"), "a Nikon NEF file: the raw data"},
		{"Sony ARW", camera("SONY"), "a Sony ARW file"},
		{"Samsung SRW", camera("SAMSUNG"), "a Samsung SRW file"},
		{"Pentax PEF", tiffWith("PENTAX", [2]uint32{tagPhotometric, photometricCFA}), "a Pentax PEF file"},
		{"Adobe DNG", tiffWith("Leica", [2]uint32{tagDNGVersion, 0x0401}), "an Adobe DNG file"},
		{"camera raw", camera("Hasselblad"), "a camera's raw file"},
		{"camera raw", tiffWith("", [2]uint32{tagPhotometric, photometricRaw}), "a camera's raw file"},
		{"Olympus ORF", []byte("IIRO\x08\x00\x00\x00"), "an Olympus ORF file"},
		{"Panasonic RW2", []byte("IIU\x00\x08\x00\x00\x00"), "a Panasonic RW2 file"},
		{"Fujifilm RAF", []byte("FUJIFILMCCD-RAW 0201"), "a Fujifilm RAF file"},
		{"Sigma X3F", []byte("FOVb\x00\x00\x02\x00"), "a Sigma X3F file"},
		{"Minolta MRW", []byte("\x00MRM\x00\x00"), "a Minolta MRW file"},
		{"BigTIFF", []byte("II+\x00\x08\x00\x00\x00"), "a BigTIFF picture"},
		{"JPEG XL", []byte("\xff\x0a\x7a\x00"), "a JPEG XL picture"},
		{"JPEG XL", []byte("\x00\x00\x00\x0cJXL \r\n\x87\n"), "a JPEG XL picture"},
		{"JPEG 2000", []byte("\x00\x00\x00\x0cjP  \r\n\x87\n"), "a JPEG 2000 picture"},
		{"MP4", ftyp("isom\x00\x00\x02\x00mp41"), "an MP4 or QuickTime video: save a frame"},
		{"MP4", ftyp("qt  \x00\x00\x02\x00"), "an MP4 or QuickTime video"},
		{"MP4", ftyp("isomavif"), "an MP4 or QuickTime video"}, // not a brand, a version
		{"QuickTime", []byte("\x00\x00\x00\x08wide\x00\x00"), "a QuickTime video"},
		{"Matroska", []byte("\x1a\x45\xdf\xa3\x01"), "a Matroska or WebM video"},
		{"AVI", []byte("RIFF\x00\x00\x00\x00AVI LIST"), "an AVI video"},
		{"MPEG", []byte("\x00\x00\x01\xba\x44"), "an MPEG video"},
		{"Flash Video", []byte("FLV\x01\x05"), "a Flash video"},
		{"Ogg", []byte("OggS\x00\x02"), "an Ogg video"},
		{"PDF", []byte("%PDF-1.7\n"), "a PDF document: export the page as PNG"},
		{"PDF", []byte("\n\n%PDF-1.4\n"), "a PDF document"},
		{"PostScript", []byte("%!PS-Adobe-3.0 EPSF"), "a PostScript file"},
		{"Photoshop", []byte("8BPS\x00\x01"), "a Photoshop file"},
		{"GIMP XCF", []byte("gimp xcf v011"), "a GIMP file"},
		{"Windows icon", []byte("\x00\x00\x01\x00\x01\x00\x10\x10\x00\x00\x01\x00\x20\x00\x68\x04\x00\x00\x16\x00\x00\x00"), "a Windows icon"},
		{"OpenEXR", []byte("\x76\x2f\x31\x01\x02"), "an OpenEXR picture"},
		{"Radiance HDR", []byte("#?RADIANCE\n"), "a Radiance HDR picture"},
		{"DDS", []byte("DDS \x7c\x00\x00\x00"), "a DDS picture"},
		{"QOI", []byte("qoif\x00\x00"), "a QOI picture"},
		{"Netpbm", []byte("P6\n2 2\n255\n"), "a Netpbm picture"},
		{"TGA", []byte("\x00\x00\x02\x00\x01\x01TRUEVISION-XFILE.\x00"), "a TGA picture"},
		{"WMF", []byte("\xd7\xcd\xc6\x9a\x00"), "a Windows metafile"},
		{"EMF", append(make([]byte, 40), " EMF"...), "a Windows metafile"},
		{"GGUF", []byte("GGUF\x03\x00"), "a GGUF model"},
		{"ZIP", []byte("PK\x03\x04\x14"), "a ZIP archive"},
		{"gzip", []byte("\x1f\x8b\x08"), "a gzip file"},
		{"SVG", []byte("\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!-- a -->\n<svg xmlns='x'/>"), "an SVG drawing: export it as PNG"},
		{"SVG", []byte("<svg width='1'/>"), "an SVG drawing"},
		{"HTML", []byte("\n<!DOCTYPE html><svg>"), "a web page: save the picture itself"},
		{"text", []byte("BM is how this text begins, in two letters\n"), "text: put it into the message"},
		{"text", []byte("caf\xc3\xa9"), "text"},
		{"text", append(bytes.Repeat([]byte("a"), 4095), "\xc3\xa9"...), "text"},
		{"", []byte("\x00\x01\x02\x03"), "no picture of a known format: use PNG, JPEG"},
		{"", []byte("caf\xe9"), "no picture of a known format"},
		{"TIFF", load(t, "cmyk.tiff"), "a TIFF in CMYK: which is not read here; convert it to PNG"},
		{"TIFF", load(t, "jpeg.tiff"), "a TIFF "},
		{"TIFF", tiffWith("", [2]uint32{tagWidth, 4}, [2]uint32{tagHeight, 4}, [2]uint32{tagSamples, 3}, [2]uint32{tagPlanar, 2}), "a TIFF with a plane for each colour"},
		{"JPEG", sof(0xc9, 8, 8, 8), "a JPEG of a rare kind"},
		{"JPEG", sof(0xc0, 12, 8, 8), "a JPEG of 12 bits"},
		{"BMP", append([]byte("BM\x46\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x0c\x00\x00\x00"), make([]byte, 60)...), "a BMP of an unusual kind"},
	}
	for _, tt := range tests {
		name, ok := Sniff(tt.data)
		if name != tt.name {
			t.Errorf("%q is %q, want %q", tt.data[:min(len(tt.data), 20)], name, tt.name)
		}
		_, err := Decode(tt.data, Limits{})
		var unsupported *UnsupportedError
		if !errors.As(err, &unsupported) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error is %v, want an UnsupportedError with %q", tt.name, err, tt.want)
			continue
		}
		oneLine(t, err)
		if _, err2 := Measure(tt.data); err2 == nil || err2.Error() != err.Error() {
			t.Errorf("%s: Measure says %v, Decode %v", tt.name, err2, err)
		}
		if ok && !strings.Contains("TIFF JPEG BMP", tt.name) {
			t.Errorf("%s: Sniff says it is decoded", tt.name)
		}
	}
}

func oneLine(t *testing.T, err error) {
	t.Helper()
	if s := err.Error(); !strings.HasPrefix(s, "picture: ") || strings.ContainsAny(s, "\n\r") || len(s) > 250 {
		t.Errorf("error is %q, want one short line of this package", s)
	}
}

// sof is a JPEG that ends behind the header of its frame, of three components.
func sof(marker, bits byte, width, height uint16) []byte {
	b := []byte{0xff, 0xd8, 0xff, marker, 0, 17, bits}
	b = binary.BigEndian.AppendUint16(b, height)
	b = binary.BigEndian.AppendUint16(b, width)
	return append(b, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0)
}

// scan begins a scan of all components, with data.
func scan(jpeg []byte, data int) []byte {
	jpeg = append(jpeg, 0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0)
	return append(jpeg, make([]byte, data)...)
}

// withSize is a copy of a file with other numbers at an offset.
func withSize(data []byte, at int, order binary.AppendByteOrder, size ...uint32) []byte {
	data = bytes.Clone(data)
	var b []byte
	for _, v := range size {
		b = order.AppendUint32(b, v)
	}
	copy(data[at:], b)
	return data
}

// TestAlmostRaw has TIFF files with something of a camera's raw file, which are
// ordinary all the same.
func TestAlmostRaw(t *testing.T) {
	for _, data := range [][]byte{
		tiffWith("NIKON", [2]uint32{tagSubfileType, 1}),
		tiffWith("NIKON", [2]uint32{tagSubIFDs, 8}),
		tiffWith("SONY", [2]uint32{tagSubfileType, 2}, [2]uint32{tagSubIFDs, 8}),
		load(t, "pages.tiff"),
	} {
		if name, ok := Sniff(data); name != "TIFF" || !ok {
			t.Errorf("it is %q, decoded: %v, want TIFF", name, ok)
		}
	}
}

// TestPagesInACircle has a page after which comes the same page.
func TestPagesInACircle(t *testing.T) {
	data := load(t, "raw.tiff")
	d, _ := openDirectories(data)
	entries := int(d.order.Uint16(data[d.first:]))
	d.order.PutUint32(data[int(d.first)+2+12*entries:], d.first)
	p, err := Decode(data, Limits{})
	if err != nil || strings.Join(p.Notes, "") != "the first of 1001 pages" {
		t.Errorf("got %+v, %v", p, err)
	}
}

// TestBombs has small files that would need much to decode. Each is refused without
// anything near it.
func TestBombs(t *testing.T) {
	be, le := binary.BigEndian, binary.LittleEndian
	pngOf := func(w, h uint32) []byte { return withSize(load(t, "rgb.png"), 16, be, w, h) }
	lossless := func(w, h uint32) []byte {
		return appendChunk([]byte("RIFF\x0e\x00\x00\x00WEBP"), "VP8L", append([]byte{0x2f}, le.AppendUint32(nil, w-1|(h-1)<<14)...))
	}
	frame := append(make([]byte, 16), lossless(16384, 16384)[12:]...)
	animation := appendChunk(appendChunk([]byte("RIFF\x2c\x00\x00\x00WEBP"), "VP8X", []byte{2, 0, 0, 0, 9, 0, 0, 9, 0, 0}), "ANMF", frame)
	tags := func(extra ...[2]uint32) []byte {
		return tiffWith("", append([][2]uint32{{tagWidth, 9000}, {tagHeight, 9000}, {tagBits, 8}, {tagCompression, 8}, {tagPhotometric, 1}}, extra...)...)
	}
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"PNG 60000", pngOf(60000, 60000), "the PNG has 60000 x 60000 pixels, want at most 100 million in all"},
		{"PNG header alone", pngOf(60000, 60000)[:33], "the PNG has 60000 x 60000 pixels"},
		{"PNG 2^31", pngOf(1<<31-1, 1<<31-1), "want at most 16777216 a side"},
		{"PNG a strip", pngOf(70000, 10), "want at most 65535 a side"},
		{"PNG with too little data", pngOf(9000, 9000), "are too few for 9000 x 9000 pixels"},
		{"JPEG 60000", scan(sof(0xc0, 8, 60000, 60000), 1<<20), "the JPEG has 60000 x 60000 pixels"},
		{"JPEG with too little data", scan(sof(0xc0, 8, 9000, 9000), 1000), "1000 bytes are too few"},
		{"JPEG of many scans", manyScans(maxScans + 1), "it has more than 100 scans"},
		{"progressive JPEG", scan(bytes.Replace(sof(0xc2, 8, 9000, 9000), []byte{0x22}, []byte{0x11}, 1), 1<<18), "could take 1458 MB to decode"},
		{"JPEG in CMYK", []byte("\xff\xd8\xff\xc0\x00\x14\x08\x23\x28\x23\x28\x04\x01\x11\x00\x02\x11\x00\x03\x11\x00\x04\x11\x00\xff\xda\x00\x02"), "could take 1215 MB to decode"},
		{"GIF 65535", withGIFSize(load(t, "still.gif")), "the GIF has 65535 x 65535 pixels"},
		{"lossless WebP", lossless(16384, 16384), "the WebP has 16384 x 16384 pixels"},
		{"WebP frame larger than its canvas", animation, "the WebP has 10 x 10 pixels and could take 2684 MB"},
		{"BMP", withSize(load(t, "rgb.bmp"), 18, le, 60000, 60000), "the BMP has 60000 x 60000 pixels"},
		{"BMP with too little data", withSize(load(t, "rgb.bmp"), 18, le, 9000, 9000), "the file ends too early"},
		{"BMP 2^31", withSize(load(t, "rgb.bmp"), 18, le, 1<<31-1, 1<<31-1), "want at most 16777216 a side"},
		{"TIFF 60000", tiffWith("", [2]uint32{tagWidth, 60000}, [2]uint32{tagHeight, 60000}), "the TIFF has 60000 x 60000 pixels"},
		{"TIFF 2^32", tiffWith("", [2]uint32{tagWidth, 1<<32 - 1}, [2]uint32{tagHeight, 1<<32 - 1}), "want at most 16777216 a side"},
		{"TIFF of one strip", tags(), "could take 2511 MB"},
		{"TIFF tile", tags([2]uint32{tagTileWidth, 1 << 30}, [2]uint32{tagTileHeight, 1 << 30}), "tiles of 1073741824 x 1073741824 pixels"},
		{"TIFF strips on top of each other", tags([2]uint32{tagRowsPerStrip, 1}, [2]uint32{tagStripCounts, 1 << 30}), "its parts have 1073741824 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var p *Picture
			var err error
			if n := allocated(func() { p, err = Decode(tt.data, Limits{}) }); n > 2<<20 {
				t.Errorf("allocated %d bytes on the way to %v", n, err)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v and error %v, want %q", p != nil, err, tt.want)
			}
			oneLine(t, err)
		})
	}
}

// allocated is the number of bytes that f allocates in all.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func manyScans(n int) []byte {
	b := sof(0xc2, 8, 64, 64)
	for range n {
		b = scan(b, 30)
	}
	return b
}

func withGIFSize(data []byte) []byte {
	data = bytes.Clone(data)
	copy(data[6:], "\xff\xff\xff\xff")
	return data
}

// TestManyFrames decodes the first of 10,000 frames, and not the others.
func TestManyFrames(t *testing.T) {
	const frames, side = 10000, 64
	one := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	var head bytes.Buffer
	if err := gif.EncodeAll(&head, &gif.GIF{Image: []*image.Paletted{one, one}, Delay: []int{1, 1}}); err != nil {
		t.Fatal(err)
	}
	data := bytes.TrimSuffix(head.Bytes(), []byte(";"))
	last := data[bytes.LastIndex(data, []byte("!\xf9\x04")):]
	data = append(bytes.Clone(data), bytes.Repeat(last, frames-2)...)
	data = append(data, ';')

	var p *Picture
	var err error
	n := allocated(func() { p, err = Decode(data, Limits{}) })
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(p.Notes, "; "); got != "the first of 10000 frames" {
		t.Errorf("notes are %q", got)
	}
	if n > 1<<20 { // the frames would have 41 MB
		t.Errorf("allocated %d bytes for a picture of %d", n, len(p.Pix))
	}
}

// TestTruncated cuts every picture. None makes a picture without all of its pixels;
// what follows them, or the first frame, may be missing.
func TestTruncated(t *testing.T) {
	for _, g := range goldens {
		data := load(t, g.file)
		whole, err := Decode(data, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(data); n += stride(n, len(data)) {
			p, err := Decode(data[:n], Limits{})
			switch {
			case err != nil:
				oneLine(t, err)
			case p.Width != whole.Width || !bytes.Equal(p.Pix, whole.Pix):
				t.Errorf("%s cut to %d of %d bytes is another picture", g.file, n, len(data))
			case g.frames == 0 && n < len(data)/2:
				t.Errorf("%s cut to %d of %d bytes is a picture all the same", g.file, n, len(data))
			}
		}
	}
}

// stride goes over a file byte by byte where its headers are and at its end, and in
// steps that meet every kind of place in between.
func stride(at, size int) int {
	if at < 48 || at >= size-16 {
		return 1
	}
	return 13
}

// TestDamaged changes single bytes of every picture: there may be an error or other
// pixels, and nothing else.
func TestDamaged(t *testing.T) {
	for _, g := range goldens {
		data := load(t, g.file)
		for i := 0; i < len(data); i += stride(i, len(data)) {
			bad := bytes.Clone(data)
			bad[i] ^= []byte{0xff, 0x01, 0x80}[i%3]
			holds(t, bad)
		}
	}
}

// holds checks what must be true of any bytes.
func holds(t *testing.T, data []byte) {
	t.Helper()
	limits := Limits{Pixels: 1 << 18, Memory: 16 << 20}
	info, measured := Measure(data)
	p, err := Decode(data, limits)
	if err != nil {
		var unsupported *UnsupportedError
		var large *LimitError
		var broken *FormatError
		if !errors.As(err, &unsupported) && !errors.As(err, &large) && !errors.As(err, &broken) {
			t.Errorf("error is a %T: %v", err, err)
		}
		oneLine(t, err)
		return
	}
	if measured != nil || info.Width != p.Width || info.Height != p.Height || info.Format != p.Format {
		t.Errorf("measured %+v and %v, decoded %s %dx%d", info, measured, p.Format, p.Width, p.Height)
	}
	if len(p.Pix) != 3*p.Width*p.Height || len(p.Pix) == 0 || len(p.Pix) > 3*int(limits.Pixels) {
		t.Errorf("%d bytes for %d x %d pixels", len(p.Pix), p.Width, p.Height)
	}
}

// TestDecoderPanics makes an error of a panic.
func TestDecoderPanics(t *testing.T) {
	h := header{Info: Info{Format: "PNG"}, decode: func([]byte) (image.Image, error) { panic("index out of range") }}
	if _, err := h.safely(nil); err == nil || err.Error() != "picture: broken PNG: the decoder gave up: index out of range" {
		t.Errorf("error is %v", err)
	}
}

// TestContentDecides reads a picture whatever its name is.
func TestContentDecides(t *testing.T) {
	path := filepath.Join(t.TempDir(), "photo.png")
	if err := os.WriteFile(path, load(t, "rgb444.jpg"), 0o600); err != nil {
		t.Fatal(err)
	}
	data, err := ReadFile(path, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := Decode(data, Limits{}); err != nil || p.Format != "JPEG" {
		t.Errorf("got %+v, %v", p, err)
	}
}

func TestReadErrors(t *testing.T) {
	dir := t.TempDir()
	small := filepath.Join(dir, "small")
	if err := os.WriteFile(small, make([]byte, 11), 0o600); err != nil {
		t.Fatal(err)
	}
	ten := Limits{Bytes: 10}
	readFile := func(path string, l Limits) error { _, err := ReadFile(path, l); return err }
	_, stream := ReadAll(bytes.NewReader(make([]byte, 11)), ten)
	_, fits := ReadAll(bytes.NewReader(make([]byte, 10)), ten)
	_, fault := ReadAll(io.MultiReader(bytes.NewReader([]byte("GIF")), faulty{}), Limits{})
	_, empty := Decode(nil, Limits{})
	_, long := Decode(make([]byte, 11), ten)
	tests := []struct {
		err  error
		want string
	}{
		{readFile(dir, Limits{}), "picture: " + dir + " is a folder: name a picture in it"},
		{readFile(filepath.Join(dir, "none"), Limits{}), "picture: opening " + filepath.Join(dir, "none") + ": "},
		{readFile(small, ten), "picture: " + small + " has 11 bytes, want at most 10 bytes"},
		{stream, "picture: the stream has more than 10 bytes"},
		{fault, "picture: reading: the cable is out"},
		{empty, "picture: the file is empty"},
		{long, "picture: the file has 11 bytes, want at most 10 bytes"},
	}
	for _, tt := range tests {
		if tt.err == nil || !strings.HasPrefix(tt.err.Error(), tt.want) {
			t.Errorf("error is %v, want %q", tt.err, tt.want)
			continue
		}
	}
	if fits != nil {
		t.Errorf("ten bytes of ten: %v", fits)
	}
}

type faulty struct{}

func (faulty) Read([]byte) (int, error) { return 0, errors.New("the cable is out") }

// TestLargeMarkers reads a JPEG behind more segments than usual, among them fill bytes.
func TestLargeMarkers(t *testing.T) {
	data := load(t, "rgb420.jpg")
	var b bytes.Buffer
	b.Write(data[:2])
	for range 50 {
		b.WriteString("\xff\xff\xff\xe5\x00\x06junk")
	}
	b.Write(data[2:])
	p, err := Decode(b.Bytes(), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := Decode(data, Limits{})
	if err != nil || !bytes.Equal(p.Pix, want.Pix) {
		t.Errorf("other pixels, error %v", err)
	}
}

// TestRGBInJPEG reads red, green and blue that are stored as such.
func TestRGBInJPEG(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 16, 16))
	for i := range m.Pix {
		m.Pix[i] = 200
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.Image(asColour{m}), &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	// Gray as luma and chroma is (200, 128, 128), which taken for RGB is a red.
	data := append([]byte("\xff\xd8\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"), b.Bytes()[2:]...)
	p, err := Decode(data, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Pix[0] < 198 || p.Pix[1] > 130 || p.Pix[2] > 130 {
		t.Errorf("the first pixel is %v, want about 200, 128, 128", p.Pix[:3])
	}
}

// asColour hides that an image is gray.
type asColour struct{ image.Image }

func (asColour) ColorModel() color.Model { return color.RGBAModel }
