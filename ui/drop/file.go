package drop

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Kind is what can be done with a file.
type Kind int

// The kinds.
const (
	Other     Kind = iota // nothing
	Image                 // shown to a model
	Text                  // put into the message
	Directory             // a folder: nothing
)

// String is the kind's name in English.
func (k Kind) String() string {
	switch k {
	case Image:
		return "picture"
	case Text:
		return "text"
	case Directory:
		return "folder"
	}
	return "other"
}

// File is a file that a text named.
type File struct {
	Path    string // of this machine, as the text has it
	Source  string // the piece of the text that named it, with its quotes and escapes
	Kind    Kind
	Format  string // "PNG"; of a text "text", or what it is written in, such as "SVG"; may be empty
	Size    int64  // bytes, when it was looked at
	Problem string // why it cannot be attached and what to do, a sentence; empty if it can be
}

// Attachable says whether the file can go with a message.
func (f File) Attachable() bool { return f.Problem == "" && (f.Kind == Image || f.Kind == Text) }

// Sniff tells the format of a file by its first bytes; ok is whether it is a picture
// that can be shown to a model. Of another file the format is its name, or empty if
// that is unknown.
type Sniff func(head []byte) (format string, ok bool)

// headBytes is how much of a file is read to tell what it is.
const headBytes = 64 << 10

// inspect tells what an existing file is, by its bytes and not by its name.
func inspect(it item, files Stater, sniff Sniff) File {
	f := File{Path: it.path, Source: it.source, Size: it.info.Size()}
	mode := it.info.Mode()
	switch {
	case mode.IsDir():
		f.Kind = Directory
		f.Problem = fmt.Sprintf("%s is a folder: drop the files in it", it.path)
		return f
	case !mode.IsRegular(): // opening a pipe waits, opening a device does things
		f.Problem = fmt.Sprintf("%s is no ordinary file and cannot be attached", it.path)
		return f
	}
	head, err := readHead(files, it.path)
	if err != nil {
		f.Problem = fmt.Sprintf("%s cannot be read (%s)", it.path, reason(err))
		return f
	}
	if len(head) == 0 {
		f.Problem = fmt.Sprintf("%s is empty", it.path)
		return f
	}
	format, ok := sniff(head)
	f.Format = format
	switch {
	case ok:
		f.Kind = Image
	case isText(head) && !bytes.HasPrefix(head, []byte("%PDF-")): // which can be all letters
		f.Kind = Text
		if format == "" {
			f.Format = "text"
		}
	case bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")):
		f.Problem = fmt.Sprintf("%s is text in UTF-16, which is not read here: save it as UTF-8", it.path)
	case format != "":
		f.Problem = fmt.Sprintf("%s holds %s, which cannot be attached: pictures in PNG, JPEG, GIF, WebP, BMP or TIFF can be, and text", it.path, format)
	default:
		f.Problem = fmt.Sprintf("%s cannot be attached: it is neither a picture that is known here nor text in UTF-8", it.path)
	}
	return f
}

// readHead reads the first bytes of a file.
func readHead(files Stater, name string) ([]byte, error) {
	r, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	head := make([]byte, headBytes)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	return head[:n], nil
}

// isText says whether the beginning of a file is that of a text in UTF-8. It may be
// cut inside a character.
func isText(head []byte) bool {
	if bytes.IndexByte(head, 0) >= 0 {
		return false
	}
	if len(head) == headBytes {
		for cut := len(head) - 1; cut >= len(head)-utf8.UTFMax; cut-- {
			if utf8.RuneStart(head[cut]) {
				if !utf8.FullRune(head[cut:]) {
					head = head[:cut]
				}
				break
			}
		}
	}
	return utf8.Valid(head)
}
