package hardware

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"
)

// chunkReader is a file that notes which chunks were read.
type chunkReader struct {
	mu    sync.Mutex
	read  map[int64]int
	size  int64
	fails int64 // the chunk at which it fails; -1: none
}

var errBadSector = errors.New("bad sector")

func (r *chunkReader) ReadAt(p []byte, at int64) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at%diskAlign != 0 || len(p)%diskAlign != 0 || uintptr(unsafe.Pointer(&p[0]))%diskAlign != 0 {
		return 0, errors.New("not aligned")
	}
	r.read[at/diskChunk]++
	if r.fails == at/diskChunk {
		return 0, errBadSector
	}
	if left := r.size - at; int64(len(p)) > left {
		return int(max(0, left)), io.EOF
	}
	return len(p), nil
}

func TestReadChunks(t *testing.T) {
	r := &chunkReader{read: map[int64]int{}, size: 10*diskChunk - 5, fails: -1}
	n, took, err := readChunks(context.Background(), r, 10, time.Hour)
	if err != nil || n != r.size || took <= 0 || len(r.read) != 10 {
		t.Errorf("got %d bytes in %v, %d chunks, %v; want %d bytes", n, took, len(r.read), err, r.size)
	}
	for chunk, times := range r.read {
		if times != 1 {
			t.Errorf("chunk %d was read %d times", chunk, times)
		}
	}
	r = &chunkReader{read: map[int64]int{}, size: 1 << 50, fails: -1}
	if n, _, err := readChunks(context.Background(), r, 1<<40, 0); err != nil || n < diskChunk || n > diskReaders*diskChunk {
		t.Errorf("no time: got %d bytes, %v, want a chunk", n, err)
	}
	r = &chunkReader{read: map[int64]int{}, size: 1 << 50, fails: 7}
	if _, _, err := readChunks(context.Background(), r, 100, time.Hour); !errors.Is(err, errBadSector) {
		t.Errorf("a bad sector: got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := readChunks(ctx, r, 1<<40, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
	if _, _, err := readChunks(context.Background(), &chunkReader{read: map[int64]int{}, fails: -1}, 1, time.Hour); err == nil {
		t.Error("an empty file: got no error")
	}
}

// TestMeasureDisk reads a file of the least size, and opens it twice, for the cache
// must be passed by or dropped and the contents the same.
func TestMeasureDisk(t *testing.T) {
	file := filepath.Join(t.TempDir(), "model")
	text := bytes.Repeat([]byte("0123456789abcdef"), diskLeastBytes/16)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	f, how, err := openUncached(file)
	if err != nil || how == "" {
		t.Fatal(how, err)
	}
	defer f.Close()
	b := alignedBuffer(diskAlign)
	if _, err := f.ReadAt(b, diskAlign); err != nil || !bytes.Equal(b, text[:diskAlign]) {
		t.Errorf("%s: read %.20q, %v", how, b, err)
	}
	s, err := MeasureDisk(context.Background(), file)
	if err != nil || s.Rate <= 0 || s.Bytes < diskChunk || s.Bytes > diskLeastBytes || s.How != how {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestMeasureDiskRefuses(t *testing.T) {
	small := filepath.Join(t.TempDir(), "small")
	if err := os.WriteFile(small, make([]byte, 8192), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{small, filepath.Dir(small), filepath.Join(small, "x"), small + ".gone"} {
		if s, err := MeasureDisk(context.Background(), file); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %+v, %v", filepath.Base(file), s, err)
		}
	}
}
