package gguf

import (
	"encoding/binary"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Limits on what a header may hold, far above real files (Scout: about 20 MB of
// header, 628 tensors, 40 keys). They bound the memory and the time that a
// hostile file can cost: what Open allocates for one file stays below 64 MiB.
const (
	maxHeaderBytes = 256 << 20 // metadata and tensor table together
	maxKeys        = 1 << 16
	maxTensors     = 1 << 16
	maxKeyBytes    = 1<<16 - 1 // gguf.md, "key"
	maxAllKeyBytes = 8 << 20   // all keys of a file together
	maxNameBytes   = 64        // gguf.md, "name" of a tensor
	maxArray       = 1 << 24   // values in one array
	maxDims        = 4         // ggml's GGML_MAX_DIMS
	maxAlignment   = 1 << 20
)

const (
	magic            = "GGUF"
	defaultAlignment = 32
	alignmentKey     = "general.alignment"
)

// Sizes of the smallest entries, which bound their counts before anything is
// allocated for them.
const (
	minKeyBytes    = 8 + 1 + 4 + 1 // length, a name of one byte, type, a value of one byte
	minTensorBytes = 8 + 1 + 4 + 4 + 8
)

// cursor walks over the header of a part. It never reads past end.
type cursor struct {
	p   *part
	off int // next byte
	end int // of what a header may take: the file or maxHeaderBytes
	// What is being read, for errors: a kind ("key", "tensor" or ""), which one
	// of them, from 1, and its name once that is known.
	kind  string
	index int
	name  string
}

// subject begins an error message with the key or tensor that is being read.
func (c *cursor) subject() string {
	switch {
	case c.kind == "":
		return ""
	case c.name == "":
		return fmt.Sprintf("%s %d: ", c.kind, c.index)
	}
	return fmt.Sprintf("%s %q: ", c.kind, c.name)
}

func (c *cursor) invalid(at int, format string, args ...any) error {
	return c.p.invalid(at, "%s%s", c.subject(), fmt.Sprintf(format, args...))
}

func (c *cursor) unsupported(at int, format string, args ...any) error {
	return c.p.unsupported(at, "%s%s", c.subject(), fmt.Sprintf(format, args...))
}

// left is the number of bytes that a header may still take.
func (c *cursor) left() uint64 { return uint64(c.end - c.off) }

// goesOn says whether only the beginning of the header is there.
func (c *cursor) goesOn() bool {
	return c.p.whole > int64(len(c.p.data)) && len(c.p.data) < maxHeaderBytes
}

// need checks that n bytes of what are there.
func (c *cursor) need(n uint64, what string) error {
	if n <= c.left() {
		return nil
	}
	if c.goesOn() {
		return ErrMore
	}
	rest := "the rest of the file"
	if c.end < len(c.p.data) {
		rest = fmt.Sprintf("the rest of a header of %d bytes", maxHeaderBytes)
	}
	return c.invalid(c.off, "%s needs %d bytes, want at most %d (%s)", what, n, c.left(), rest)
}

// take steps over the next n bytes, which hold what.
func (c *cursor) take(n uint64, what string) ([]byte, error) {
	if err := c.need(n, what); err != nil {
		return nil, err
	}
	b := c.p.data[c.off : c.off+int(n)]
	c.off += int(n)
	return b, nil
}

func (c *cursor) u32(what string) (uint32, error) {
	b, err := c.take(4, what)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

func (c *cursor) u64(what string) (uint64, error) {
	b, err := c.take(8, what)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

// count reads a 64-bit count of things that take at least size bytes each, of
// which a file may hold at most limit.
func (c *cursor) count(what string, size, limit uint64) (int, error) {
	at := c.off
	n, err := c.u64(what)
	if err != nil {
		return 0, err
	}
	if fit := c.left() / size; n > fit {
		if n <= limit && c.goesOn() {
			return 0, ErrMore
		}
		return 0, c.invalid(at, "%s is %d, want at most %d (%d bytes are left)", what, n, fit, c.left())
	}
	if n > limit {
		return 0, c.invalid(at, "%s is %d, want at most %d", what, n, limit)
	}
	return int(n), nil
}

// identifier reads the name of a key or tensor. A name that would garble a
// line or a terminal is refused.
func (c *cursor) identifier(what string, limit uint64) (string, error) {
	at := c.off
	n, err := c.u64(what + " length")
	if err != nil {
		return "", err
	}
	if n == 0 {
		return "", c.invalid(at, "%s is empty, want 1 to %d bytes", what, limit)
	}
	if n > limit {
		return "", c.invalid(at, "%s has %d bytes, want at most %d", what, n, limit)
	}
	b, err := c.take(n, what)
	if err != nil {
		return "", err
	}
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 || !unicode.IsPrint(r) {
			return "", c.invalid(at+8+i, "%s %q has %q in it, want printable UTF-8", what, short(string(b)), b[i:i+size])
		}
		i += size
	}
	return string(b), nil
}

// readHeader reads everything before the tensor data, and checks that the data
// is there.
func (p *part) readHeader() error {
	c := &cursor{p: p, end: min(len(p.data), maxHeaderBytes)}
	if err := c.readMagic(); err != nil {
		return err
	}
	nTensors, err := c.count("tensor count", minTensorBytes, maxTensors)
	if err != nil {
		return err
	}
	nKeys, err := c.count("key count", minKeyBytes, maxKeys)
	if err != nil {
		return err
	}
	if err := c.readKeys(nKeys); err != nil {
		return err
	}
	return c.readTensors(nTensors)
}

// otherFiles explains the first four bytes of files that are taken for models.
var otherFiles = map[string]string{
	"vers": ": a Git LFS pointer in place of the file",
	"<!DO": ": a web page", "<!do": ": a web page", "<htm": ": a web page",
	"PK\x03\x04": ": a zip archive, perhaps a PyTorch model",
	"lmgg":       ": an obsolete GGML model", "tjgg": ": an obsolete GGML model", "fmgg": ": an obsolete GGML model",
}

// readMagic reads the magic number and the version.
func (c *cursor) readMagic() error {
	b, err := c.take(4, "magic")
	if err != nil {
		return err
	}
	if string(b) != magic {
		return c.invalid(0, "magic is %q, want %q%s", b, magic, otherFiles[string(b)])
	}
	at := c.off
	version, err := c.u32("version")
	if err != nil {
		return err
	}
	switch {
	case version == 2 || version == 3:
		c.p.version = version
		return nil
	case version == 0:
		return c.invalid(at, "version is 0, want 2 or 3")
	case version&0xffff == 0: // gguf.md has no other mark of a big-endian file
		return c.unsupported(at, "the file is big-endian (version reads %#08x), want little-endian", version)
	case version == 1:
		return c.unsupported(at, "version is 1, which is obsolete, want 2 or 3")
	}
	return c.unsupported(at, "version is %d, want 2 or 3", version)
}

// short cuts a string for an error message.
func short(s string) string {
	const limit = 60
	if len(s) <= limit {
		return s
	}
	for i := limit; ; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i] + "…"
		}
	}
}
