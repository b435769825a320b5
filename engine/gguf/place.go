package gguf

import "fmt"

// Place says where a key's value is, as "byte 120 of model.gguf", for error
// messages of packages that find a value wrong. It is "" for a key that is not
// there.
func (f *File) Place(key string) string {
	p, e := f.entry(key)
	if e == nil {
		return ""
	}
	return fmt.Sprintf("byte %d of %s", e.off, pathText(p.path))
}
