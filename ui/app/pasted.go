package app

import (
	"io"
	"os"
	"runtime"
	"unicode/utf8"
)

// The marks that a terminal puts round what is pasted.
const (
	pasteBegins = "\x1b[200~"
	pasteEnds   = "\x1b[201~"
)

// cleanPastes is input in which a paste is text and nothing else. What reads the
// terminal for us takes a control sequence in a paste for one: the beginning of a long
// one, as any binary file has, swallows the mark that ends the paste, and with that every
// key that is ever pressed. Input that is no terminal's file stays as it is, and so does
// a console of Windows, which gives events and no bytes.
func cleanPastes(in io.Reader) io.Reader {
	if f, ok := in.(*os.File); ok && runtime.GOOS != "windows" {
		return &cleanTerminal{File: f}
	}
	return in
}

// cleanTerminal is a terminal's file that is read so.
type cleanTerminal struct {
	*os.File
	cleaner pasteCleaner
}

func (t *cleanTerminal) Read(p []byte) (int, error) {
	if len(p) <= mostOpen {
		return t.File.Read(p)
	}
	for {
		raw := make([]byte, len(p)-mostOpen) // what is held comes on top
		n, err := t.File.Read(raw)
		out := t.cleaner.clean(p[:0], raw[:n])
		if len(out) > 0 || err != nil || n == 0 {
			return len(out), err
		}
	}
}

// mostOpen is the most bytes that are held back until it is known what they are.
const mostOpen = 8

// pasteCleaner takes everything out of pastes that is no text. A paste may come in any
// pieces.
type pasteCleaner struct {
	inside  bool
	matched int    // bytes of the mark that is looked for
	held    []byte // the beginning of a character
}

// clean appends what is left of b to dst.
func (c *pasteCleaner) clean(dst, b []byte) []byte {
	for _, x := range b {
		if !c.inside {
			dst = append(dst, x)
			if c.match(x, pasteBegins) {
				c.inside = true
			}
			continue
		}
		before := c.matched
		if c.match(x, pasteEnds) {
			c.inside, c.held = false, c.held[:0]
			dst = append(dst, pasteEnds...)
			continue
		}
		if before > 0 && c.matched != before+1 { // it was something else, of which the escape is left out
			dst = append(dst, pasteEnds[1:before]...)
		}
		if c.matched == 0 {
			dst = c.text(dst, x)
		}
	}
	return dst
}

// match is whether x completes a mark.
func (c *pasteCleaner) match(x byte, mark string) bool {
	switch {
	case x == mark[c.matched]:
		c.matched++
	case x == mark[0]:
		c.matched = 1
	default:
		c.matched = 0
	}
	if c.matched < len(mark) {
		return false
	}
	c.matched = 0
	return true
}

// text appends a byte of a text once it makes a character, other than a control one.
func (c *pasteCleaner) text(dst []byte, x byte) []byte {
	if x < utf8.RuneSelf {
		c.held = c.held[:0]
		if x >= ' ' && x != 0x7f || x == '\t' || x == '\r' || x == '\n' {
			dst = append(dst, x)
		}
		return dst
	}
	if utf8.RuneStart(x) {
		c.held = c.held[:0]
	}
	c.held = append(c.held, x)
	if !utf8.FullRune(c.held) {
		return dst
	}
	if r, _ := utf8.DecodeRune(c.held); r != utf8.RuneError && r >= 0xa0 {
		dst = append(dst, c.held...)
	}
	c.held = c.held[:0]
	return dst
}
