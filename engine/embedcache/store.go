package embedcache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// An entry is a file, all numbers little-endian:
//
//	 0  8 bytes   mark
//	 8  uint64    number n of embeddings' elements
//	16  32 bytes  id, as in the file's name
//	48  n float32
//	    32 bytes  SHA-256 of all before
const (
	mark    = "scoutEM1"
	head    = 48
	suffix  = ".embeds"
	partial = ".part" // being written, or left by a process that was ended
)

// leftFor is how old a partial entry must be to belong to nobody: none takes nearly as
// long to write.
const leftFor = time.Hour

// store is the entries in a folder.
type store struct {
	dir  string
	room int64 // bytes of all entries at most
	disk disk
}

func (s *store) path(id id) string { return filepath.Join(s.dir, hex.EncodeToString(id[:])+suffix) }

// get reads an entry, and removes it if it is damaged.
func (s *store) get(id id) ([]float32, bool) {
	path := s.path(id)
	data, err := s.disk.read(path, s.room)
	if err != nil {
		return nil, false
	}
	embeds, ok := unpack(data, id)
	if !ok {
		s.disk.remove(path) // if that fails, so it does the next time
		return nil, false
	}
	s.disk.touch(path) // if that fails, it only goes earlier
	return embeds, true
}

// put writes an entry, after making room for it. What goes wrong is cleaned up as far
// as that can be done.
func (s *store) put(id id, embeds []float32) {
	data := pack(id, embeds)
	if int64(len(data)) > s.room || s.disk.makeFolder(s.dir) != nil {
		return
	}
	s.trim(s.room - int64(len(data)))
	name, err := s.disk.write(s.dir, "*"+partial, data)
	if err == nil {
		err = s.disk.rename(name, s.path(id))
	}
	if err != nil && name != "" {
		s.disk.remove(name)
	}
}

// trim removes entries, those used longest ago first, until the rest has at most the
// given bytes. Partial entries count, and go when they are old.
func (s *store) trim(room int64) {
	files, err := s.disk.list(s.dir)
	if err != nil {
		return
	}
	total := int64(0)
	ours := files[:0]
	for _, f := range files {
		switch {
		case strings.HasSuffix(f.name, partial) && time.Since(f.used) > leftFor:
			s.disk.remove(filepath.Join(s.dir, f.name))
		case strings.HasSuffix(f.name, partial):
			total += f.size
		case strings.HasSuffix(f.name, suffix):
			total += f.size
			ours = append(ours, f)
		}
	}
	slices.SortFunc(ours, func(a, b file) int { return a.used.Compare(b.used) })
	for _, f := range ours {
		if total <= room {
			return
		}
		if s.disk.remove(filepath.Join(s.dir, f.name)) == nil {
			total -= f.size
		}
	}
}

func pack(id id, embeds []float32) []byte {
	b := make([]byte, 0, head+4*len(embeds)+sha256.Size)
	b = append(b, mark...)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(embeds)))
	b = append(b, id[:]...)
	for _, v := range embeds {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// unpack reads what pack wrote; ok is false if it is not that, to the bit.
func unpack(b []byte, id id) (embeds []float32, ok bool) {
	if len(b) < head+sha256.Size || (len(b)-head-sha256.Size)%4 != 0 {
		return nil, false
	}
	body, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	numbers := body[head:]
	if string(b[:8]) != mark || binary.LittleEndian.Uint64(b[8:]) != uint64(len(numbers)/4) || !bytes.Equal(b[16:head], id[:]) {
		return nil, false
	}
	if got := sha256.Sum256(body); !bytes.Equal(got[:], sum) {
		return nil, false
	}
	embeds = make([]float32, len(numbers)/4)
	for i := range embeds {
		embeds[i] = math.Float32frombits(binary.LittleEndian.Uint32(numbers[4*i:]))
	}
	return embeds, true
}
