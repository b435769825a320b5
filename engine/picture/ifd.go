package picture

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// Directories of TIFF 6.0, in which EXIF and the raw files of most cameras are
// written too.

// Tags, of TIFF 6.0 where nothing else is said.
const (
	tagSubfileType         = 254 // bit 0: a smaller version of another picture
	tagWidth               = 256
	tagHeight              = 257
	tagBits                = 258
	tagCompression         = 259
	tagPhotometric         = 262
	tagMake                = 271
	tagOrientation         = 274
	tagSamples             = 277
	tagRowsPerStrip        = 278
	tagStripCounts         = 279
	tagPlanar              = 284
	tagTileWidth           = 322
	tagTileHeight          = 323
	tagTileCounts          = 325
	tagSubIFDs             = 330   // TIFF Technical Note 1
	tagICCProfile          = 34675 // ICC.1, annex B
	tagDNGVersion          = 50706 // DNG specification
	photometricCFA         = 32803 // TIFF/EP: a sensor's mosaic
	photometricRaw         = 34892 // DNG: linear raw
	photometricBlackIsZero = 1
	photometricCMYK        = 5
	photometricYCbCr       = 6
)

// directories reads a TIFF structure, whatever it is in.
type directories struct {
	data  []byte
	order binary.ByteOrder
	first uint32 // offset of the first directory
}

func openDirectories(data []byte) (directories, bool) {
	d := directories{data: data}
	switch {
	case len(data) < 8:
		return d, false
	case bytes.HasPrefix(data, []byte("II*\x00")):
		d.order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte("MM\x00*")):
		d.order = binary.BigEndian
	default:
		return d, false
	}
	d.first = d.order.Uint32(data[4:])
	return d, true
}

// entry is a tag's value, still in the file.
type entry struct {
	kind  uint16 // 1 byte, 2 text, 3 uint16, 4 uint32, 7 bytes
	value []byte // whole numbers of elements
}

// read reads the directory at an offset; next is that of the next one, 0 if there
// is none. What lies beyond the end of the file is left out.
func (d directories) read(offset uint32) (tags map[uint16]entry, next uint32, ok bool) {
	if uint64(offset)+2 > uint64(len(d.data)) {
		return nil, 0, false
	}
	at := d.data[offset:]
	n := int(d.order.Uint16(at))
	at = at[2:]
	if len(at) < 12*n {
		return nil, 0, false
	}
	tags = make(map[uint16]entry, n)
	for i := range n {
		e := at[12*i : 12*i+12]
		tag, kind := d.order.Uint16(e), d.order.Uint16(e[2:])
		size := uint64(d.order.Uint32(e[4:])) * uint64(sizeOf(kind))
		value := e[8:12]
		if size > 4 {
			from := uint64(d.order.Uint32(value))
			if from > uint64(len(d.data)) || size > uint64(len(d.data))-from {
				continue
			}
			value = d.data[from:]
		}
		tags[tag] = entry{kind, value[:size]}
	}
	if len(at) >= 12*n+4 {
		next = d.order.Uint32(at[12*n:])
	}
	return tags, next, true
}

// sizeOf is the size of an element; 0 for those nobody here asks for.
func sizeOf(kind uint16) int {
	switch kind {
	case 1, 2, 7:
		return 1
	case 3:
		return 2
	case 4:
		return 4
	}
	return 0
}

// count is the number of elements of e that number can read.
func (e entry) count() int {
	if n := sizeOf(e.kind); n != 0 && e.kind != 2 && e.kind != 7 {
		return len(e.value) / n
	}
	return 0
}

// number is element i of e, which must be less than e.count().
func (d directories) number(e entry, i int) int64 {
	switch e.kind {
	case 3:
		return int64(d.order.Uint16(e.value[2*i:]))
	case 4:
		return int64(d.order.Uint32(e.value[4*i:]))
	}
	return int64(e.value[i])
}

// one is the first number of a tag, or absent if it has none.
func (d directories) one(tags map[uint16]entry, tag uint16, absent int64) int64 {
	if e := tags[tag]; e.count() > 0 {
		return d.number(e, 0)
	}
	return absent
}

func text(e entry) string {
	if e.kind != 2 {
		return ""
	}
	s, _, _ := strings.Cut(string(e.value), "\x00")
	return strings.TrimSpace(s)
}

// exifOrientation reads the orientation of EXIF data: 1 to 8, or 0 if it says none.
func exifOrientation(data []byte) int {
	d, ok := openDirectories(data)
	if !ok {
		return 0
	}
	tags, _, ok := d.read(d.first)
	if !ok {
		return 0
	}
	return int(d.one(tags, tagOrientation, 0))
}

// rawMaker recognises a TIFF file that is a camera's raw file, and says whose. Such
// files have the sensor's mosaic as their first picture, or a small preview and the
// rest further down; that preview alone is not what a person means.
func rawMaker(data []byte) (maker string, ok bool) {
	d, ok := openDirectories(data)
	if !ok {
		return "", false
	}
	tags, _, ok := d.read(d.first)
	if !ok {
		return "", false
	}
	if _, dng := tags[tagDNGVersion]; dng {
		return "DNG", true
	}
	maker = text(tags[tagMake])
	preview := d.one(tags, tagSubfileType, 0)&1 != 0
	_, more := tags[tagSubIFDs]
	switch d.one(tags, tagPhotometric, -1) {
	case photometricCFA, photometricRaw:
		return maker, true
	}
	return maker, preview && more
}
