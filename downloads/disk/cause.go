package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Cause is what kept the disk from doing what it was asked, as far as it
// changes what a person has to do.
type Cause int

// The causes that Why tells apart.
const (
	Other    Cause = iota
	Full           // no space left, or the user's quota is used up
	ReadOnly       // the file system can only be read
	Broken         // the device reports an error
	TooLarge       // the file system holds no files of that size (FAT32: 4 GiB)
	TooLong        // the path has too many letters
	Denied         // the user may not
)

// String is the cause in words, with what to do.
func (c Cause) String() string {
	switch c {
	case Full:
		return "the disk is full; free some space or choose another folder for models"
	case ReadOnly:
		return "the disk can only be read; choose another folder for models"
	case Broken:
		return "the disk reports an error; look after it before trusting it with more"
	case TooLarge:
		return "the file system of this disk cannot hold so large a file (FAT32 ends at 4 GiB); choose a folder on another disk"
	case TooLong:
		return "the path is too long; choose a folder for models with a shorter one"
	case Denied:
		return "you may not write there; change the permissions or choose another folder for models"
	}
	return "the disk did not do it"
}

// Error is a disk that did not do what it was asked.
type Error struct {
	Doing string // "writing", "saving the state of"
	Path  string
	Err   error
}

func (e *Error) Error() string {
	if cause := e.Why(); cause != Other {
		return fmt.Sprintf("%s %s: %s (%v)", e.Doing, e.Path, cause, bare(e.Err))
	}
	return fmt.Sprintf("%s %s: %v", e.Doing, e.Path, bare(e.Err))
}

func (e *Error) Unwrap() error { return e.Err }

// Why is the cause.
func (e *Error) Why() Cause { return Why(e.Err) }

// SpaceError is a disk that is too small for what is to come, found before the
// first byte.
type SpaceError struct {
	Path       string
	Need, Free int64
}

func (e *SpaceError) Error() string {
	return fmt.Sprintf("%s needs %s and %s are free: free %s there or choose another folder for models",
		e.Path, Bytes(e.Need), Bytes(e.Free), Bytes(e.Need-e.Free))
}

// Bytes is a size for people, in the decimal units that disks are sold in.
func Bytes(n int64) string {
	units := []string{"kB", "MB", "GB", "TB", "PB"}
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	x := float64(n) / 1000
	for len(units) > 1 && x >= 999.95 {
		x /= 1000
		units = units[1:]
	}
	return fmt.Sprintf("%.1f %s", x, units[0])
}

// bare is the system's part of an error, without the path that Error names.
func bare(err error) error {
	var (
		p *fs.PathError
		l *os.LinkError
	)
	switch {
	case errors.As(err, &p):
		return p.Err
	case errors.As(err, &l):
		return l.Err
	}
	return err
}
