package picture

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf8"
)

// Sniff tells the format of a file by its content. ok is false if this package does
// not decode it; format then is its name all the same, or empty if that is unknown.
func Sniff(data []byte) (format string, ok bool) {
	f := sniff(data)
	return f.name, f.header != nil
}

// A format is one that is told from others, and what to do with it.
type format struct {
	name   string
	is     func(data []byte) bool
	header func(data []byte) (header, error) // nil: not decoded
	kind   string                            // what the file is, in an UnsupportedError; if empty, "a NAME picture"
	advice string                            // what to do with a file that is not decoded
}

func (f *format) refusal() error {
	if f.name == "" {
		return &UnsupportedError{Format: "no picture of a known format", Advice: "use " + readable}
	}
	kind := f.kind
	if kind == "" {
		kind = "a " + f.name + " picture"
	}
	return &UnsupportedError{Format: kind, Advice: f.advice}
}

const (
	readable = "PNG, JPEG, GIF, WebP, BMP or TIFF"

	toJPEG  = "which is not read here; convert it to JPEG or PNG"
	develop = "the raw data of a camera; develop it to JPEG or TIFF with the camera's program or a raw converter"
	export  = "which is not read here; export it as PNG or JPEG"
	frame   = "save a frame of it as PNG or JPEG"
)

