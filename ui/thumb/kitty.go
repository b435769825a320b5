package thumb

import (
	"fmt"
	"image"
	"math"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/ansi/kitty"
)

// Kitty is a picture that the terminal draws itself, by the kitty graphics protocol
// (https://sw.kovidgoyal.net/kitty/graphics-protocol/, "Unicode placeholders"). It is
// sent once, by Transmit; then the terminal shows it wherever the text of Lines
// stands. Delete before leaving: the terminal keeps it until then.
type Kitty struct {
	ID         uint32 // of the picture in this terminal, not 0; 16 to 255 also pass where there are 256 colours
	Cols, Rows int    // cells that it takes, 1 to MostKitty
	Tmux       bool   // tmux is between: it has to let sequences pass (allow-passthrough)
}

// MostKitty is the most columns or rows of a Kitty: there are marks for that many.
const MostKitty = 297

// The cell that is assumed when a terminal does not tell the size of its own, and the
// largest one that is believed, in pixels.
var (
	usualCell = image.Pt(10, 20)
	mostCell  = image.Pt(64, 128)
)

// mostPixels is the most that are sent of a picture: what a large screen shows.
const mostPixels = 4 << 20

func (k Kitty) check() error {
	if k.ID == 0 {
		return fmt.Errorf("thumb: kitty: the id is 0, want 1 or more")
	}
	if min(k.Cols, k.Rows) < 1 || max(k.Cols, k.Rows) > MostKitty {
		return fmt.Errorf("thumb: kitty: picture %d is %d x %d cells, want 1 to %d each", k.ID, k.Cols, k.Rows, MostKitty)
	}
	return nil
}

// Transmit is the sequence that gives the terminal the picture, as PNG in pieces of
// 4096 bytes, scaled down to the cells that it takes. cell is the size of one in
// pixels, or zero if it is not known. The terminal does not answer.
func (k Kitty) Transmit(img image.Image, cell image.Point) (string, error) {
	if err := k.check(); err != nil {
		return "", err
	}
	if img == nil || img.Bounds().Empty() {
		return "", fmt.Errorf("thumb: kitty: picture %d has no pixels", k.ID)
	}
	if cell.X < 1 || cell.Y < 1 {
		cell = usualCell
	}
	cell = image.Pt(min(cell.X, mostCell.X), min(cell.Y, mostCell.Y))
	var b strings.Builder
	err := kitty.EncodeGraphics(&b, k.shrink(img, cell), &kitty.Options{
		Action: kitty.TransmitAndPut, Transmission: kitty.Direct, Format: kitty.PNG, Quiet: 2, // no answers, no errors
		ID: int(k.ID), VirtualPlacement: true, Columns: k.Cols, Rows: k.Rows,
		Chunk: true, ChunkFormatter: k.wrap,
	})
	if err != nil {
		return "", fmt.Errorf("thumb: kitty: picture %d: %w", k.ID, err)
	}
	return b.String(), nil
}

// shrink is the picture in no more pixels than its cells have.
func (k Kitty) shrink(img image.Image, cell image.Point) image.Image {
	b := img.Bounds()
	width, height := min(b.Dx(), k.Cols*cell.X), min(b.Dy(), k.Rows*cell.Y)
	if over := float64(width) * float64(height) / mostPixels; over > 1 {
		width, height = int(float64(width)/math.Sqrt(over)), int(float64(height)/math.Sqrt(over))
	}
	w, h := within(b.Dx(), b.Dy(), max(width, 1), max(height, 1))
	return scaled(img, w, h)
}

// Lines is the text in whose place the terminal shows the picture: Rows lines of Cols
// cells. Every cell says by itself which part of the picture it is, so lines and
// columns can be left out. Without a valid size there are none.
func (k Kitty) Lines() []string {
	if k.check() != nil {
		return nil
	}
	// The colour of the text is the id: its low 24 bits, or a colour's number. The
	// high 8 bits are a mark.
	begin := fmt.Sprintf("\x1b[38;2;%d;%d;%dm", k.ID>>16&0xFF, k.ID>>8&0xFF, k.ID&0xFF)
	if k.ID < 256 {
		begin = "\x1b[38;5;" + strconv.Itoa(int(k.ID)) + "m"
	}
	high := ""
	if k.ID>>24 != 0 {
		high = string(kitty.Diacritic(int(k.ID >> 24)))
	}
	lines := make([]string, k.Rows)
	for row := range lines {
		var b strings.Builder
		b.WriteString(begin)
		for col := range k.Cols {
			b.WriteRune(kitty.Placeholder)
			b.WriteRune(kitty.Diacritic(row))
			b.WriteRune(kitty.Diacritic(col))
			b.WriteString(high)
		}
		b.WriteString("\x1b[39m")
		lines[row] = b.String()
	}
	return lines
}

// Delete is the sequence that takes the picture from the terminal, wherever it shows.
func (k Kitty) Delete() string {
	o := kitty.Options{Action: kitty.Delete, Delete: kitty.DeleteID, DeleteResources: true, ID: int(k.ID), Quiet: 2}
	return k.wrap(ansi.KittyGraphics(nil, withoutFormat(o.Options())...))
}

// withoutFormat leaves out the format that options have by default.
func withoutFormat(options []string) []string {
	var list []string
	for _, o := range options {
		if !strings.HasPrefix(o, "f=") {
			list = append(list, o)
		}
	}
	return list
}

// wrap makes a sequence pass through what is between here and the terminal.
func (k Kitty) wrap(sequence string) string {
	if k.Tmux {
		return ansi.TmuxPassthrough(sequence)
	}
	return sequence
}
