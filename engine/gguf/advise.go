package gguf

import "errors"

// Access is how a mapping is going to be read.
type Access uint8

// The ways of reading that Advise knows.
const (
	AccessNormal     Access = iota // in any way; as after Open
	AccessSequential               // from front to back: read ahead
	AccessRandom                   // here and there: do not read ahead
	AccessSoon                     // all of it, soon: start reading now
)

// Advise tells the system how the file is going to be read. It is a hint, which
// changes speed and nothing else; Windows has no use for it. Bytes given to
// Parse are left alone.
func (f *File) Advise(a Access) error {
	var errs []error
	for _, p := range f.parts {
		if !p.mapped {
			continue
		}
		if err := adviseMapping(p.data, a); err != nil {
			errs = append(errs, refused("advise on", p.path, err))
		}
	}
	return errors.Join(errs...)
}
