package hardware

import (
	"os"
	"strings"
	"testing"
)

// TestSnapshot looks at the machine the test runs on: whatever it is, it has a
// processor and memory, and no part is larger than the whole.
func TestSnapshot(t *testing.T) {
	m, err := Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if m.CPU.Usable < 1 || m.CPU.Usable > m.CPU.Logical {
		t.Errorf("usable processors: got %d, want 1 to %d", m.CPU.Usable, m.CPU.Logical)
	}
	if m.CPU.Physical > m.CPU.Logical {
		t.Errorf("cores: got %d, want at most %d", m.CPU.Physical, m.CPU.Logical)
	}
	if m.Memory.Total <= 0 || m.Memory.Available <= 0 || m.Memory.Available > m.Memory.Total {
		t.Errorf("memory: got %d of %d bytes available", m.Memory.Available, m.Memory.Total)
	}
}

// TestSystem expects the system's name, and not the host's.
func TestSystem(t *testing.T) {
	got := System()
	if got == "" || strings.Contains(got, "\n") {
		t.Errorf("got %q", got)
	}
	if name, err := os.Hostname(); err == nil && len(name) > 8 && strings.Contains(got, name) {
		t.Errorf("got %q, which has the host's name", got)
	}
}
