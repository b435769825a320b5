package transfer

import (
	"encoding/binary"
	"hash/crc32"
	"maps"
	"os"
	"strings"
	"testing"

	"scout/downloads/disk"
	"scout/downloads/disk/disktest"
)

// sealed adds the checksum to a frame.
func sealed(frame []byte) []byte {
	return binary.LittleEndian.AppendUint32(frame, crc32.Checksum(frame, castagnoli))
}

var journalBlob = Blob{SHA256: strings.Repeat("ab", 32), Size: 100*1000 + 1}

// journalBytes is a journal of three batches.
func journalBytes(t testing.TB) []byte {
	t.Helper()
	m := disktest.NewMemory()
	if err := m.Mkdir(BlobFolder); err != nil {
		t.Fatal(err)
	}
	j, err := createJournal(m, journalBlob, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []note{
		{have: []int{0, 1, 2, 50}, crcs: []uint32{10, 11, 12, 60}, hashed: 3000, hashState: []byte("state")},
		{forget: []int{50}, have: []int{100}, crcs: []uint32{7}},
		{have: []int{51}, crcs: []uint32{61}, hashed: 2000, hashState: []byte("other")},
	} {
		if err := j.append(n); err != nil {
			t.Fatal(err)
		}
	}
	data, err := disk.ReadFile(m, journalBlob.state(), maxJournal)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestJournal(t *testing.T) {
	r, err := parseJournal(journalBytes(t))
	if err != nil {
		t.Fatal(err)
	}
	if want := map[int]uint32{0: 10, 1: 11, 2: 12, 100: 7, 51: 61}; !maps.Equal(r.have, want) {
		t.Errorf("pieces %v, want %v", r.have, want)
	}
	if r.blob != journalBlob || r.pieceSize != 1000 || r.hashed != 2000 || string(r.hashState) != "other" || r.lost != 0 {
		t.Errorf("read %+v", r)
	}
	if got := r.bytes(); got != 4001 {
		t.Errorf("bytes %d, want 4001: the last piece has one", got)
	}
}

// TestForgettingForgetsTheHash: pieces that are missing after all were in it.
func TestForgettingForgetsTheHash(t *testing.T) {
	data := journalBytes(t)
	second := appendFrame(nil, frameForget, 100, binary.LittleEndian.AppendUint32(nil, 1))
	r, err := parseJournal(append(data, second...))
	if err != nil || r.hashed != 0 || r.hashState != nil {
		t.Errorf("after forgetting piece 1, %d bytes are hashed (%v)", r.hashed, err)
	}
}

// TestJournalDamage flips every bit and cuts at every byte: what is read then
// may be less, and is never more or other.
func TestJournalDamage(t *testing.T) {
	data := journalBytes(t)
	written := map[int]uint32{0: 10, 1: 11, 2: 12, 50: 60, 100: 7, 51: 61}
	check := func(what string, at int, damaged []byte) {
		r, err := parseJournal(damaged)
		if err != nil {
			return
		}
		if r.blob != journalBlob || r.pieceSize != 1000 {
			t.Fatalf("%s %d: of %+v", what, at, r.blob)
		}
		for i, crc := range r.have {
			if written[i] != crc {
				t.Fatalf("%s %d: has piece %d with checksum %d, which was not written", what, at, i, crc)
			}
		}
	}
	for bit := range 8 * len(data) {
		damaged := []byte(string(data))
		damaged[bit/8] ^= 1 << (bit % 8)
		check("bit", bit, damaged)
	}
	for n := range data {
		check("cut at", n, data[:n])
	}
}

func FuzzJournal(f *testing.F) {
	data := journalBytes(f)
	f.Add(data)
	f.Add(data[:len(data)/2])
	f.Add([]byte(frameMagic))
	f.Add(sealed(append([]byte("sctji\x01\x00\x00\x00\x00\x00\x00"), make([]byte, 8)...)))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseJournal(data)
		if err != nil {
			return
		}
		n := pieceCount(r.blob.Size, r.pieceSize)
		for i := range r.have {
			if i < 0 || i >= n {
				t.Fatalf("piece %d of %d", i, n)
			}
		}
		if have := r.bytes(); have < 0 || have > r.blob.Size {
			t.Fatalf("has %d bytes of %d", have, r.blob.Size)
		}
	})
}

func TestBlobNames(t *testing.T) {
	digest := strings.Repeat("0f", 32)
	for name, want := range map[string]Kind{
		"sha256-" + digest:                          Whole,
		"sha256-" + digest + ".part":                Part,
		"sha256-" + digest + ".state":               State,
		"sha256-" + digest + ".pieces":              Pieces,
		"sha256-" + digest + ".bad":                 Bad,
		"sha256-" + digest + ".exe":                 Unknown,
		"sha256-" + digest + "0":                    Unknown,
		"sha256-" + strings.ToUpper(digest):         Unknown,
		"sha256-" + digest[2:]:                      Unknown,
		"sha256-" + strings.Repeat("../", 21) + "a": Unknown,
		"README": Unknown,
	} {
		got, kind := ParseName(name)
		if kind != want || (kind != Unknown && got != digest) {
			t.Errorf("ParseName(%q) = %q, %v, want %v", name, got, kind, want)
		}
	}
	for _, blob := range []Blob{{"", 1}, {digest[1:] + "g", 1}, {digest, -1}, {digest, 1 << 62}, {"../../../../etc/passwd", 3}} {
		if blob.Check() == nil {
			t.Errorf("%+v passes", blob)
		}
		if err := NewFetcher(disktest.NewMemory(), nil).Start(t.Context(), blob, nil, Options{}).Wait(); err == nil {
			t.Errorf("%+v was fetched", blob)
		}
	}
}

func TestPieceSizes(t *testing.T) {
	for size, want := range map[int64]int64{0: 1 << 20, 1: 1 << 20, 220e9: 1 << 20, 1 << 38: 2 << 20, 1 << 40: 8 << 20} {
		if got := pieceSizeFor(size); got != want {
			t.Errorf("pieceSizeFor(%d) = %d, want %d", size, got, want)
		}
	}
}

// schedules is how many random runs there are: few as a rule, many where
// SCOUT_LONG is set.
func schedules(short, long int) int {
	if os.Getenv("SCOUT_LONG") != "" {
		return long
	}
	return short
}
