package gguf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"unsafe"

	"scout/engine/gguf/gguftest"
	"scout/engine/quant"
)

// large opens a file whose tensors span many pages.
func large(t *testing.T) (*File, *gguftest.Image) {
	t.Helper()
	b := new(gguftest.Builder).Key("text", "a").Key("strings", []string{"a", "b"})
	for _, name := range []string{"a", "b", "c"} {
		b.Tensor(gguftest.Tensor{Name: name, Type: quant.F32, Shape: []int{39_999}}) // not a multiple of the alignment
	}
	img := b.Build(t)
	f, err := Open(img.Write(t.TempDir(), "m.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, img
}

func TestGuardExplainsACutFile(t *testing.T) {
	f, img := large(t)
	b, _ := f.Tensor("b")
	const left = 200_000
	truncate(t, f.Path(), left)
	sum := 0
	err := f.Guard(func() error {
		for _, x := range b.Data {
			sum += int(x)
		}
		return nil
	})
	var broken *FormatError
	if !errors.As(err, &broken) || broken.Path != f.Path() {
		t.Fatalf("got %T %v, want *FormatError", err, err)
	}
	page := int64(os.Getpagesize())
	if want := (left + page - 1) / page * page; broken.Offset != want {
		t.Errorf("offset is %d, want %d, the first page that is gone", broken.Offset, want)
	}
	want := fmt.Sprintf(`gguf: %s: byte %d: tensor "b" can no longer be read: the file holds 200000 bytes now, %d when it was opened`, f.Path(), broken.Offset, len(img.Bytes))
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	if err := f.Guard(func() error { copy(make([]byte, len(b.Data)), b.Data); return nil }); err == nil {
		t.Error("copying what is gone: no error")
	}
	if sum == 0 {
		t.Error("nothing was read before the cut")
	}
}

func TestGettersExplainACutFile(t *testing.T) {
	f, _ := large(t)
	truncate(t, f.Path(), 0)
	if _, ok := f.String("text"); ok {
		t.Error("String reads a file that is gone")
	}
	r := f.Reader("")
	r.Strings("strings")
	if r.Err() == nil || !strings.Contains(r.Err().Error(), "the header can no longer be read: the file holds 0 bytes now") {
		t.Errorf("got %v", r.Err())
	}
}

func TestGuardOfASetNamesThePart(t *testing.T) {
	parts := threeParts()
	parts[1].Tensor(gguftest.Tensor{Name: "big", Type: quant.F32, Shape: []int{40, 1000}})
	parts[0] = new(gguftest.Builder).Split(0, 3, 4)
	paths := writeSet(t, t.TempDir(), parts)
	f, err := Open(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	truncate(t, paths[1], 0)
	big, _ := f.Tensor("big")
	err = f.Guard(func() error { _ = string(big.Data); return nil })
	if err == nil || !strings.HasPrefix(err.Error(), "gguf: "+paths[1]+": byte ") || !strings.Contains(err.Error(), `tensor "big"`) {
		t.Errorf("got %v", err)
	}
}

func TestGuardPassesOnWhatIsNotTheFiles(t *testing.T) {
	f, _ := large(t)
	mine := errors.New("mine")
	if err := f.Guard(func() error { return mine }); err != mine {
		t.Errorf("error of the function: %v", err)
	}
	if err := f.Guard(func() error { return nil }); err != nil {
		t.Errorf("no error: %v", err)
	}
	for name, fn := range map[string]func(){
		"panic":       func() { panic("mine") },
		"nil pointer": func() { _ = *(*int)(nil) },
		"index":       func() { _ = []int{}[len(f.Path())] },
		"other fault": func() {
			g, _ := large(t)
			x, _ := g.Tensor("c")
			truncate(t, g.Path(), 0)
			_ = string(x.Data)
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: did not go on", name)
				}
			}()
			err := f.Guard(func() error { fn(); return nil })
			t.Errorf("%s: returned %v", name, err)
		}()
	}
}

func TestGuardRestoresTheSetting(t *testing.T) {
	f, _ := large(t)
	for _, before := range []bool{false, true} {
		was := debug.SetPanicOnFault(before)
		inside := false
		f.Guard(func() error { inside = debug.SetPanicOnFault(true); return nil })
		if after := debug.SetPanicOnFault(was); after != before || !inside {
			t.Errorf("set to %t: %t inside, %t after", before, inside, after)
		}
	}
}

func TestLocate(t *testing.T) {
	f, img := large(t)
	a, _ := f.Tensor("a")
	b, _ := f.Tensor("b")
	base := uintptr(unsafe.Pointer(&a.Data[0])) - uintptr(a.Offset)
	for _, c := range []struct {
		offset int64
		tensor string
	}{
		{0, ""}, {a.Offset - 1, ""}, {a.Offset, "a"}, {a.Offset + int64(len(a.Data)) - 1, "a"},
		{a.Offset + int64(len(a.Data)), ""}, {b.Offset - 1, ""}, {b.Offset, "b"}, {int64(len(img.Bytes)) - 1, "c"},
	} {
		path, offset, tensor, ok := f.Locate(base + uintptr(c.offset))
		if !ok || path != f.Path() || offset != c.offset || tensor != c.tensor {
			t.Errorf("byte %d: %q %d %q %t, want tensor %q", c.offset, path, offset, tensor, ok, c.tensor)
		}
	}
	for _, addr := range []uintptr{0, base - 1, base + uintptr(len(img.Bytes))} {
		if _, _, _, ok := f.Locate(addr); ok {
			t.Errorf("address base%+d is located", int64(addr-base))
		}
	}
}

// TestFileBeyond4GiB opens a sparse file with a tensor that ends past 2^32.
func TestFileBeyond4GiB(t *testing.T) {
	b := new(gguftest.Builder)
	b.Tensor(gguftest.Tensor{Name: "a", Type: quant.F32, Shape: []int{8}})
	b.Tensor(gguftest.Tensor{Name: "b", Type: quant.F32, Shape: []int{8}})
	img := b.Build(t)
	const far = 5 << 30
	img.Put("tensor b offset", uint64(far))
	path := img.Write(t.TempDir(), "m.gguf")
	a := int64(img.At("tensor a data"))
	if err := os.Truncate(path, a+far+32); err != nil {
		if os.Getenv("SCOUT_CI") != "" {
			t.Fatalf("no sparse file of 5 GiB here: %v", err) // which CI promised
		}
		t.Skipf("no sparse file of 5 GiB here: %v", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte("end"), a+far+29); err != nil {
		if os.Getenv("SCOUT_CI") != "" {
			t.Fatalf("no sparse file of 5 GiB here: %v", err) // which CI promised
		}
		t.Skipf("no sparse file of 5 GiB here: %v", err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	x, _ := f.Tensor("b")
	if x.Offset != a+far || string(x.Data[29:]) != "end" {
		t.Errorf("b at %d ends in %q", x.Offset, x.Data[29:])
	}
}

func TestOpenRefusesAPipe(t *testing.T) {
	_, err := Open("/dev/null")
	if err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Errorf("/dev/null: %v", err)
	}
}

// TestNothingStaysMapped looks for mappings and open files left by Close and by
// files that were refused.
func TestNothingStaysMapped(t *testing.T) {
	dir := t.TempDir()
	writeSet(t, dir, threeParts())
	bad := small().Build(t).Put(tokens+"type", uint32(4)).Write(dir, "bad.gguf")
	if f, err := Open(bad); err == nil {
		f.Close()
		t.Error("bad file: no error")
	}
	set := filepath.Join(dir, "model-00002-of-00003.gguf")
	f, err := Open(set)
	if err != nil {
		t.Fatal(err)
	}
	if n := held(t, dir); n != 6 {
		t.Errorf("%d mappings and open files of a set of 3, want 6: the test does not see them", n)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	truncate(t, filepath.Join(dir, "model-00003-of-00003.gguf"), 100)
	if f, err := Open(set); err == nil {
		f.Close()
		t.Error("cut set: no error")
	}
	parts := threeParts()
	parts[1].Tensor(gguftest.Tensor{Name: "t0", Type: quant.F32, Shape: []int{1}})
	if f, err := Open(writeSet(t, dir, parts)[0]); err == nil {
		f.Close()
		t.Error("set with a tensor in two parts: no error")
	}
	if n := held(t, dir); n != 0 {
		t.Errorf("%d mappings and open files are left", n)
	}
}

// held counts mappings and open files of files in dir.
func held(t *testing.T, dir string) int {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	n := strings.Count(string(maps), dir+"/")
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if target, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.HasPrefix(target, dir+"/") {
			n++
		}
	}
	return n
}
