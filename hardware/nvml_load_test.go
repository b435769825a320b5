//go:build linux && (amd64 || arm64) && !nogpu

package hardware

import (
	"errors"
	"strings"
	"testing"
	"unsafe"

	"github.com/ebitengine/purego"
)

// TestBindNVML expects an old library to be refused by the name of what it lacks.
func TestBindNVML(t *testing.T) {
	_, err := bindNVML(func(name string) (uintptr, error) {
		if name == "nvmlDeviceGetMaxClockInfo" {
			return 0, errors.New("no such symbol")
		}
		return 1, nil
	})
	if err == nil || !strings.Contains(err.Error(), "nvmlDeviceGetMaxClockInfo") {
		t.Errorf("got %v", err)
	}
}

// TestNVMLCall calls a function of the C library through the same path: what goes
// in and what comes out of it.
func TestNVMLCall(t *testing.T) {
	libc, err := purego.Dlopen("libc.so.6", purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		t.Skipf("no libc.so.6 here, as with musl: %v", err)
	}
	at, err := nvmlSymbol(libc, "strnlen")
	if err != nil {
		t.Fatal(err)
	}
	text := []byte("twelve bytes\x00more")
	if got := nvmlCall(at, uintptr(unsafe.Pointer(&text[0])), uintptr(len(text))); got != 12 {
		t.Errorf("strnlen: got %d, want 12", got)
	}
}
