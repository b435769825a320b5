//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package vk

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// ErrNoLoader says that this machine has no Vulkan loader: no graphics driver
// with Vulkan is installed, or a container does not see it.
var ErrNoLoader = errors.New("no Vulkan loader is installed: it comes with the graphics driver, on Linux as libvulkan1")

// LibraryVariable names an environment variable with the path of the loader to
// open instead of the system's.
const LibraryVariable = "SCOUT_VULKAN"

// loader is the opened library.
var loader struct {
	sync.Mutex
	name  string  // as it was asked for
	found uintptr // vkGetInstanceProcAddr
}

// candidates are the names under which loaders are installed.
func candidates() []string {
	if p := os.Getenv(LibraryVariable); p != "" {
		return []string{p}
	}
	switch runtime.GOOS {
	case "windows":
		return []string{"vulkan-1.dll"}
	case "darwin":
		return []string{
			"libvulkan.1.dylib", "libMoltenVK.dylib",
			"/opt/homebrew/lib/libvulkan.1.dylib", "/opt/homebrew/lib/libMoltenVK.dylib",
			"/usr/local/lib/libvulkan.1.dylib", "/usr/local/lib/libMoltenVK.dylib",
		}
	default:
		return []string{"libvulkan.so.1", "libvulkan.so"}
	}
}

// load opens the loader, once it is found for good: libraries stay mapped.
func load() (getProc uintptr, err error) {
	names := candidates()
	loader.Lock()
	defer loader.Unlock()
	if loader.found != 0 && (os.Getenv(LibraryVariable) == "" || loader.name == names[0]) {
		return loader.found, nil
	}
	var errs []error
	for _, name := range names {
		library, err := openLibrary(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		p, err := symbol(library, "vkGetInstanceProcAddr")
		if err != nil || p == 0 {
			errs = append(errs, fmt.Errorf("%s has no vkGetInstanceProcAddr", name))
			continue
		}
		loader.name, loader.found = name, p
		return p, nil
	}
	return 0, fmt.Errorf("vk: %w: %w", ErrNoLoader, errors.Join(errs...))
}

// cString is s with a zero byte behind it.
func cString(s string) *byte {
	b := make([]byte, len(s)+1)
	copy(b, s)
	return &b[0]
}

// text is the bytes before the first zero.
func text(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

// Text copies a C string; nil is empty.
func Text(p *byte) string {
	if p == nil {
		return ""
	}
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}

// instanceProc is the address of an entry point, 0 when there is none.
func instanceProc(getProc, instance uintptr, name string) uintptr {
	r, _, _ := purego.SyscallN(getProc, instance, uintptr(unsafe.Pointer(cString(name))))
	return r
}
