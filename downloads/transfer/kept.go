package transfer

import (
	"slices"
	"time"
)

// Range is a row of bytes of a file, From but not To.
type Range struct{ From, To int64 }

// Kept is which bytes of a file that is not whole its journal has, in the
// order of the file: what a download would not fetch again. Without a journal
// that can be read there are none.
func (f *Fetcher) Kept(digest string) []Range {
	blob := Blob{SHA256: digest}
	if blob.Check() != nil {
		return nil
	}
	r, err := readJournal(f.fsys, blob.state())
	if err != nil || r.blob.SHA256 != digest {
		return nil
	}
	var pieces []int
	for i := range r.have {
		pieces = append(pieces, i)
	}
	slices.Sort(pieces)
	var kept []Range
	for _, i := range pieces {
		from := int64(i) * r.pieceSize
		to := from + pieceLength(r.blob.Size, r.pieceSize, i)
		if n := len(kept); n > 0 && kept[n-1].To == from {
			kept[n-1].To = to
			continue
		}
		kept = append(kept, Range{from, to})
	}
	return kept
}

// Tune changes how finely transfers that are started from now on keep track of
// a file: pieces of so many bytes, saved so often. The values of NewFetcher
// suit files of gigabytes; tests of the packages above have small ones.
func (f *Fetcher) Tune(pieceSize int64, saveEvery time.Duration) {
	f.pieceSize, f.saveEvery = pieceSize, saveEvery
}
