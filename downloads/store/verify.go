package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"scout/downloads/transfer"
)

// FileHealth is what verifying one file of a model found.
type FileHealth struct {
	File
	transfer.Health
	Why string // it cannot even be read; empty if it can
}

// Verify reads all files of a model and holds them against their sums. each,
// if not nil, is told how many bytes of the model have been read.
func (s *Store) Verify(ctx context.Context, name string, each func(done, total int64)) ([]FileHealth, error) {
	m, err := s.Get(name)
	if err != nil {
		return nil, err
	}
	if !m.Complete {
		return nil, &IncompleteError{Name: m.Name, Have: s.have(m), Size: m.Size()}
	}
	var (
		all  []FileHealth
		done int64
	)
	for _, f := range m.Files {
		tell := func(n int64) {
			if each != nil {
				each(done+n, m.Size())
			}
		}
		h := FileHealth{File: f}
		if h.Why = s.missing(f); h.Why == "" || f.Path == "" && s.here(f) {
			h.Why = ""
			if h.Health, err = s.verifyFile(ctx, f, tell); err != nil {
				if ctx.Err() != nil {
					return nil, context.Cause(ctx)
				}
				h.Why = err.Error()
			}
		}
		all = append(all, h)
		done += f.Size
	}
	return all, nil
}

// here tells whether a file of the store is there, whatever its size.
func (s *Store) here(f File) bool {
	_, err := s.fsys.Stat(f.Blob().Name())
	return err == nil
}

func (s *Store) verifyFile(ctx context.Context, f File, tell func(int64)) (transfer.Health, error) {
	if f.Path == "" {
		return s.fetcher.Verify(ctx, f.Blob(), tell)
	}
	right, err := hasSum(ctx, f.Path, f.Blob(), tell)
	return transfer.Health{Right: right}, err
}

// Demote prepares the repair of a model: its damaged files become parts that
// lack what is damaged, files of other programs that are not right any more
// are to be fetched here, and the manifest says that it is not whole. Pulling
// it again does the rest.
func (s *Store) Demote(name string, found []FileHealth) error {
	m, err := s.Get(name)
	if err != nil {
		return err
	}
	m.Complete = false
	for i, h := range found {
		if h.Right || i >= len(m.Files) {
			continue
		}
		m.Files[i].Path, m.Files[i].Owner = "", ""
	}
	if err := s.Put(m); err != nil {
		return err
	}
	for _, h := range found {
		if h.Right || h.Path != "" || !s.here(h.File) {
			continue
		}
		if err := s.fetcher.Demote(h.Blob(), h.Health); err != nil {
			return err
		}
	}
	return nil
}

// hasSum reads a file of another program and tells whether it is a blob.
func hasSum(ctx context.Context, path string, blob transfer.Blob, tell func(int64)) (bool, error) {
	sum, err := sumOf(ctx, path, blob.Size, tell)
	return err == nil && sum == blob.SHA256, err
}

// sumOf reads a file of another program and gives its SHA-256, or "" without
// reading it if it is of another size.
func sumOf(ctx context.Context, path string, size int64, tell func(int64)) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("reading %s: it is no plain file", path)
	}
	if info.Size() != size {
		return "", nil
	}
	sum := sha256.New()
	buffer := make([]byte, 1<<20)
	var done int64
	for {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		n, err := f.Read(buffer)
		sum.Write(buffer[:n])
		done += int64(n)
		if tell != nil {
			tell(done)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", fmt.Errorf("reading %s: %w", path, err)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
