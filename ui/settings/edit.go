package settings

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// put is text with path set to value and nothing else changed: in place if the
// key is there, else where its table is, else with a new table at the end.
func put(text string, path []string, value any) (string, error) {
	items, err := layout(text)
	if err != nil {
		return "", err
	}
	if i := indexOf(items, path); i >= 0 {
		it := items[i]
		return text[:it.value] + render(value, it.inside || crlf(text)) + text[it.end:], nil
	}
	for n := len(path) - 1; n > 0; n-- {
		if i := indexOf(items, path[:n]); i >= 0 {
			if !items[i].table {
				return "", fmt.Errorf("%s has a value, want a table", keyText(path[:n]))
			}
			return putInside(text, items[i], keyText(path[n:])+" = "+render(value, true)), nil
		}
	}
	parent := path[:len(path)-1]
	entry := func(section int) string { return keyText(path[section:]) + " = " + render(value, crlf(text)) }
	if len(parent) == 0 {
		return putOnTop(text, items, path[0], entry(0)), nil
	}
	if at := lastOf(items, parent); at >= 0 {
		it := items[at]
		section := it.section
		if it.header {
			section = len(parent)
		}
		return putAfter(text, it, entry(section)), nil
	}
	return text + gap(text) + "[" + keyText(parent) + "]" + newline(text) + entry(len(parent)) + newline(text), nil
}

// addTable is text with a table at path, which may be there already.
func addTable(text string, path []string) (string, error) {
	items, err := layout(text)
	if err != nil {
		return "", err
	}
	for _, it := range items {
		if hasPrefix(it.path, path) {
			return text, nil
		}
	}
	for n := len(path) - 1; n > 0; n-- {
		if i := indexOf(items, path[:n]); i >= 0 && items[i].table {
			return putInside(text, items[i], keyText(path[n:])+" = {}"), nil
		}
	}
	return text + gap(text) + "[" + keyText(path) + "]" + newline(text), nil
}

// remove is text without path and everything under it. Comments stay, also
// those at the end of a line that goes.
func remove(text string, path []string) (string, error) {
	for {
		items, err := layout(text)
		if err != nil {
			return "", err
		}
		// From the last on, because what stands under a header would belong to
		// another table without it.
		i := len(items) - 1
		for i >= 0 && !hasPrefix(items[i].path, path) {
			i--
		}
		if i < 0 {
			return text, nil
		}
		if it := items[i]; it.inside {
			text = cutInside(text, it)
		} else {
			text = cutLine(text, it)
		}
	}
}

// indexOf is the place of the key of that path, or -1.
func indexOf(items []item, path []string) int {
	return slices.IndexFunc(items, func(it item) bool { return !it.header && slices.Equal(it.path, path) })
}

// lastOf is the last item of the table of that path, or -1: its last entry, or
// its header, or the last dotted key that makes it.
func lastOf(items []item, table []string) int {
	found, within := -1, false
	for i, it := range items {
		switch {
		case it.header:
			if within = slices.Equal(it.path, table) && !it.list; within {
				found = i
			}
		case it.inside:
		case within, len(it.path) > len(table) && hasPrefix(it.path, table) && it.section < len(table):
			found = i
		}
	}
	return found
}

func hasPrefix(path, prefix []string) bool {
	return len(path) >= len(prefix) && slices.Equal(path[:len(prefix)], prefix)
}

// putInside puts an entry first into the braces of an inline table. It goes
// first because comments may stand before the closing brace.
func putInside(text string, table item, entry string) string {
	at := table.value + 1
	rest := text[at:]
	if strings.HasPrefix(strings.TrimLeft(rest, " \t"), "}") {
		return text[:at] + " " + entry + " " + strings.TrimLeft(rest, " \t")
	}
	l := lines{text: text, at: at}
	l.blank()
	if l.at < len(text) && text[l.at] == '}' { // nothing but comments
		return text[:at] + " " + entry + rest
	}
	return text[:at] + " " + entry + "," + rest
}

// cutInside takes an entry and one comma out of an inline table.
func cutInside(text string, it item) string {
	switch {
	case it.commaAfter >= 0:
		l := lines{text: text, at: it.commaAfter + 1}
		l.spaces()
		between := text[it.end:it.commaAfter] // may be a comment
		return text[:it.start] + strings.TrimLeft(between, " \t") + text[l.at:]
	case it.commaBefore >= 0:
		return text[:it.commaBefore] + text[it.commaBefore+1:it.start] + strings.TrimLeft(text[it.end:], " \t")
	}
	return text[:it.start] + strings.TrimLeft(text[it.end:], " \t")
}

// cutLine takes an entry or a header out with its line, but for a comment.
func cutLine(text string, it item) string {
	start := startOfLine(text, it.start)
	end := endOfLine(text, it.end)
	if comment := strings.TrimLeft(text[it.end:end], " \t"); comment != "" {
		return text[:it.start] + comment + text[end:]
	}
	after := text[end:]
	after = strings.TrimPrefix(after, "\r")
	after = strings.TrimPrefix(after, "\n")
	before := text[:start]
	// The empty line over a table goes with it.
	if it.header && (after == "" || strings.HasPrefix(after, "\n") || strings.HasPrefix(after, "\r\n")) {
		for _, empty := range []string{"\r\n\r\n", "\n\n"} {
			if strings.HasSuffix(before, empty) {
				before = before[:len(before)-len(empty)/2]
				break
			}
		}
	}
	return before + after
}

