package gguf

import (
	"errors"
	"fmt"
	"math"
	"os"
)

// part is one file: its bytes and what its header says.
type part struct {
	path    string
	file    *os.File // kept to ask for the size when a read faults; nil for bytes given to Parse
	data    []byte
	mapped  bool  // data is a mapping that Close must undo
	whole   int64 // size of the file, if data is only its beginning; 0: data is all of it
	version uint32
	entries []entry        // metadata in file order
	byKey   map[string]int // index into entries
	tensors []Tensor       // in file order, which is the order of their offsets
}

// openPart maps one file and reads its header.
func openPart(path string) (*part, error) {
	file, size, err := openFile(path)
	if err != nil {
		return nil, err
	}
	data, err := mapFile(file, size)
	if err != nil {
		return nil, errors.Join(refused(fmt.Sprintf("map %d bytes of", size), path, err), file.Close())
	}
	p := &part{path: path, file: file, data: data, mapped: true}
	if err := catchFault(p.readHeader, p.explainFault); err != nil {
		p.close() // the header is what is wrong; that it could not be unmapped either helps nobody
		return nil, err
	}
	return p, nil
}

// openFile opens a file that can be mapped: a regular one that is not empty.
// What it is is asked before it is opened, since opening a pipe would wait for
// its other end.
func openFile(path string) (*os.File, int64, error) {
	if path == "" {
		return nil, 0, errors.New("gguf: open: the path is empty, want a file")
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, refused("stat", path, err)
	}
	if info.IsDir() {
		return nil, 0, &FormatError{path, -1, "is a directory, want a GGUF file"}
	}
	if !info.Mode().IsRegular() {
		return nil, 0, &FormatError{path, -1, fmt.Sprintf("is not a regular file (%s), want a GGUF file", info.Mode().Type())}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, refused("open", path, err)
	}
	if info, err = file.Stat(); err != nil { // again: the first answer may be about another file by now
		return nil, 0, errors.Join(refused("stat", path, err), file.Close())
	}
	size := info.Size()
	if size == 0 {
		return nil, 0, errors.Join(&FormatError{path, 0, "the file is empty, want a GGUF file"}, file.Close())
	}
	if size > math.MaxInt {
		return nil, 0, errors.Join(&UnsupportedError{path, -1, fmt.Sprintf("the file has %d bytes, want at most %d on this machine", size, math.MaxInt)}, file.Close())
	}
	return file, size, nil
}

// newPart reads the header of bytes in memory.
func newPart(name string, data []byte) (*part, error) {
	if len(data) == 0 {
		return nil, &FormatError{name, 0, "the file is empty, want a GGUF file"}
	}
	p := &part{path: name, data: data}
	if err := p.readHeader(); err != nil {
		return nil, err
	}
	return p, nil
}

// close unmaps the part and closes its file.
func (p *part) close() error {
	data, file := p.data, p.file
	p.data, p.file = nil, nil // whoever still has the part finds nothing to read
	var err error
	if p.mapped {
		err = unmapFile(data)
	}
	if file != nil {
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		return refused("close", p.path, err)
	}
	return nil
}

func closeParts(parts []*part) error {
	var errs []error
	for _, p := range parts {
		if p != nil {
			errs = append(errs, p.close())
		}
	}
	return errors.Join(errs...)
}
