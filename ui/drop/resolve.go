package drop

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
)

// Stater is the disk, as far as it is looked at. Names are of this machine.
type Stater interface {
	Stat(name string) (fs.FileInfo, error)
	Open(name string) (io.ReadCloser, error)
}

// Disk is the disk of this machine.
type Disk struct{}

// Stat is os.Stat.
func (Disk) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

// Open is os.Open.
func (Disk) Open(name string) (io.ReadCloser, error) { return os.Open(name) }

// Result is what a text turned out to be. Without files it is text.
type Result struct {
	Files   []File // in the order of the text
	Problem string // of a text that looks like a drop and is none: why, and what to do; else empty
}

// Split is what to do with the files: attach some, and leave in the text, as it was
// pasted, what cannot be attached. problems says why, a sentence each.
func (r Result) Split() (attach []File, rest string, problems []string) {
	var left []string
	for _, f := range r.Files {
		if f.Attachable() {
			attach = append(attach, f)
			continue
		}
		left = append(left, f.Source)
		problems = append(problems, f.Problem)
	}
	return attach, strings.Join(left, " "), problems
}

// Resolve looks the candidates up. Every line has to be files, in one of the ways in
// which terminals write them, or all of it is text: the first of these in which
// everything exists.
//
//	the whole line as it is                      kitty, Alacritty
//	POSIX words and paths of Windows             most
//	words with a backslash before spaces only    WezTerm
//	paths that end where the next begins         kitty and Alacritty with several, Windows Terminal into WSL
//
// sniff tells a picture. Resolve may take as long as the disk: call it where
// waiting is allowed.
func (c Candidates) Resolve(files Stater, sniff Sniff) Result {
	r := &resolver{env: c.env, files: files, seen: map[string]found{}}
	var items []item
	for _, line := range c.lines {
		read := r.line(line)
		if read == nil || len(items)+len(read) > mostPaths {
			return Result{Problem: r.why(c.lines)}
		}
		items = append(items, read...)
	}
	var result Result
	for _, it := range items {
		result.Files = append(result.Files, inspect(it, files, sniff))
	}
	return result
}

// item is a word that exists.
type item struct {
	word
	path string
	info fs.FileInfo
}

// resolver looks words up, each path once.
type resolver struct {
	env   Env
	files Stater
	seen  map[string]found
	spent bool // something was not looked up, being too much
}

type found struct {
	info fs.FileInfo // nil: not there
	err  error       // other than that it is not there
}

// mostLooked is how many paths one drop may ask the disk for: enough for the most
// paths in the worst order that a terminal sends, and little enough to end.
const mostLooked = 8 * mostPaths

// stat looks one path up.
func (r *resolver) stat(name string) found {
	f, ok := r.seen[name]
	if ok {
		return f
	}
	if len(r.seen) >= mostLooked {
		r.spent = true
		return found{}
	}
	info, err := r.files.Stat(name)
	switch {
	case err == nil:
		f.info = info
	case !r.isAbsent(err):
		f.err = err
	}
	r.seen[name] = f
	return f
}

// errorInvalidName is what Windows says of a name that no file can have
// (ERROR_INVALID_NAME).
const errorInvalidName = syscall.Errno(123)

// isAbsent says whether an error of Stat means that there is no such file, or that
// it is no name for one.
func (r *resolver) isAbsent(err error) bool {
	if r.env.Windows && errors.Is(err, errorInvalidName) {
		return true
	}
	for _, absent := range []error{fs.ErrNotExist, fs.ErrInvalid, syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.EINVAL} {
		if errors.Is(err, absent) {
			return true
		}
	}
	return false
}

// item is the file that a word names.
func (r *resolver) item(w word) (item, bool) {
	name, shaped := r.env.locate(w.text)
	if !shaped || name == "" {
		return item{}, false
	}
	f := r.stat(name)
	return item{w, name, f.info}, f.info != nil
}