// putAfter puts an entry into the line after an item, as far to the right as
// the item is if that is an entry.
func putAfter(text string, it item, entry string) string {
	indent := ""
	if start := startOfLine(text, it.start); !it.header {
		indent = strings.TrimLeft(text[start:it.start], byteOrderMark)
	}
	return putLine(text, endOfLine(text, it.end), indent+entry)
}

// putLine puts a line after the one that ends at end.
func putLine(text string, end int, line string) string {
	return text[:end] + newline(text) + line + text[end:]
}

// putOnTop puts an entry among those above all tables: under the comment that
// shows it, as in the file of the beginning, else under the last entry, else
// over the first table and the comment that is directly over it.
func putOnTop(text string, items []item, key, entry string) string {
	first, last := len(text), -1 // where tables begin; the last entry before them
	for i, it := range items {
		if it.header {
			first = it.start
			break
		}
		if !it.inside {
			last = i
		}
	}
	shown := regexp.MustCompile(`(?m)^[ \t]*#[ \t]*` + regexp.QuoteMeta(key) + `[ \t]*=`)
	for _, at := range shown.FindAllStringIndex(text[:first], -1) {
		within := func(it item) bool { return it.start <= at[0] && at[0] < it.end }
		if !slices.ContainsFunc(items, within) {
			return putLine(text, endOfLine(text, at[0]), entry)
		}
	}
	if last >= 0 {
		return putAfter(text, items[last], entry)
	}
	if first == len(text) {
		if text != "" && text != byteOrderMark && !strings.HasSuffix(text, "\n") {
			text += newline(text)
		}
		return text + entry + newline(text)
	}
	start := startOfLine(text, first)
	for start > 0 {
		previous := startOfLine(text, start-1)
		if !strings.HasPrefix(strings.TrimLeft(text[previous:start], " \t"), "#") {
			break
		}
		start = previous
	}
	if start == 0 && strings.HasPrefix(text, byteOrderMark) {
		start = len(byteOrderMark)
	}
	return text[:start] + entry + newline(text) + newline(text) + text[start:]
}

func startOfLine(text string, at int) int { return strings.LastIndexByte(text[:at], '\n') + 1 }

// crlf reports whether the lines of a text end as on Windows.
func crlf(text string) bool {
	n := strings.IndexByte(text, '\n')
	return n > 0 && text[n-1] == '\r'
}

// newline is what ends the lines of a text.
func newline(text string) string {
	if crlf(text) {
		return "\r\n"
	}
	return "\n"
}

// gap is what stands between a text and a table that is put at its end.
func gap(text string) string {
	switch {
	case text == "" || text == byteOrderMark:
		return ""
	case strings.HasSuffix(text, "\n"):
		return newline(text)
	}
	return newline(text) + newline(text)
}

var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// keyText is a path as TOML writes it: a."b c".d.
func keyText(path []string) string {
	parts := make([]string, len(path))
	for i, p := range path {
		if parts[i] = p; !bareKey.MatchString(p) {
			parts[i] = quote(p)
		}
	}
	return strings.Join(parts, ".")
}

// render is a value as TOML writes it, in one line if asked to.
func render(value any, oneLine bool) string {
	switch v := value.(type) {
	case string:
		if !oneLine && strings.Contains(v, "\n") {
			return quoteLines(v)
		}
		return quote(v)
	case []string:
		parts := make([]string, len(v))
		for i, s := range v {
			parts[i] = quote(s)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case float32:
		return strings.TrimPrefix(strings.ToLower(strconv.FormatFloat(float64(v), 'g', -1, 32)), "+") // inf and nan are small in TOML
	}
	return fmt.Sprint(value)
}

// quote is a text in one line.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '"':
			b.WriteString(`\"`)
		default:
			b.WriteString(escape(r))
		}
	}
	b.WriteByte('"')
	return b.String()
}

// quoteLines is a text of several lines, as it looks. Of the quotes in it only
// those are escaped that could end it.
func quoteLines(text string) string {
	var b strings.Builder
	b.WriteString("\"\"\"\n")
	quotes := 0
	for i, r := range text {
		if r != '"' {
			quotes = 0
		} else if quotes++; quotes == 3 || i == len(text)-1 {
			quotes = 0
			b.WriteByte('\\')
		}
		if r == '\n' || r == '"' {
			b.WriteRune(r)
		} else {
			b.WriteString(escape(r))
		}
	}
	b.WriteString(`"""`)
	return b.String()
}

// escape is a letter within double quotes; quotes and line breaks are the
// caller's.
func escape(r rune) string {
	switch {
	case r == '\\':
		return `\\`
	case r == '\t':
		return `\t`
	case r == '\r':
		return `\r`
	case r < 0x20 || r == 0x7F:
		return fmt.Sprintf(`\u%04X`, r)
	}
	return string(r)
}
