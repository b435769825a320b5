package picture

import (
	"bytes"
	"image"

	"golang.org/x/image/tiff"
)

// maxPages bounds the walk from page to page, each of which may point anywhere.
const maxPages = 1000

// tiffHeader reads the first directory of a TIFF and counts the others.
func tiffHeader(data []byte) (h header, err error) {
	d, ok := openDirectories(data)
	if !ok {
		return h, errShort
	}
	tags, next, ok := d.read(d.first)
	if !ok {
		return h, errShort
	}
	width, height := d.one(tags, tagWidth, 0), d.one(tags, tagHeight, 0)
	if h.stored, err = sized("TIFF", width, height); err != nil {
		return h, err
	}
	h.orientation = int(d.one(tags, tagOrientation, 1))
	if e, ok := tags[tagICCProfile]; ok {
		h.profile = profileName(e.value)
	}
	h.Frames = 1 + d.pages(next)
	if err := d.kind(tags); err != nil {
		return h, err
	}
	if h.memory, err = d.memory(tags, width, height); err != nil {
		return h, err
	}
	if d.one(tags, tagBits, 1) == 16 {
		h.notes = append(h.notes, note16Bit)
	}
	fax := d.one(tags, tagCompression, 1)
	negative := (fax == 3 || fax == 4) && d.one(tags, tagPhotometric, -1) == photometricBlackIsZero
	h.decode = func(data []byte) (image.Image, error) {
		img, err := tiff.Decode(bytes.NewReader(data))
		if negative {
			invert(img)
		}
		return img, err
	}
	return h, nil
}

// invert makes black white. The decoder takes a fax's white runs for white, as the
// recommendation has it; where black is zero, libtiff takes them for zeros, hence
// black, and so do the programs that write such files.
func invert(img image.Image) {
	if gray, ok := img.(*image.Gray); ok {
		for i, v := range gray.Pix {
			gray.Pix[i] = 255 - v
		}
	}
}

// pages counts the directories from the one at an offset on.
func (d directories) pages(offset uint32) (n int) {
	for offset != 0 && n < maxPages {
		_, next, ok := d.read(offset)
		if !ok {
			break
		}
		n, offset = n+1, next
	}
	return n
}

// kind refuses what the decoder does not do, or does wrong.
func (d directories) kind(tags map[uint16]entry) error {
	refuse := func(kind string) error {
		return &UnsupportedError{Format: "a TIFF " + kind, Advice: "which is not read here; convert it to PNG, or to a TIFF of plain RGB"}
	}
	switch d.one(tags, tagPhotometric, -1) {
	case photometricCMYK:
		return refuse("in CMYK")
	case photometricYCbCr:
		return refuse("in YCbCr")
	}
	switch d.one(tags, tagCompression, 1) {
	case 6, 7:
		return refuse("with JPEG inside")
	case 50000:
		return refuse("with Zstandard compression")
	case 50001:
		return refuse("with WebP inside")
	}
	if d.one(tags, tagPlanar, 1) == 2 && d.one(tags, tagSamples, 1) > 1 {
		return refuse("with a plane for each colour")
	}
	return nil
}

// memory is what the decoder takes, and checks that the work it does is in
// proportion to the file: strips may overlap, and each is read to its end.
func (d directories) memory(tags map[uint16]entry, width, height int64) (int64, error) {
	bytesPerPixel := int64(4)
	if d.one(tags, tagBits, 1) == 16 {
		bytesPerPixel = 8
	}
	counts := tags[tagStripCounts]
	blockWidth, blockHeight := width, min(d.one(tags, tagRowsPerStrip, height), height)
	if w := d.one(tags, tagTileWidth, 0); w != 0 {
		counts = tags[tagTileCounts]
		blockWidth, blockHeight = w, d.one(tags, tagTileHeight, 0)
		if blockWidth > width+1024 || blockHeight > height+1024 {
			return 0, broken("tiles of %d x %d pixels in a picture of %d x %d", blockWidth, blockHeight, width, height)
		}
	}
	total, largest := int64(0), int64(0)
	for i := range counts.count() {
		n := d.number(counts, i)
		total, largest = total+n, max(largest, n)
	}
	if total > int64(len(d.data)) {
		return 0, broken("its parts have %d bytes, the file %d", total, len(d.data))
	}
	// A block is read into a buffer that doubles as it grows: as it is, or inflated to
	// up to 8 bytes a pixel.
	block := 3 * largest
	if d.one(tags, tagCompression, 1) != 1 {
		block = 3 * 8 * blockWidth * blockHeight
	}
	return bytesPerPixel*width*height + block, nil
}
