package drop

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Lister lists a folder, as os.ReadDir does.
type Lister func(dir string) ([]fs.DirEntry, error)

// Completion is a way to go on with a mention.
type Completion struct {
	Text string // to put in the place of the mention, with @ and quotes; of a folder, the quote is left open
	Name string // of the file or folder alone, for a list
	Kind Kind   // Directory, Image if its name is that of a picture, or Other
}

// Complete is the files and folders that go on with what is written of a mention,
// upper and lower case alike: pictures first, then folders, then others, by name.
// Hidden ones are among them only if their dot is written. A folder that is not there
// has none. It may take as long as the disk.
func Complete(m Mention, env Env, list Lister) ([]Completion, error) {
	separators := "/"
	if env.Windows {
		separators = `/\`
	}
	cut := strings.LastIndexAny(m.Path, separators) + 1
	folder, begun := m.Path[:cut], m.Path[cut:]
	dir := env.folder(folder)
	if dir == "" {
		return nil, nil
	}
	entries, err := list(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("drop: completing @%s: %w", m.Path, err)
	}
	var all []Completion
	for _, e := range entries {
		if c, ok := completion(e, folder, begun, m.Quote); ok {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, byUse)
	return all, nil
}

// folder is the folder that the beginning of a mention names, up to its last slash.
func (e Env) folder(name string) string {
	switch {
	case name == "" && e.Dir == "":
		return "."
	case name == "":
		return e.Dir
	case name == "~/":
		return e.Home
	case name == "/" && !e.Windows, isDrive(name) && len(name) == 3 && e.Windows:
		return name
	case isDrive(name) && len(name) == 3:
		return e.driveFile(name)
	}
	return e.path(name)
}

// completion is an entry of a folder as a way to go on with its begun name.
func completion(e fs.DirEntry, folder, begun string, quote byte) (Completion, bool) {
	name := e.Name()
	switch {
	case name == "" || len(name) < len(begun) || !strings.EqualFold(name[:len(begun)], begun):
		return Completion{}, false
	case strings.HasPrefix(name, ".") && begun == "":
		return Completion{}, false
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return Completion{}, false // cannot be typed
	}
	c := Completion{Name: name}
	path := folder + name
	switch {
	case e.IsDir():
		c.Kind = Directory
		path += "/"
	case hasPictureName(name):
		c.Kind = Image
	}
	var ok bool
	c.Text, ok = mentionOf(path, quote, c.Kind == Directory)
	return c, ok
}

// mentionOf writes a path as a mention, in quotes if it needs them or had them. ok is
// false if it cannot be written. open leaves the quote open.
func mentionOf(path string, quote byte, open bool) (text string, ok bool) {
	if quote == 0 && !strings.ContainsFunc(path, unicode.IsSpace) && path[0] != '"' && path[0] != '\'' {
		return "@" + path, true
	}
	for _, q := range []byte{cmp.Or(quote, '"'), '"', '\''} {
		if strings.IndexByte(path, q) >= 0 {
			continue
		}
		text = "@" + string(q) + path
		if !open {
			text += string(q)
		}
		return text, true
	}
	return "", false
}

// byUse orders completions.
func byUse(a, b Completion) int {
	rank := func(k Kind) int { return slices.Index([]Kind{Image, Directory, Other}, k) }
	return cmp.Or(
		cmp.Compare(rank(a.Kind), rank(b.Kind)),
		strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)),
		strings.Compare(a.Name, b.Name),
	)
}
