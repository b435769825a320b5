package picture

import (
	"path/filepath"
	"testing"
)

// FuzzDecode holds any bytes to what must be true of all. Its seeds are the pictures
// of testdata, and what it found, in testdata/fuzz.
func FuzzDecode(f *testing.F) {
	names, err := filepath.Glob("testdata/*.*")
	if err != nil {
		f.Fatal(err)
	}
	seeds := 0
	for _, name := range names {
		if formatOf[filepath.Ext(name)] != "" {
			f.Add(load(f, filepath.Base(name)))
			seeds++
		}
	}
	if seeds < 50 {
		f.Fatalf("%d seeds in testdata, want the pictures", seeds)
	}
	f.Fuzz(holds)
}
