package drop

import (
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Mention is a path written as @path in a text, or as @"path" or @'path' if there
// are spaces in it. The @ stands at the beginning of a word.
type Mention struct {
	Start, End int    // where it stands in the text, in bytes, with @ and quotes
	Path       string // without them
	Quote      byte   // '"', '\'', or 0
}

// Mentions is the mention under a cursor, which is a position in bytes: it stands
// behind the @ and not behind the end. Path is what is before the cursor, and the rest
// of the mention is what a completion replaces.
func Mentions(text string, cursor int) (m Mention, ok bool) {
	for _, m := range mentions(text) {
		if m.Start < cursor && cursor <= m.End {
			begin := m.Start + len("@")
			if m.Quote != 0 {
				begin++
			}
			m.Path = text[begin:max(begin, min(cursor, begin+len(m.Path)))]
			return m, true
		}
	}
	return Mention{}, false
}

// Named is every mention of a text that has a path, in order.
func Named(text string) []Mention {
	var list []Mention
	for _, m := range mentions(text) {
		if m.Path != "" {
			list = append(list, m)
		}
	}
	return list
}

// mentions is every mention of a text, also those of nothing yet.
func mentions(text string) []Mention {
	var list []Mention
	for at := 0; at < len(text); {
		if text[at] != '@' || !beginsWord(text[:at]) {
			at++
			continue
		}
		m := mentionAt(text, at)
		list = append(list, m)
		at = m.End
	}
	return list
}

// beginsWord says whether what follows a text begins a word.
func beginsWord(before string) bool {
	r, n := utf8.DecodeLastRuneInString(before)
	return n == 0 || unicode.IsSpace(r) || strings.ContainsRune(`([{<"'`, r)
}

// mentionAt is the mention whose @ stands at a place.
func mentionAt(text string, at int) Mention {
	m := Mention{Start: at}
	rest := text[at+1:]
	if rest != "" && (rest[0] == '"' || rest[0] == '\'') {
		m.Quote = rest[0]
		line, _, _ := strings.Cut(rest[1:], "\n")
		path, _, closed := strings.Cut(line, string(m.Quote))
		m.Path, m.End = path, at+2+len(path)
		if closed {
			m.End++
		}
		return m
	}
	end := strings.IndexFunc(rest, unicode.IsSpace)
	if end < 0 {
		end = len(rest)
	}
	m.Path, m.End = rest[:end], at+1+end
	return m
}

// Resolve looks up the file that a mention names. Without quotes the punctuation
// behind it may belong to the sentence. ok is false if there is none: then it is
// text. Like Candidates.Resolve it may take as long as the disk.
func (m Mention) Resolve(env Env, files Stater, sniff Sniff) (f File, ok bool) {
	r := &resolver{env: env, files: files, seen: map[string]found{}}
	names := []string{m.Path}
	if trimmed := strings.TrimRight(m.Path, `.,;:!?)]}>"'`); m.Quote == 0 && trimmed != m.Path {
		names = append(names, trimmed)
	}
	for _, name := range names {
		path := env.path(name)
		if path == "" || len(path) > mostPathBytes || strings.ContainsFunc(path, unicode.IsControl) {
			continue
		}
		if found := r.stat(path); found.info != nil {
			source := "@" + name
			if m.Quote != 0 {
				source = "@" + string(m.Quote) + name + string(m.Quote)
			}
			return inspect(item{word{name, source}, path, found.info}, files, sniff), true
		}
	}
	return File{}, false
}

// path is where a path leads that a person wrote: as locate, or from the working
// folder. It is empty if it leads nowhere here.
func (e Env) path(name string) string {
	if startsPath(name) {
		path, _ := e.locate(name)
		return path
	}
	if name == "" || e.Dir == "" {
		return name
	}
	return filepath.Join(e.Dir, name)
}
