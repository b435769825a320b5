package gguf

import (
	"fmt"
	"runtime/debug"
	"sort"
	"unsafe"
)

// Locate says which byte of which file an address in the mapping is, and which
// tensor holds it ("" for the header and for padding). It is for reports about
// faults: ok is false for an address outside the mappings.
func (f *File) Locate(addr uintptr) (path string, offset int64, tensor string, ok bool) {
	for _, p := range f.parts {
		if off, ok := p.offsetOf(addr); ok {
			return p.path, off, p.tensorAt(off), true
		}
	}
	return "", 0, "", false
}

// offsetOf is where in the file of p an address is.
func (p *part) offsetOf(addr uintptr) (int64, bool) {
	base := uintptr(unsafe.Pointer(unsafe.SliceData(p.data)))
	if addr < base || addr-base >= uintptr(len(p.data)) {
		return 0, false
	}
	return int64(addr - base), true
}

// tensorAt names the tensor that holds the byte at offset off, "" if none does.
func (p *part) tensorAt(off int64) string {
	i := sort.Search(len(p.tensors), func(i int) bool { return p.tensors[i].Offset > off }) - 1
	if i < 0 || off >= p.tensors[i].Offset+int64(len(p.tensors[i].Data)) {
		return ""
	}
	return p.tensors[i].Name
}

// Guard runs fn, which may read the mapping, on this goroutine. Should the file
// have been cut since it was opened, or its disk fail, the read faults: Guard
// then returns a *FormatError that names the file, the tensor, the offset and
// the size of the file then and now. Without a guard such a fault ends the
// program. Any other panic of fn goes on.
//
// Only this goroutine is guarded: goroutines that fn starts need a Guard each.
func (f *File) Guard(fn func() error) error {
	return catchFault(fn, func(addr uintptr) error {
		for _, p := range f.parts {
			if err := p.explainFault(addr); err != nil {
				return err
			}
		}
		return nil
	})
}

// explainFault is the error for a read at addr that faulted, nil if addr is not
// in the mapping of p.
func (p *part) explainFault(addr uintptr) error {
	off, ok := p.offsetOf(addr)
	if !ok {
		return nil
	}
	what := "the header"
	if name := p.tensorAt(off); name != "" {
		what = fmt.Sprintf("tensor %q", name)
	}
	return p.invalid(int(off), "%s can no longer be read: the file holds %s now, %d when it was opened", what, p.sizeNow(), len(p.data))
}

// sizeNow is the size of the file as it is at the moment. It asks the open
// file, which is the mapped one even if its path has gone to another.
func (p *part) sizeNow() string {
	if p.file != nil {
		if info, err := p.file.Stat(); err == nil {
			return fmt.Sprintf("%d bytes", info.Size())
		}
	}
	return "an unknown number of bytes"
}

// catchFault runs fn with memory faults of this goroutine turned into panics.
// A fault at an address that explain has an error for is returned as that
// error; every other panic goes on.
func catchFault(fn func() error, explain func(addr uintptr) error) (err error) {
	before := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(before)
		v := recover()
		if v == nil {
			return
		}
		// runtime/debug.SetPanicOnFault: the panic is a runtime.Error with this method.
		if fault, ok := v.(interface{ Addr() uintptr }); ok {
			if err = explain(fault.Addr()); err != nil {
				return
			}
		}
		panic(v)
	}()
	return fn()
}
