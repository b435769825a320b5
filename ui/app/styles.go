package app

import (
	"image/color"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"scout/themes"
	"scout/ui/safetext"
)

// styles is a theme made ready for drawing. Widgets ask for the role that a thing
// plays.
type styles struct {
	theme themes.Theme

	text, muted, accent, key, command, quoted, bad, good, warning lipgloss.Style
	you, reply, border, chip, selected, gauge, gaugeEmpty         lipgloss.Style
}

func newStyles(t themes.Theme) styles {
	fg := func(c color.Color) lipgloss.Style {
		s := lipgloss.NewStyle()
		if c != nil {
			s = s.Foreground(c)
		}
		return s
	}
	on := func(s lipgloss.Style, c color.Color) lipgloss.Style {
		if c == nil {
			return s.Reverse(true)
		}
		return s.Background(c)
	}
	return styles{
		theme: t,
		text:  fg(t.Text), muted: fg(t.Muted), accent: fg(t.Accent).Bold(true), key: fg(t.Option),
		command: fg(t.Command), quoted: fg(t.Quoted), bad: fg(t.Error).Bold(true), good: fg(t.Good), warning: fg(t.Warning),
		you: fg(t.You).Bold(true), reply: fg(t.Reply).Bold(true), border: fg(t.Border),
		chip: fg(t.Quoted), selected: on(fg(t.Text).Bold(true), t.Selected),
		gauge: fg(t.Gauge), gaugeEmpty: fg(t.GaugeEmpty),
	}
}

// builtinThemes are the themes that are always there.
func builtinThemes() []themes.Theme { return themes.Builtin() }

// fit is a line cut or filled up to exactly width cells.
func fit(line string, width int) string {
	line = cut(line, width)
	if w := ansi.StringWidth(line); w < width {
		line += strings.Repeat(" ", width-w)
	}
	return line
}

// cut is a line of at most width cells, with an ellipsis where something is left out.
func cut(line string, width int) string {
	if width <= 0 {
		return ""
	}
	if ansi.StringWidth(line) <= width {
		return line
	}
	return ansi.Truncate(line, width, "…")
}

// sides is a line with something at its left and its right end. The left gives way.
func sides(left, right string, width int) string {
	free := width - ansi.StringWidth(right)
	if free < 8 {
		return fit(left, width)
	}
	return fit(left, free-1) + " " + right
}

// wrap breaks text from outside into lines of at most width cells: safe, with spaces
// for tabs. Line breaks of the text stay.
func wrap(text string, width int) []string {
	text = strings.ReplaceAll(safetext.Text(text), "\t", "    ")
	width = max(1, width)
	// A word that ends in hyphens may stick out of what Wrap makes.
	return strings.Split(ansi.Hardwrap(ansi.Wrap(text, width, ""), width, true), "\n")
}

// bar is a gauge of width cells that is filled to a share of 0 to 1.
func (s *styles) bar(share float64, width int) string {
	full := int(share*float64(width) + 0.5)
	full = max(0, min(width, full))
	return s.gauge.Render(strings.Repeat("█", full)) + s.gaugeEmpty.Render(strings.Repeat("░", width-full))
}

// sparks are the heights of a sparkline.
var sparks = []rune("▁▂▃▄▅▆▇█")

// sparkline draws the last values, at most width of them, up to the greatest.
func sparkline(values []float64, width int) string {
	if len(values) > width {
		values = values[len(values)-width:]
	}
	most := 0.0
	for _, v := range values {
		most = max(most, v)
	}
	var b strings.Builder
	for _, v := range values {
		i := 0
		if most > 0 && v > 0 {
			i = min(len(sparks)-1, int(v/most*float64(len(sparks)-1)+0.5))
		}
		b.WriteRune(sparks[i])
	}
	return b.String()
}