// formats in the order in which they are tried: those with a clear mark first, text
// last.
var formats = []format{
	{name: "PNG", is: magic(0, "\x89PNG\r\n\x1a\n"), header: pngHeader},
	{name: "JPEG", is: magic(0, "\xff\xd8\xff"), header: jpegHeader},
	{name: "GIF", is: either(magic(0, "GIF87a"), magic(0, "GIF89a")), header: gifHeader},
	{name: "WebP", is: both(magic(0, "RIFF"), magic(8, "WEBP")), header: webpHeader},

	{name: "Canon CR2", is: both(magic(0, "II*\x00"), magic(8, "CR")), kind: "a Canon CR2 file", advice: develop},
	{name: "Olympus ORF", is: either(magic(0, "IIRO"), magic(0, "IIRS"), magic(0, "MMOR")), kind: "an Olympus ORF file", advice: develop},
	{name: "Panasonic RW2", is: magic(0, "IIU\x00"), kind: "a Panasonic RW2 file", advice: develop},
	{name: "Fujifilm RAF", is: magic(0, "FUJIFILMCCD-RAW"), kind: "a Fujifilm RAF file", advice: develop},
	{name: "Canon CRW", is: magic(6, "HEAPCCDR"), kind: "a Canon CRW file", advice: develop},
	{name: "Sigma X3F", is: magic(0, "FOVb"), kind: "a Sigma X3F file", advice: develop},
	{name: "Minolta MRW", is: magic(0, "\x00MRM"), kind: "a Minolta MRW file", advice: develop},
	{name: "Adobe DNG", is: rawIn("DNG"), kind: "an Adobe DNG file", advice: develop},
	{name: "Nikon NEF", is: rawIn("NIKON"), kind: "a Nikon NEF file", advice: develop},
	{name: "Sony ARW", is: rawIn("SONY"), kind: "a Sony ARW file", advice: develop},
	{name: "Pentax PEF", is: either(rawIn("PENTAX"), rawIn("RICOH")), kind: "a Pentax PEF file", advice: develop},
	{name: "Samsung SRW", is: rawIn("SAMSUNG"), kind: "a Samsung SRW file", advice: develop},
	{name: "camera raw", is: rawIn(""), kind: "a camera's raw file", advice: develop},
	{name: "BigTIFF", is: either(magic(0, "II+\x00"), magic(0, "MM\x00+")), advice: toJPEG},
	{name: "TIFF", is: either(magic(0, "II*\x00"), magic(0, "MM\x00*")), header: tiffHeader},
	{name: "BMP", is: isBMP, header: bmpHeader},

	{name: "AVIF", is: brand("avif", "avis"), kind: "an AVIF picture", advice: toJPEG},
	{name: "HEIC", is: brand("heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "mif2", "msf1"),
		advice: toJPEG + " (phones can be set to take JPEG, macOS converts with: sips -s format jpeg FILE --out FILE.jpg)"},
	{name: "Canon CR3", is: brand("crx "), kind: "a Canon CR3 file", advice: develop},
	{name: "JPEG XL", is: either(magic(0, "\xff\x0a"), magic(0, "\x00\x00\x00\x0cJXL \r\n\x87\n")), advice: toJPEG},
	{name: "JPEG 2000", is: either(magic(0, "\x00\x00\x00\x0cjP  \r\n\x87\n"), magic(0, "\xff\x4f\xff\x51")), advice: toJPEG},
	{name: "MP4", is: magic(4, "ftyp"), kind: "an MP4 or QuickTime video", advice: frame},
	{name: "QuickTime", is: either(magic(4, "moov"), magic(4, "mdat"), magic(4, "wide")), kind: "a QuickTime video", advice: frame},
	{name: "Matroska", is: magic(0, "\x1a\x45\xdf\xa3"), kind: "a Matroska or WebM video", advice: frame},
	{name: "AVI", is: both(magic(0, "RIFF"), magic(8, "AVI ")), kind: "an AVI video", advice: frame},
	{name: "MPEG", is: either(magic(0, "\x00\x00\x01\xba"), magic(0, "\x00\x00\x01\xb3")), kind: "an MPEG video", advice: frame},
	{name: "Flash Video", is: magic(0, "FLV\x01"), kind: "a Flash video", advice: frame},
	{name: "Ogg", is: magic(0, "OggS"), kind: "an Ogg video or sound", advice: frame},

	{name: "PDF", is: isPDF, kind: "a PDF document", advice: "export the page as PNG or JPEG"},
	{name: "PostScript", is: either(magic(0, "%!PS"), magic(0, "\xc5\xd0\xd3\xc6")), kind: "a PostScript file", advice: "export the page as PNG or JPEG"},
	{name: "Photoshop", is: magic(0, "8BPS"), kind: "a Photoshop file", advice: export},
	{name: "GIMP XCF", is: magic(0, "gimp xcf"), kind: "a GIMP file", advice: export},
	{name: "Windows icon", is: isIcon, kind: "a Windows icon or cursor", advice: toJPEG},
	{name: "OpenEXR", is: magic(0, "\x76\x2f\x31\x01"), kind: "an OpenEXR picture", advice: toJPEG},
	{name: "Radiance HDR", is: either(magic(0, "#?RADIANCE"), magic(0, "#?RGBE")), advice: toJPEG},
	{name: "DDS", is: magic(0, "DDS \x7c"), advice: toJPEG},
	{name: "QOI", is: magic(0, "qoif"), advice: toJPEG},
	{name: "Netpbm", is: isNetpbm, advice: toJPEG},
	{name: "TGA", is: magicAtEnd("TRUEVISION-XFILE.\x00"), advice: toJPEG},
	{name: "WMF", is: magic(0, "\xd7\xcd\xc6\x9a"), kind: "a Windows metafile", advice: export},
	{name: "EMF", is: magic(40, " EMF"), kind: "a Windows metafile", advice: export},

	{name: "GGUF", is: magic(0, "GGUF"), kind: "a GGUF model", advice: "name a picture here, and the model where a model belongs"},
	{name: "ZIP", is: magic(0, "PK\x03\x04"), kind: "a ZIP archive or an office document", advice: "unpack it, or export the page as PNG or JPEG"},
	{name: "gzip", is: magic(0, "\x1f\x8b"), kind: "a gzip file", advice: "unpack it first"},
	{name: "HTML", is: isHTML, kind: "a web page", advice: "save the picture itself"},
	{name: "SVG", is: isSVG, kind: "an SVG drawing", advice: "export it as PNG, in the size it is to be seen"},
	{name: "text", is: isText, kind: "text", advice: "put it into the message itself"},
}

func sniff(data []byte) *format {
	for i := range formats {
		if formats[i].is(data) {
			return &formats[i]
		}
	}
	return &format{}
}

type test = func(data []byte) bool

func magic(at int, mark string) test {
	return func(data []byte) bool { return len(data) >= at && bytes.HasPrefix(data[at:], []byte(mark)) }
}

func magicAtEnd(mark string) test {
	return func(data []byte) bool { return bytes.HasSuffix(data, []byte(mark)) }
}

func either(tests ...test) test {
	return func(data []byte) bool {
		return slices.ContainsFunc(tests, func(t test) bool { return t(data) })
	}
}

func both(a, b test) test {
	return func(data []byte) bool { return a(data) && b(data) }
}

// rawIn is a test for TIFF files that hold the raw data of a camera, of a maker whose
// name begins like this.
func rawIn(maker string) test {
	return func(data []byte) bool {
		found, ok := rawMaker(data)
		return ok && strings.HasPrefix(strings.ToUpper(found), maker)
	}
}

// brand is a test for the brands of an ISO base media file (ISO/IEC 14496-12, 4.3):
// the first box lists them.
func brand(brands ...string) test {
	return func(data []byte) bool {
		if !magic(4, "ftyp")(data) {
			return false
		}
		size := min(int(binary.BigEndian.Uint32(data)), len(data), 256)
		for i := 8; i+4 <= size; i += 4 {
			if i != 12 && slices.Contains(brands, string(data[i:i+4])) { // at 12 is a version
				return true
			}
		}
		return false
	}
}

// isBMP wants more than the two letters, which text may begin with too.
func isBMP(data []byte) bool {
	if len(data) < 18 || string(data[:2]) != "BM" {
		return false
	}
	switch binary.LittleEndian.Uint32(data[14:]) { // size of the second header
	case 12, 16, 40, 52, 56, 64, 108, 124:
		return true
	}
	return false
}

// isPDF allows junk in front, as readers of PDF do.
func isPDF(data []byte) bool { return bytes.Contains(data[:min(len(data), 1024)], []byte("%PDF-")) }

func isIcon(data []byte) bool {
	if len(data) < 22 || data[0] != 0 || data[1] != 0 || data[3] != 0 || data[9] != 0 {
		return false
	}
	return (data[2] == 1 || data[2] == 2) && data[4] != 0
}

func isNetpbm(data []byte) bool {
	return len(data) > 2 && data[0] == 'P' && data[1] >= '1' && data[1] <= '7' && strings.IndexByte(" \t\r\n#", data[2]) >= 0
}

// isSVG allows a byte order mark, an XML declaration, comments and a document type in
// front of the element.
func isSVG(data []byte) bool {
	b := beginning(data)
	return bytes.HasPrefix(b, []byte("<")) && bytes.Contains(b, []byte("<svg"))
}

func isHTML(data []byte) bool {
	b := bytes.ToLower(beginning(data))
	return bytes.HasPrefix(b, []byte("<!doctype html")) || bytes.HasPrefix(b, []byte("<html"))
}

// beginning is the first few KB of text, without byte order mark and white space.
func beginning(data []byte) []byte {
	b := bytes.TrimPrefix(data[:min(len(data), 4096)], []byte("\xef\xbb\xbf"))
	return bytes.TrimLeft(b, " \t\r\n")
}

// isText is UTF-8 without control characters.
func isText(data []byte) bool {
	b := data[:min(len(data), 4096)]
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return len(b) < len(data) && !utf8.FullRune(b[i:]) // cut by us
		}
		if r < ' ' && !strings.ContainsRune("\t\n\r\f\v\x1b", r) {
			return false
		}
		i += n
	}
	return len(b) > 0
}
