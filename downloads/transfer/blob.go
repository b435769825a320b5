package transfer

import (
	"fmt"
	"path"
	"strings"
)

// The folders of the store that transfers use, and what they append to names.
const (
	BlobFolder = "blobs"
	LockFolder = "locks"

	partSuffix   = ".part"   // a file that is not whole yet
	stateSuffix  = ".state"  // the journal beside it
	piecesSuffix = ".pieces" // the journal of a whole file: its pieces' checksums
	badSuffix    = ".bad"    // a whole file with the wrong sum, kept to be looked at

	blobPrefix = "sha256-"
	hexDigits  = 64
)

// Blob is a file: what is in it, and how long it is.
type Blob struct {
	SHA256 string // 64 hexadecimal digits in small letters
	Size   int64  // bytes
}

// maxSize keeps piece numbers and sums of sizes far from where they overflow.
const maxSize = 1 << 50

// Check tells whether a blob can be: its digest is the only part of a name on
// disk that came over the network.
func (b Blob) Check() error {
	if len(b.SHA256) != hexDigits || strings.Trim(b.SHA256, "0123456789abcdef") != "" {
		return fmt.Errorf("transfer: %.80q is no SHA-256: want %d hexadecimal digits in small letters", b.SHA256, hexDigits)
	}
	if b.Size < 0 || b.Size > maxSize {
		return fmt.Errorf("transfer: sha256 %s: a size of %d bytes cannot be", b.short(), b.Size)
	}
	return nil
}

// short is enough of the digest to tell blobs apart.
func (b Blob) short() string { return b.SHA256[:min(12, len(b.SHA256))] }

// Name is the name of the whole file in the store.
func (b Blob) Name() string { return path.Join(BlobFolder, blobPrefix+b.SHA256) }

func (b Blob) part() string   { return b.Name() + partSuffix }
func (b Blob) state() string  { return b.Name() + stateSuffix }
func (b Blob) pieces() string { return b.Name() + piecesSuffix }
func (b Blob) bad() string    { return b.Name() + badSuffix }

// Lock is the name of the lock that is held while the blob is worked on.
func (b Blob) Lock() string { return path.Join(LockFolder, blobPrefix+b.SHA256) }

// Kind is what a file in the folder of blobs is.
type Kind int

// The kinds of files.
const (
	Unknown Kind = iota // nothing of ours
	Whole               // a blob
	Part                // a blob that is not whole
	State               // the journal of one
	Pieces              // the checksums of a whole one
	Bad                 // a blob with the wrong sum
)

// ParseName tells what the file of that name in the folder of blobs is, and of
// which blob.
func ParseName(name string) (digest string, k Kind) {
	rest, ok := strings.CutPrefix(name, blobPrefix)
	if !ok || len(rest) < hexDigits {
		return "", Unknown
	}
	digest, suffix := rest[:hexDigits], rest[hexDigits:]
	if (Blob{SHA256: digest}).Check() != nil {
		return "", Unknown
	}
	k, ok = map[string]Kind{"": Whole, partSuffix: Part, stateSuffix: State, piecesSuffix: Pieces, badSuffix: Bad}[suffix]
	if !ok {
		return "", Unknown
	}
	return digest, k
}