// line is the files that a line names, or nil.
func (r *resolver) line(line string) []item {
	for _, w := range looseWords(line) {
		if w.text != w.source {
			break // in quotes, which words know better
		}
		if it, ok := r.item(w); ok {
			return []item{it}
		}
	}
	for _, split := range []func(string) ([]word, bool){posixWords, spaceWords} {
		if words, ok := split(line); ok {
			if items := r.all(words); items != nil {
				return items
			}
		}
	}
	return r.joined(line)
}

// all is the files that the words name, or nil if one names none.
func (r *resolver) all(words []word) []item {
	if !slices.ContainsFunc(words, r.unshaped) {
		var items []item
		for _, w := range words {
			it, ok := r.item(w)
			if !ok {
				return nil
			}
			items = append(items, it)
		}
		return items
	}
	return nil
}

func (r *resolver) unshaped(w word) bool {
	_, shaped := r.env.locate(w.text)
	return !shaped
}

// joined is the files of a line whose paths are not escaped: each goes on until it
// exists and the rest of the line does too.
func (r *resolver) joined(line string) []item {
	begins := starts(line)
	if len(begins) > mostPaths {
		return nil
	}
	ends := append(begins[1:len(begins):len(begins)], len(line))
	dead := make([]bool, len(begins)) // nothing fits from here on
	var from func(i int) []item
	from = func(i int) []item {
		if dead[i] {
			return nil
		}
		for j := i; j < len(ends) && !r.spent; j++ {
			if ends[j]-begins[i] > mostPathBytes+len(`"" `) && j > i {
				break
			}
			for _, w := range looseWords(line[begins[i]:ends[j]]) {
				it, ok := r.item(w)
				if !ok {
					continue
				}
				if j+1 == len(ends) {
					return []item{it}
				}
				if rest := from(j + 1); rest != nil {
					return append([]item{it}, rest...)
				}
			}
		}
		dead[i] = true
		return nil
	}
	return from(0)
}

// why says why lines that look like a drop are none, or nothing if they do not look
// like one.
func (r *resolver) why(lines []string) string {
	var missing, there, refused string
	var cause error
	for _, line := range lines {
		if items := r.line(line); items != nil {
			there = items[0].text
			continue
		}
		r.spent = false // by trying to join: what counts here are the words
		words, ok := posixWords(line)
		if !ok || slices.ContainsFunc(words, r.unlikely) {
			if name := strings.TrimRight(line, " "); r.env.Remote && len(lines) == 1 && hasPictureName(name) {
				return elsewhere(name)
			}
			return ""
		}
		for _, w := range words {
			name, _ := r.env.locate(w.text)
			switch f := r.known(name); {
			case f.info != nil:
				there = w.text
			case f.err != nil:
				refused, cause = w.text, f.err
			default:
				missing = w.text
			}
		}
		if r.spent {
			return ""
		}
	}
	switch {
	case refused != "":
		return fmt.Sprintf("%s cannot be looked at (%s), so the text was left as it is", refused, reason(cause))
	case there != "" && missing != "":
		return fmt.Sprintf("there is no %s, so the text was left as it is: drop the others again without it", missing)
	case r.env.Remote && missing != "":
		return elsewhere(missing)
	}
	return ""
}

// known is stat for a path that may be one of another machine.
func (r *resolver) known(name string) found {
	if name == "" {
		return found{}
	}
	return r.stat(name)
}

// unlikely says whether a word is no path of a file that somebody would drop: "/help"
// is none.
func (r *resolver) unlikely(w word) bool {
	return r.unshaped(w) || strings.HasPrefix(w.text, "/") && strings.Count(strings.TrimRight(w.text, "/"), "/") < 2
}

// elsewhere says what to do about the path of another machine.
func elsewhere(name string) string {
	return fmt.Sprintf("%s is on the machine that you sit at, and this runs on another: paste the picture itself (ctrl+v), or copy the file over first", name)
}

// reason is the cause of an error that names the file again.
func reason(err error) string {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err.Error()
	}
	return err.Error()
}

// hasPictureName says whether a name ends like that of a picture. It decides what is
// said and shown first, never what a file is.
func hasPictureName(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff":
		return true
	}
	return false
}
