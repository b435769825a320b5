package markdown

import (
	"slices"
	"strings"

	east "github.com/yuin/goldmark/extension/ast"
)

const (
	// narrowestColumn is the least a column is made before the table is drawn
	// as a list of records.
	narrowestColumn = 4
	columnGap       = 3 // " │ "
)

// table draws a table in columns, shrunk and wrapped to the width, or row by
// row with the column's name before each cell where columns find no room.
func (g *drawing) table(n *east.Table, width int) []line {
	var rows [][][]span
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		p := pen(0)
		if row.Kind() == east.KindTableHeader {
			p = bold
		}
		var cellsOf [][]span
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			cellsOf = append(cellsOf, joinMarks(g.inline(cell, p)))
		}
		rows = append(rows, cellsOf)
	}
	if len(rows) == 0 || len(rows[0]) == 0 {
		return nil
	}
	widths, ok := columnWidths(rows, width)
	if !ok {
		return g.records(rows, width)
	}
	var lines []line
	for i, row := range rows {
		lines = g.tableRow(lines, row, widths, n.Alignments)
		if i == 0 {
			lines = append(lines, g.tableRule(widths))
		}
	}
	return lines
}

// columnWidths is how wide each column is drawn: as wide as its widest cell if
// all fit, else the widest columns are narrowed to one common width. ok is false
// if there is no room for that.
func columnWidths(rows [][][]span, width int) (widths []int, ok bool) {
	columns := len(rows[0])
	room := width - columnGap*(columns-1)
	if room < columns*narrowestColumn {
		return nil, false
	}
	widths = make([]int, columns)
	for _, row := range rows {
		for i := range min(len(row), columns) {
			widths[i] = max(widths[i], spansWidth(row[i]), 1)
		}
	}
	sorted := slices.Clone(widths)
	slices.Sort(sorted)
	limit, left := width, room
	for i, w := range sorted {
		if share := left / (columns - i); w > share {
			limit = max(share, 1)
			break
		}
		left -= w
	}
	for i := range widths {
		widths[i] = min(widths[i], limit)
	}
	return widths, true
}

// tableRow draws one row of a table, which may take several lines.
func (g *drawing) tableRow(lines []line, row [][]span, widths []int, alignments []east.Alignment) []line {
	height := 1
	wrapped := make([][][]span, len(widths))
	for i := range widths {
		if i < len(row) {
			wrapped[i] = wrap(row[i], widths[i])
			height = max(height, len(wrapped[i]))
		}
	}
	for y := range height {
		var spans []span
		for i, w := range widths {
			if i > 0 {
				spans = appendSpan(spans, g.r.span(pen(0).as(roleRule), " │ "))
			}
			var cell []span
			if y < len(wrapped[i]) {
				cell = wrapped[i][y]
			}
			alignment := east.AlignNone
			if i < len(alignments) {
				alignment = alignments[i]
			}
			spans = appendAligned(spans, cell, w, alignment, i == len(widths)-1)
		}
		lines = append(lines, line{text: paint(spans)})
	}
	return lines
}

// appendAligned adds a cell, filled to its column's width, but not at the end
// of a line.
func appendAligned(spans, cell []span, width int, alignment east.Alignment, last bool) []span {
	room := max(0, width-spansWidth(cell))
	left := 0
	switch alignment {
	case east.AlignRight:
		left = room
	case east.AlignCenter:
		left = room / 2
	}
	if left > 0 && len(cell) > 0 {
		spans = append(spans, span{text: strings.Repeat(" ", left)})
	} else {
		left = 0
	}
	spans = append(spans, cell...)
	if room > left && !last {
		spans = append(spans, span{text: strings.Repeat(" ", room-left)})
	}
	return spans
}

// tableRule is the line below a table's head.
func (g *drawing) tableRule(widths []int) line {
	parts := make([]string, len(widths))
	for i, w := range widths {
		parts[i] = strings.Repeat("─", w)
	}
	return line{text: paint([]span{g.r.span(pen(0).as(roleRule), strings.Join(parts, "─┼─"))})}
}

// records draws the rows of a table one below the other.
func (g *drawing) records(rows [][][]span, width int) []line {
	var lines []line
	if len(rows) == 1 {
		for _, head := range rows[0] {
			lines = g.rows(lines, head, width)
		}
	}
	for i, row := range rows[1:] {
		if i > 0 {
			lines = append(lines, line{})
		}
		for c, cell := range row {
			var spans []span
			if c < len(rows[0]) {
				spans = append(spans, rows[0][c]...)
			}
			spans = append(spans, g.r.span(bold, ": "))
			lines = g.rows(lines, append(spans, cell...), width)
		}
	}
	return lines
}
