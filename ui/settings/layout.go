package settings

import (
	"fmt"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// item is one key with its value, or one header of a table, and where it
// stands in a text of TOML (toml.io, version 1.1). The TOML reader keeps no
// places, and without them nothing can be changed in place.
type item struct {
	path    []string // from the top of the file
	section int      // how many of path's parts are the header's above it, or the braces' around it
	header  bool     // [path] or, if list, [[path]]
	list    bool
	inside  bool // within the braces of an inline table
	table   bool // the value is an inline table
	line    int  // from 1 on
	start   int  // of the key, or of the header's bracket, in bytes
	value   int  // where the value begins, for a header the same as end
	end     int  // just past the value or the last bracket

	// The commas before and after an entry of an inline table, or -1.
	commaBefore, commaAfter int
}

// layout is every item of a text that the TOML reader takes, in order. Values
// within lists have none. Of other texts it gives an error or nonsense, but
// never fails in another way.
func layout(text string) ([]item, error) {
	l := lines{text: text, line: 1}
	if strings.HasPrefix(text, byteOrderMark) {
		l.at = len(byteOrderMark)
	}
	var section []string
	for {
		l.blank()
		if l.at >= len(text) {
			return l.items, nil
		}
		if text[l.at] != '[' {
			if err := l.entry(section, false, true); err != nil {
				return nil, err
			}
			continue
		}
		i := item{header: true, start: l.at, line: l.lineOf(l.at), commaBefore: -1, commaAfter: -1}
		if i.list = strings.HasPrefix(text[l.at:], "[["); i.list {
			l.at++
		}
		l.at++
		var err error
		if i.path, err = l.key(); err != nil {
			return nil, err
		}
		if !l.take(']') || i.list && !l.take(']') {
			return nil, l.unexpected("the end of a table's header")
		}
		i.value, i.end, i.section = l.at, l.at, len(i.path)
		section = i.path
		l.items = append(l.items, i)
	}
}

// twice is the place of an item that gives a value to what has one already, or
// makes a table of it, or -1. TOML forbids that, but its reader does not see it
// everywhere, and in such a text there is no telling which one counts. Lists of
// tables, of which each has the same keys, are passed over.
func twice(items []item) int {
	values := map[string]item{}
	tables, lists := map[string]bool{}, map[string]bool{}
	for i, it := range items {
		key := strings.Join(it.path, "\x00")
		if it.list {
			lists[key] = true
		}
		listed := false
		for n := 1; n <= len(it.path); n++ {
			above := strings.Join(it.path[:n], "\x00")
			listed = listed || lists[above]
			v, ok := values[above]
			if ok && !listed && (n == len(it.path) || !it.inside || v.end <= it.start) {
				return i
			}
			if !listed && (n < len(it.path) || it.header) {
				tables[above] = true
			}
		}
		if it.header || listed {
			continue
		}
		if tables[key] {
			return i
		}
		values[key] = it
	}
	return -1
}

// byteOrderMark may begin a text in UTF-8.
const byteOrderMark = "\xef\xbb\xbf"

// lines reads a text from its beginning to its end.
type lines struct {
	text  string
	at    int
	items []item

	line, counted int // line of the byte at counted
}

// lineOf is the line of a byte that is not before one asked for earlier.
func (l *lines) lineOf(at int) int {
	l.line += strings.Count(l.text[l.counted:at], "\n")
	l.counted = at
	return l.line
}

func (l *lines) unexpected(want string) error {
	return fmt.Errorf("byte %d is not what the layout of the file wants there, %s", l.at, want)
}

// take steps over one byte if it comes next.
func (l *lines) take(b byte) bool {
	if l.at < len(l.text) && l.text[l.at] == b {
		l.at++
		return true
	}
	return false
}

// spaces steps over what may stand within a line.
func (l *lines) spaces() {
	for l.at < len(l.text) && (l.text[l.at] == ' ' || l.text[l.at] == '\t') {
		l.at++
	}
}

// blank steps over spaces, ends of lines and comments.
func (l *lines) blank() {
	for l.at < len(l.text) {
		switch l.text[l.at] {
		case ' ', '\t', '\r', '\n':
			l.at++
		case '#':
			l.at = endOfLine(l.text, l.at)
		default:
			return
		}
	}
}

// endOfLine is where the line of a byte ends, before its line break.
func endOfLine(text string, at int) int {
	n := strings.IndexByte(text[at:], '\n')
	if n < 0 {
		return len(text)
	}
	if n > 0 && text[at+n-1] == '\r' {
		n--
	}
	return at + n
}

// key reads the parts of a dotted key, with the spaces around them.
func (l *lines) key() ([]string, error) {
	var parts []string
	for {
		l.spaces()
		start := l.at
		switch {
		case l.at >= len(l.text):
			return nil, l.unexpected("a key")
		case l.text[l.at] == '"' || l.text[l.at] == '\'':
			if err := l.quoted(); err != nil {
				return nil, err
			}
			var part struct{ X string }
			if err := toml.Unmarshal([]byte("X = "+l.text[start:l.at]), &part); err != nil {
				return nil, l.unexpected("a key in quotes")
			}
			parts = append(parts, part.X)
		default:
			if n := strings.IndexAny(l.text[l.at:], " \t\r\n.=]\"'#"); n >= 0 {
				l.at += n
			} else {
				l.at = len(l.text)
			}
			if l.at == start {
				return nil, l.unexpected("a key")
			}
			parts = append(parts, l.text[start:l.at])
		}
		l.spaces()
		if !l.take('.') {
			return parts, nil
		}
	}
}

// entry reads a key and its value within a section, and notes it if asked to.
func (l *lines) entry(section []string, inside, note bool) error {
	i := item{start: l.at, section: len(section), inside: inside, commaBefore: -1, commaAfter: -1}
	i.line = l.lineOf(l.at)
	parts, err := l.key()
	if err != nil {
		return err
	}
	i.path = slices.Concat(section, parts)
	if !l.take('=') {
		return l.unexpected("an equals sign")
	}
	l.spaces()
	i.value = l.at
	i.table = l.at < len(l.text) && l.text[l.at] == '{'
	mine := len(l.items)
	if note {
		l.items = append(l.items, i)
	}
	if err := l.skip(i.path, note); err != nil {
		return err
	}
	if note {
		l.items[mine].end = l.at
	}
	return nil
}

// skip steps over a value. What an inline table holds is noted if asked to.
func (l *lines) skip(path []string, note bool) error {
	if l.at >= len(l.text) {
		return l.unexpected("a value")
	}
	switch l.text[l.at] {
	case '"', '\'':
		return l.quoted()
	case '[':
		return l.array()
	case '{':
		return l.braces(path, note)
	}
	start := l.at
	if n := strings.IndexAny(l.text[l.at:], ",]}#\r\n"); n >= 0 {
		l.at += n
	} else {
		l.at = len(l.text)
	}
	for l.at > start && (l.text[l.at-1] == ' ' || l.text[l.at-1] == '\t') {
		l.at--
	}
	if l.at == start {
		return l.unexpected("a value")
	}
	return nil
}

// array steps over a list.
func (l *lines) array() error {
	l.at++
	for {
		l.blank()
		switch {
		case l.take(']'):
			return nil
		case l.take(','):
		default:
			if err := l.skip(nil, false); err != nil {
				return err
			}
		}
	}
}

// braces steps over an inline table.
func (l *lines) braces(path []string, note bool) error {
	l.at++
	last, comma := -1, -1
	for {
		l.blank()
		if l.take('}') {
			return nil
		}
		if l.at < len(l.text) && l.text[l.at] == ',' {
			comma = l.at
			if last >= 0 && note {
				l.items[last].commaAfter = comma
			}
			l.at++
			continue
		}
		last = len(l.items)
		if err := l.entry(path, true, note); err != nil {
			return err
		}
		if note {
			l.items[last].commaBefore = comma
		}
	}
}

// quoted steps over a string of any kind.
func (l *lines) quoted() error {
	quote := l.text[l.at : l.at+1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(l.text[l.at:], triple) {
		quote = triple
	}
	escapes := quote[0] == '"'
	for at := l.at + len(quote); at < len(l.text); at++ {
		if escapes && l.text[at] == '\\' {
			at++
			continue
		}
		if !strings.HasPrefix(l.text[at:], quote) {
			continue
		}
		at += len(quote)
		// Up to two more quotes before the three belong to the text.
		for n := 0; len(quote) == 3 && n < 2 && at < len(l.text) && l.text[at] == quote[0]; n++ {
			at++
		}
		l.at = at
		return nil
	}
	return l.unexpected("a text that ends")
}
