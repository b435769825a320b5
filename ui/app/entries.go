package app

import (
	"fmt"
	"strings"
	"time"

	"scout/ui/safetext"
)

// Fit is what a machine makes of a model. The zero value is that nobody knows.
type Fit string

// The fits.
const (
	Fits   Fit = "fits"    // all of it in the memory that is free
	Tight  Fit = "tight"   // other programs are in the way, or parts come from the disk and that is bearable
	TooBig Fit = "too big" // most of it would be read from the disk for every token
)

// mark is a fit in a sign and a word, since a sign alone says little and a colour less.
func (f Fit) mark() string {
	switch f {
	case Fits:
		return "✓ fits"
	case Tight:
		return "~ tight"
	case TooBig:
		return "✗ too big"
	}
	return "-"
}

// ModelEntry is a model that can be chosen, or one quantization of it. What is not
// known is left zero.
type ModelEntry struct {
	Name  string // what Config.Load is asked for, and Pulls.Add if it is Away
	Quant string // the quantization, as its makers write it
	Size  int64  // bytes of all its files
	Note  string // what it is, in a few words
	Away  bool   // not on this machine: it has to be pulled
	Best  bool   // of the quantizations of its model, what this machine does best with
	Pick  bool   // of all models, what suits this machine best

	Fit         Fit
	Need        int64         // bytes of memory it takes, with its context
	Slow, Fast  float64       // tokens a second that are expected: with a full context, and with an empty one
	Prefill     float64       // tokens of a prompt that are read in a second, as expected
	Read        time.Duration // that its weights take to come into memory
	Cached      float64       // share of the file that the system has in memory already; negative: unknown
	Quality     string        // what the quantization costs, with where that was measured
	Description string        // a sentence more, for under the table
}

// label is what a row is called: the quantization if the list is of those.
func (e ModelEntry) label(quants bool) string {
	if quants && e.Quant != "" {
		return safetext.Line(e.Quant)
	}
	return shortName(e.Name)
}

// speed is the expected rate, as a range if depth matters.
func (e ModelEntry) speed() string {
	if e.Fast <= 0 {
		return "-"
	}
	slow, fast := speedText(e.Slow), speedText(e.Fast)
	if e.Slow <= 0 || slow == fast {
		return fast
	}
	return slow + "-" + fast
}

// speedText is a rate of which no more digits are shown than are worth it.
func speedText(rate float64) string {
	switch {
	case rate <= 0:
		return "-"
	case rate < 1:
		return fmt.Sprintf("%.1g", rate)
	case rate < 10:
		return fmt.Sprintf("%.1f", rate)
	}
	return fmt.Sprintf("%.0f", rate)
}

// The columns of a table of models, in cells, behind the name.
const (
	sizeCells, fitCells, speedCells = 8, 9, 9
	figureCells                     = sizeCells + fitCells + speedCells + 6
)

// entryName is how wide the first column is.
func entryName(width int, quants bool) int {
	if quants {
		return max(8, min(14, width-figureCells-2))
	}
	return max(8, min(40, width-figureCells-14))
}

// entryHead is the heading of a table of models.
func entryHead(quants bool) func(s *styles, width int) string {
	return func(s *styles, width int) string {
		name := "Model"
		if quants {
			name = "Quant"
		}
		return "  " + s.muted.Render(entryLine(name, "Size", "Fit", "tok/s est", "Quality", "State", width-2, quants))
	}
}

func entryLine(name, size, fits, speed, quality, state string, width int, quants bool) string {
	if width < 56 || !quants && width < 66 {
		// The state gives way to figures, the name to both.
		room := max(8, width-sizeCells-fitCells-3)
		return cut(shorten(name, room)+" "+right(size, sizeCells)+" "+fit(fits, fitCells), width)
	}
	line := shorten(name, entryName(width, quants)) + " " + right(size, sizeCells) + "  " + fit(fits, fitCells) + " " + right(speed, speedCells)
	if room := width - entryName(width, quants) - figureCells - len("answers now") - 3; quants && room >= 12 {
		line += "  " + fit(quality, room)
	}
	return sides(line, state, width)
}

// row draws an entry.
func (e ModelEntry) row(current string, quants bool) func(width int) string {
	size := "-"
	if e.Size > 0 {
		size = fileText(e.Size)
	}
	state := "here"
	switch {
	case e.Name == current && current != "":
		state = "answers now"
	case e.Away && e.Best:
		state = "★ get"
	case e.Away:
		state = "get"
	case e.Best:
		state = "★ here"
	}
	quality := safetext.Line(e.Quality)
	return func(width int) string {
		return entryLine(e.label(quants), size, e.Fit.mark(), e.speed(), quality, state, width, quants)
	}
}

// right is a text at the right end of width cells.
func right(text string, width int) string {
	if n := width - len([]rune(text)); n > 0 {
		return strings.Repeat(" ", n) + text
	}
	return cut(text, width)
}
