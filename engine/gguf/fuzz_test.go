package gguf

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strings"
	"testing"

	"scout/engine/gguf/gguftest"
	"scout/engine/quant"
)

var update = flag.Bool("update", false, "write the seeds of FuzzParse anew")

// FuzzParse holds Parse to: no panic, errors of two types on one line that point
// into the file, no large allocation, and of a sound file everything within it.
func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		before := heapAllocations()
		file, err := Parse("fuzz", data)
		if n := heapAllocations() - before; n > maxAllocation {
			t.Errorf("%d bytes allocated, want at most %d", n, maxAllocation)
		}
		if err != nil {
			checkError(t, err, len(data))
			return
		}
		readAll(t, file)
	})
}

// heapAllocations is the number of bytes allocated so far, freed or not.
func heapAllocations() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// checkError checks the error for a file of size bytes.
func checkError(t *testing.T, err error, size int) {
	t.Helper()
	oneLine(t, err)
	var broken *FormatError
	var unsupported *UnsupportedError
	at := int64(math.MaxInt64)
	if errors.As(err, &broken) {
		at = broken.Offset
	} else if errors.As(err, &unsupported) {
		at = unsupported.Offset
	}
	if at < -1 || at > int64(size) {
		t.Errorf("%T at %d of a file of %d bytes: %v", err, at, size, err)
	}
}

// seeds are the files that fuzzing starts from: sound ones of every version and
// tensor type, and one for every way in which a header has been abused.
func seeds(t *testing.T) map[string][]byte {
	all := map[string][]byte{"small": small().Build(t).Bytes, "header-alone": new(gguftest.Builder).Build(t).Bytes}
	v2 := small()
	v2.Version = 2
	all["small-v2"] = v2.Build(t).Bytes
	types := new(gguftest.Builder)
	for typ := range quant.Type(64) {
		if typ.Known() {
			types.Tensor(gguftest.Tensor{Name: typ.String(), Type: typ, Shape: []int{256}})
		}
	}
	all["every-type"] = types.Build(t).Bytes
	all["part"] = threeParts()[1].Build(t).Bytes
	for _, c := range corruptions {
		img := small().Build(t)
		c.change(img)
		all["bad-"+strings.NewReplacer(" ", "-", "^", "p").Replace(c.name)] = img.Bytes
	}
	return all
}

// TestSeedsAreCurrent keeps testdata/fuzz in step with seeds; -update writes it.
func TestSeedsAreCurrent(t *testing.T) {
	dir := filepath.Join("testdata", "fuzz", "FuzzParse")
	for name, data := range seeds(t) {
		path := filepath.Join(dir, "seed-"+name)
		want := fmt.Sprintf("go test fuzz v1\n[]byte(%q)\n", data)
		if *update {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("%s is not what seeds gives (%v); run go test -run TestSeedsAreCurrent -update", path, err)
		}
	}
}
