package cli

import (
	"strings"
	"text/tabwriter"

	"scout/ui/safetext"
)

// writeTable writes rows of cells to standard output: in columns at a terminal,
// with a tab between cells elsewhere, as cut and awk want them.
func (s Streams) writeTable(rows [][]string) error {
	if s.OutTerminal {
		return s.printf("%s", columns(rows))
	}
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(safetext.Line(strings.ReplaceAll(cell, "\t", " ")))
		}
		b.WriteByte('\n')
	}
	return s.printf("%s", b.String())
}

// columns sets rows of cells in columns, a line each, without spaces at the
// ends of lines.
func columns(rows [][]string) string {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	for _, row := range rows {
		for _, cell := range row {
			_, _ = table.Write([]byte(safetext.Line(strings.ReplaceAll(cell, "\t", " ")) + "\t")) // into memory: it cannot fail
		}
		_, _ = table.Write([]byte("\n"))
	}
	table.Flush()
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}
