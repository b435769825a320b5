//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package gpu

import (
	"os"
	"strconv"
	"testing"

	"scout/engine/internal/backendtest"
	"scout/engine/tensor"
)

// testDevice is the device that tests use: the one that SCOUT_TEST_GPU says, or
// the first, which may be a software one. Without any, the test skips; CI has one.
func testDevice(t testing.TB) int {
	t.Helper()
	list, err := List()
	if err == nil && len(list) == 0 {
		t.Log("Vulkan lists no device")
	}
	if err != nil || len(list) == 0 {
		if os.Getenv("SCOUT_CI") != "" {
			t.Fatalf("CI has a Vulkan device: %v", err)
		}
		t.Skipf("no Vulkan device: %v", err)
	}
	if s := os.Getenv("SCOUT_TEST_GPU"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("SCOUT_TEST_GPU is %q, want the number of a device", s)
		}
		return n
	}
	return 0
}

func openTest(t testing.TB) *backend {
	t.Helper()
	b, err := Open(testDevice(t))
	if err != nil {
		t.Fatal(err)
	}
	return b.(*backend)
}

// shared is a backend that several tests use in turn: shaders are compiled once.
type shared struct{ *backend }

func (shared) Close() error { return nil }

func TestContract(t *testing.T) {
	b := openTest(t)
	backendtest.Run(t, func() tensor.Backend { return shared{b} })
	if n := b.Bytes(); n != (Bytes{}) {
		t.Errorf("after all programs and caches are closed, %+v are allocated", n)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}
