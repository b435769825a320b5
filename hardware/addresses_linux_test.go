//go:build amd64 && !race

// Neither the race detector nor an emulator of another processor starts with few addresses.

package hardware

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// TestAddressLimit reads memory in a copy of this test that may have 8 GiB of
// addresses.
func TestAddressLimit(t *testing.T) {
	const limit = 8 << 30
	if os.Getenv("SCOUT_TEST_ADDRESSES") != "" {
		m, err := ReadMemory()
		if err != nil {
			t.Fatal(err)
		}
		if p := addressLimit(); !p.known || p.addresses != limit || p.used <= 0 || m.Total > limit || m.Available > limit-p.used/2 {
			t.Errorf("got %+v and %+v", p, m)
		}
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "ulimit -v "+strconv.Itoa(limit>>10)+" && exec \"$0\" -test.run '^TestAddressLimit$' -test.v", self)
	cmd.Env = append(os.Environ(), "SCOUT_TEST_ADDRESSES=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PASS: TestAddressLimit") {
		t.Errorf("%v\n%s", err, out)
	}
}
