package hardware

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

const (
	// diskTime is how long a measurement of a disk reads, at most, and diskBytes how
	// much.
	diskTime  = 2 * time.Second
	diskBytes = 4 << 30
	// diskLeastBytes is the least file worth measuring with.
	diskLeastBytes = 64 << 20
	// diskChunk is what is asked for at once, by each of diskReaders: fast disks need
	// several requests at a time.
	diskChunk   = 4 << 20
	diskReaders = 4
	// diskAlign is what reading past the cache wants addresses, offsets and sizes to be
	// multiples of: the largest sector there is.
	diskAlign = 4096
)

// DiskSpeed is how fast a file was read.
type DiskSpeed struct {
	Rate  float64 // bytes per second
	Bytes int64   // that were read
	How   string  // past the system's cache, or after it was told to drop the file
}

// MeasureDisk measures how fast the disk of a file reads it, without the system's
// cache, front to back and a few requests at a time, for two seconds at most. The
// file should be as large as a model: of at least 64 MiB. It writes nothing. What a
// disk, or the machine that a virtual one runs in, keeps in a cache of its own cannot
// be told apart.
func MeasureDisk(ctx context.Context, file string) (DiskSpeed, error) {
	fail := func(err error) (DiskSpeed, error) {
		return DiskSpeed{}, fmt.Errorf("hardware: measuring the disk of %s: %w", file, err)
	}
	f, how, err := openUncached(file)
	if err != nil {
		return fail(err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return fail(err)
	case !info.Mode().IsRegular() || info.Size() < diskLeastBytes:
		return fail(fmt.Errorf("it has %d MiB, want a file of at least %d", info.Size()>>20, diskLeastBytes>>20))
	}
	n, took, err := readChunks(ctx, f, min(info.Size(), diskBytes)/diskChunk, diskTime)
	if err != nil {
		return fail(err)
	}
	return DiskSpeed{Rate: float64(n) / took.Seconds(), Bytes: n, How: how}, nil
}

// readChunks reads the first chunks of a file until they or the time run out.
func readChunks(ctx context.Context, f io.ReaderAt, chunks int64, limit time.Duration) (n int64, took time.Duration, err error) {
	var (
		next, sum atomic.Int64
		readers   sync.WaitGroup
		failed    = make([]error, diskReaders)
		start     = time.Now()
	)
	for i := range diskReaders {
		readers.Go(func() {
			buffer := alignedBuffer(diskChunk)
			for ctx.Err() == nil && (next.Load() == 0 || time.Since(start) < limit) {
				chunk := next.Add(1) - 1
				if chunk >= chunks {
					return
				}
				read, err := f.ReadAt(buffer, chunk*diskChunk)
				sum.Add(int64(read))
				if err != nil && !errors.Is(err, io.EOF) {
					failed[i] = err
					return
				}
			}
		})
	}
	readers.Wait()
	took = max(time.Since(start), time.Nanosecond)
	switch err = errors.Join(ctx.Err(), errors.Join(failed...)); {
	case err != nil:
		return 0, 0, err
	case sum.Load() == 0:
		return 0, 0, io.ErrUnexpectedEOF
	}
	return sum.Load(), took, nil
}

// alignedBuffer is a buffer that begins at a multiple of diskAlign.
func alignedBuffer(size int) []byte {
	b := make([]byte, size+diskAlign)
	skip := int(-uintptr(unsafe.Pointer(&b[0])) % diskAlign)
	return b[skip : skip+size : skip+size]
}

// openCached opens a file for systems that can be told to drop what they keep of it.
func openCached(file string, drop func(f *os.File) error, how string) (*os.File, string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, "", err
	}
	if err := drop(f); err != nil {
		f.Close()
		return nil, "", err
	}
	return f, how, nil
}
