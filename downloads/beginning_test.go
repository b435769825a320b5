package downloads

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"scout/downloads/faultserver"
)

// huge is a file as large as a model. Nobody adds up its sum.
func huge(size int64, path string) faultserver.Published {
	return faultserver.Published{Path: path, Bytes: content(7, size), Size: size, SHA256: strings.Repeat("ab", 32)}
}

// needs is a parser that wants so many bytes of each file.
func needs(t *testing.T, want ...int64) func([]Beginning) (int, bool, error) {
	return func(files []Beginning) (int, bool, error) {
		if len(files) != len(want) {
			return 0, false, fmt.Errorf("got %d files, want %d", len(files), len(want))
		}
		for i, f := range files {
			right := make([]byte, len(f.Data))
			if _, err := content(7, f.Size).ReadAt(right, 0); err != nil && err != io.EOF || !bytes.Equal(f.Data, right) {
				t.Fatalf("the first %d bytes of %s are other ones, %v", len(right), f.Path, err)
			}
			if int64(len(f.Data)) < want[i] {
				return i, true, nil
			}
		}
		return 0, false, nil
	}
}

// TestHeader reads headers of files of many GB, and counts what the servers sent.
func TestHeader(t *testing.T) {
	const size = 40 << 30
	s := faultserver.New(t)
	r := s.Repository(repository)
	r.Commit(firstCommit, huge(size, "Q4_K_M/Scout-Q4_K_M-00001-of-00002.gguf"), huge(size/2, "Q4_K_M/Scout-Q4_K_M-00002-of-00002.gguf"), huge(3<<20, "Scout-Q8_0.gguf"))
	d := open(t, s, nil, nil)
	v, read, err := d.Header(context.Background(), name, Options{}, needs(t, 10<<20, 1000))
	if err != nil || v.Quant != "Q4_K_M" {
		t.Fatal(v, err)
	}
	if read > 14<<20 || read > (size+size/2)/1000 {
		t.Errorf("%d bytes were read of %d", read, int64(size+size/2))
	}
	sent := int64(0)
	for _, q := range s.Requests(faultserver.Store) {
		if q.Range == "" {
			t.Errorf("%s %s asks for all of it", q.Method, q.Path)
		}
		sent += q.Sent
	}
	if sent < read || sent > read+1000 {
		t.Errorf("the store sent %d bytes, %d were counted", sent, read)
	}
	// A small file may be read whole, and no byte more than there is.
	if _, read, err = d.Header(context.Background(), repository+":Q8_0", Options{}, needs(t, 3<<20)); err != nil || read != 3<<20 {
		t.Errorf("got %d bytes, %v", read, err)
	}
}

// TestHeaderIsBounded stops at a header without an end, and at what the parser says.
func TestHeaderIsBounded(t *testing.T) {
	s := faultserver.New(t)
	r := s.Repository(repository)
	r.Commit(firstCommit, huge(4<<30, "Scout-Q4_K_M.gguf"))
	d := open(t, s, nil, nil)
	_, read, err := d.Header(context.Background(), name, Options{}, needs(t, 1<<40))
	if err == nil || strings.Contains(err.Error(), "\n") || read > mostAnyway {
		t.Errorf("got %d bytes, %v", read, err)
	}
	wrong := errors.New("no GGUF")
	_, read, err = d.Header(context.Background(), name, Options{}, func(f []Beginning) (int, bool, error) {
		if len(f[0].Data) == 0 {
			return 0, true, nil
		}
		return 0, false, wrong
	})
	if !errors.Is(err, wrong) || read != firstRead {
		t.Errorf("got %d bytes, %v", read, err)
	}
	if _, _, err := d.Header(context.Background(), repository+":Q9", Options{}, needs(t, 1)); err == nil {
		t.Error("there is no Q9")
	}
}
