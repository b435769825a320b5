package downloads

import (
	"context"
	"fmt"

	"scout/downloads/hub"
)

// Beginning is the first bytes of a file on a hub.
type Beginning struct {
	Path string // on the hub
	Data []byte
	Size int64 // of the whole file
}

// How much is read of a file to know what is in it. The vocabulary of a model takes 5
// to 10 MB, whatever its size, so a small model's share is larger than the thousandth
// part that is enough for a large one.
const (
	firstRead    = 1 << 20
	leastMore    = 1 << 20
	mostShare    = 1000 // parts of the file, of which one may be read
	mostAnyway   = 32 << 20
	mostOfHeader = 128 << 20
)

// mostOf is the most that is read of a file.
func mostOf(size int64) int64 { return min(size, mostOfHeader, max(mostAnyway, size/mostShare)) }

// Header finds a model on its hub and reads the beginnings of its files until parse is
// content with them: parse says whether it needs more, and of which file. It gives
// what was read in all.
func (d *Downloads) Header(ctx context.Context, name string, o Options, parse func(files []Beginning) (short int, more bool, err error)) (v Variant, read int64, err error) {
	l, err := d.Look(ctx, name, o)
	if err != nil {
		return v, 0, err
	}
	if v, err = l.Pick(); err != nil {
		return v, 0, err
	}
	begin := make([]*hub.Beginning, len(v.Files))
	files := make([]Beginning, len(v.Files))
	for i, f := range v.Files {
		begin[i] = d.hub.Beginning(l, f)
		files[i] = Beginning{Path: f.Path, Size: f.Size}
	}
	p := newPulling(d, name, o)
	grow := func(i int, n int64) error {
		err := p.patiently(ctx, func() error { return begin[i].Grow(ctx, n) })
		read += int64(len(begin[i].Data) - len(files[i].Data))
		files[i].Data = begin[i].Data
		return err
	}
	for {
		short, more, err := parse(files)
		if err != nil || !more {
			return v, read, err
		}
		f := files[short]
		have := int64(len(f.Data))
		n := max(firstRead, have+max(leastMore, have/4))
		if have >= mostOf(f.Size) {
			return v, read, fmt.Errorf("downloads: the header of %.100q goes on after %d bytes: that is no model's", f.Path, have)
		}
		if err := grow(short, min(n, mostOf(f.Size))); err != nil {
			return v, read, err
		}
	}
}
