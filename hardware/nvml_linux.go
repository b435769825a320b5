//go:build (amd64 || arm64) && !nogpu

package hardware

import "github.com/ebitengine/purego"

func openNVML() (uintptr, error) {
	return purego.Dlopen("libnvidia-ml.so.1", purego.RTLD_NOW|purego.RTLD_LOCAL)
}

func nvmlSymbol(library uintptr, name string) (uintptr, error) { return purego.Dlsym(library, name) }
