package transfer

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path"

	"scout/downloads/disk"
)

// A journal is a row of frames, all numbers little-endian:
//
//	0   magic "sctj"
//	4   kind, 1 byte; version, 1 byte; 0, 2 bytes
//	8   length of the payload, 4 bytes
//	12  number, 8 bytes: 1, 2, 3 ...
//	20  payload
//	..  CRC-32C of all of the frame before it, 4 bytes
//
// A frame that is torn or changed is passed over: reading goes on at the next
// magic with a right checksum. Every batch begins with an identity frame, so
// that the loss of the first bytes loses nothing else.
const (
	frameMagic    = "sctj"
	frameHead     = 20
	frameTail     = 4
	frameVersion  = 1
	frameIdentity = 'i' // size 8, piece size 8, SHA-256 32
	framePieces   = 'p' // pieces that are in the file: index 4, CRC-32C of the piece 4, and so on
	frameForget   = 'f' // pieces that are not, after all: index 4, and so on
	frameHash     = 'h' // the SHA-256 so far: bytes hashed 8, its state

	identityLength = 8 + 8 + 32
	maxJournal     = 1 << 28 // far above what 2^18 pieces and years of batches take
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// record is what a journal says.
type record struct {
	blob      Blob
	pieceSize int64
	have      map[int]uint32 // pieces in the file, with their CRC-32C
	hashed    int64          // bytes of the hash's state
	hashState []byte         // of crypto/sha256; nil if there is none

	number uint64 // of the last frame
	length int64  // of the journal, in bytes
	lost   int    // bytes that are no frames
}

// bytes is how much of the file the journal says is there.
func (r *record) bytes() int64 {
	var sum int64
	for i := range r.have {
		sum += pieceLength(r.blob.Size, r.pieceSize, i)
	}
	return sum
}

// pieceCount is how many pieces a file has.
func pieceCount(size, pieceSize int64) int { return int((size + pieceSize - 1) / pieceSize) }

// pieceLength is the length of a piece: the last may be shorter.
func pieceLength(size, pieceSize int64, i int) int64 {
	return min(pieceSize, size-int64(i)*pieceSize)
}

const (
	// smallestPiece is small, so that a slow line loses little when its process
	// ends: a piece counts when it is whole.
	smallestPiece = 1 << 20
	mostPieces    = 1 << 18
)

// pieceSizeFor is the piece size of a new journal: 1 MiB, more where that
// would make very many pieces.
func pieceSizeFor(size int64) int64 {
	piece := int64(smallestPiece)
	for size/piece >= mostPieces {
		piece *= 2
	}
	return piece
}

// errNoIdentity is a journal that does not say whose it is.
var errNoIdentity = errors.New("it does not say which file it is of")

// parseJournal reads a journal. Broken frames are passed over and counted; an
// error means that nothing in it can be used.
func parseJournal(data []byte) (*record, error) {
	r := &record{have: map[int]uint32{}, length: int64(len(data))}
	var later bool
	type frame struct {
		kind    byte
		payload []byte
	}
	var frames []frame
	for at := 0; at < len(data); {
		kind, version, number, payload, whole := readFrame(data[at:])
		if whole == 0 {
			next := bytes.Index(data[at+1:], []byte(frameMagic))
			if next < 0 {
				r.lost += len(data) - at
				break
			}
			r.lost += next + 1
			at += next + 1
			continue
		}
		at += whole
		switch {
		case version > frameVersion:
			later = true
		case number <= r.number: // left over from an older file
			r.lost += whole
		default:
			r.number = number
			frames = append(frames, frame{kind, payload})
		}
	}
	for _, f := range frames {
		if f.kind == frameIdentity {
			if err := r.identify(f.payload); err != nil {
				return nil, err
			}
		}
	}
	switch {
	case r.pieceSize == 0 && later:
		return nil, errors.New("a later version of this program wrote it")
	case r.pieceSize == 0:
		return nil, errNoIdentity
	}
	for _, f := range frames {
		r.apply(f.kind, f.payload)
	}
	return r, nil
}

// readFrame reads the frame at the start of data; whole is its length, 0 if
// there is no intact one.
func readFrame(data []byte) (kind, version byte, number uint64, payload []byte, whole int) {
	if len(data) < frameHead+frameTail || string(data[:4]) != frameMagic {
		return 0, 0, 0, nil, 0
	}
	length := int64(binary.LittleEndian.Uint32(data[8:]))
	end := frameHead + length
	if end+frameTail > int64(len(data)) {
		return 0, 0, 0, nil, 0
	}
	if crc32.Checksum(data[:end], castagnoli) != binary.LittleEndian.Uint32(data[end:]) {
		return 0, 0, 0, nil, 0
	}
	return data[4], data[5], binary.LittleEndian.Uint64(data[12:]), data[frameHead:end], int(end) + frameTail
}

// identify takes what an identity frame says. All of them must say the same.
func (r *record) identify(payload []byte) error {
	if len(payload) != identityLength {
		return errNoIdentity
	}
	blob := Blob{SHA256: hex.EncodeToString(payload[16:]), Size: int64(binary.LittleEndian.Uint64(payload))}
	piece := int64(binary.LittleEndian.Uint64(payload[8:]))
	if err := blob.Check(); err != nil {
		return err
	}
	if piece <= 0 || piece > maxSize || pieceCount(blob.Size, piece) > mostPieces+1 {
		return fmt.Errorf("it has pieces of %d bytes", piece)
	}
	if r.pieceSize != 0 && (r.blob != blob || r.pieceSize != piece) {
		return errors.New("it is of two files")
	}
	r.blob, r.pieceSize = blob, piece
	return nil
}

// apply takes what a frame of another kind says. Kinds that are not known are
// passed over.
func (r *record) apply(kind byte, payload []byte) {
	n := pieceCount(r.blob.Size, r.pieceSize)
	switch kind {
	case framePieces:
		for ; len(payload) >= 8; payload = payload[8:] {
			if i := binary.LittleEndian.Uint32(payload); int64(i) < int64(n) {
				r.have[int(i)] = binary.LittleEndian.Uint32(payload[4:])
			}
		}
	case frameForget:
		for ; len(payload) >= 4; payload = payload[4:] {
			delete(r.have, int(binary.LittleEndian.Uint32(payload)))
		}
		r.hashed, r.hashState = 0, nil // it had the forgotten bytes in it, perhaps
	case frameHash:
		if len(payload) > 8 {
			r.hashed = int64(binary.LittleEndian.Uint64(payload))
			r.hashState = bytes.Clone(payload[8:])
		}
	}
}

// appendFrame adds a frame to a batch.
func appendFrame(batch []byte, kind byte, number uint64, payload []byte) []byte {
	start := len(batch)
	batch = append(batch, frameMagic...)
	batch = append(batch, kind, frameVersion, 0, 0)
	batch = binary.LittleEndian.AppendUint32(batch, uint32(len(payload)))
	batch = binary.LittleEndian.AppendUint64(batch, number)
	batch = append(batch, payload...)
	return binary.LittleEndian.AppendUint32(batch, crc32.Checksum(batch[start:], castagnoli))
}

// journal is a journal that is being written.
type journal struct {
	file      disk.File
	blob      Blob
	pieceSize int64
	number    uint64
	length    int64
}

// note is what one batch adds: pieces that are in the file, pieces that are
// not after all, and the state of the hash.
type note struct {
	have      []int
	crcs      []uint32
	forget    []int
	hashed    int64
	hashState []byte
}

// append writes a batch and brings it to the disk. What it claims must be
// there already.
func (j *journal) append(n note) error {
	batch := j.identity(nil)
	add := func(kind byte, payload []byte) {
		j.number++
		batch = appendFrame(batch, kind, j.number, payload)
	}
	if len(n.forget) > 0 {
		payload := make([]byte, 0, 4*len(n.forget))
		for _, i := range n.forget {
			payload = binary.LittleEndian.AppendUint32(payload, uint32(i))
		}
		add(frameForget, payload)
	}
	if len(n.have) > 0 {
		payload := make([]byte, 0, 8*len(n.have))
		for k, i := range n.have {
			payload = binary.LittleEndian.AppendUint32(payload, uint32(i))
			payload = binary.LittleEndian.AppendUint32(payload, n.crcs[k])
		}
		add(framePieces, payload)
	}
	if len(n.hashState) > 0 {
		add(frameHash, append(binary.LittleEndian.AppendUint64(nil, uint64(n.hashed)), n.hashState...))
	}
	if _, err := j.file.WriteAt(batch, j.length); err != nil {
		return err
	}
	j.length += int64(len(batch))
	return j.file.Sync()
}

// identity adds the frame that says whose journal it is.
func (j *journal) identity(batch []byte) []byte {
	payload := binary.LittleEndian.AppendUint64(nil, uint64(j.blob.Size))
	payload = binary.LittleEndian.AppendUint64(payload, uint64(j.pieceSize))
	digest, _ := hex.DecodeString(j.blob.SHA256) // checked long ago
	j.number++
	return appendFrame(batch, frameIdentity, j.number, append(payload, digest...))
}

// createJournal begins a journal that says that nothing is there yet, and
// makes its name durable.
func createJournal(fsys disk.FS, blob Blob, pieceSize int64) (*journal, error) {
	f, err := fsys.Open(blob.state(), os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return nil, err
	}
	j := &journal{file: f, blob: blob, pieceSize: pieceSize}
	if err := j.append(note{}); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := fsys.SyncDir(path.Dir(blob.state())); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return j, nil
}

// reopenJournal goes on with a journal that was read. Its name, and the part's
// beside it, are made durable again: who made them may have failed to.
func reopenJournal(fsys disk.FS, r *record) (*journal, error) {
	f, err := fsys.Open(r.blob.state(), os.O_RDWR)
	if err != nil {
		return nil, err
	}
	if err := fsys.SyncDir(path.Dir(r.blob.state())); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &journal{file: f, blob: r.blob, pieceSize: r.pieceSize, number: r.number, length: r.length}, nil
}

// readJournal reads the journal of that name.
func readJournal(fsys disk.FS, name string) (*record, error) {
	data, err := disk.ReadFile(fsys, name, maxJournal)
	if err != nil {
		return nil, err
	}
	return parseJournal(data)
}
