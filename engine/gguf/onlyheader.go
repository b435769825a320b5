package gguf

import (
	"errors"
	"fmt"
)

// ErrMore says that the beginning of a file ends before its header does.
var ErrMore = errors.New("gguf: the header goes on")

// Beginning is the first bytes of a file, for ParseHeader.
type Beginning struct {
	Name string // stands for a path in errors
	Data []byte // is kept, not copied
	Size int64  // of the whole file
}

// ParseHeader reads what the headers of a model's files say, in order, from their
// first bytes alone: the tensors have no Data. If more bytes are needed of a file the
// error is ErrMore, and which file it is is told by its number, from 0.
func ParseHeader(files []Beginning) (f *File, short int, err error) {
	parts := make([]*part, len(files))
	for i, b := range files {
		if len(b.Data) == 0 {
			return nil, i, ErrMore
		}
		parts[i] = &part{path: b.Name, data: b.Data, whole: max(b.Size, int64(len(b.Data)))}
		if err := parts[i].readHeader(); err != nil {
			return nil, i, err
		}
		set, err := parts[i].splitKeys()
		if err != nil {
			return nil, i, err
		}
		if set.no != i || set.count != len(files) {
			return nil, i, parts[i].invalid(set.at, "is part %d of %d, want part %d of %d", set.no+1, set.count, i+1, len(files))
		}
	}
	if len(parts) == 0 {
		return nil, 0, fmt.Errorf("gguf: no file is given")
	}
	first, err := parts[0].splitKeys()
	if err != nil {
		return nil, 0, err
	}
	f, err = merge(parts, first)
	return f, 0, err
}
