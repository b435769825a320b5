package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// loadLibrary loads llama.cpp and the CPU backend that suits this processor
// from the folder that YZMA_LIB names.
func loadLibrary(verbose bool) error {
	dir := os.Getenv("YZMA_LIB")
	if dir == "" {
		return fmt.Errorf("peer: loading llama.cpp: YZMA_LIB is not set, want the folder that bench/setup filled")
	}
	if err := llama.Load(dir); err != nil {
		return fmt.Errorf("peer: loading llama.cpp from %s: %w", dir, err)
	}
	if !verbose {
		llama.LogSet(llama.LogSilent())
	}
	llama.Init()
	if err := llama.GGMLBackendLoadAllFromPath(dir); err != nil {
		return fmt.Errorf("peer: loading the backends in %s: %w", dir, err)
	}
	return nil
}

// cpuVariant is the name of the CPU backend that was loaded, such as
// "haswell": the folder holds one build for each generation of processors, and
// which one runs decides both speed and rounding. It is "" where the system
// does not list a process's mapped files.
func cpuVariant() string {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(maps)) {
		name := filepath.Base(strings.TrimSpace(line))
		if v, ok := strings.CutPrefix(name, "libggml-cpu-"); ok {
			return strings.TrimSuffix(v, ".so")
		}
	}
	return ""
}
