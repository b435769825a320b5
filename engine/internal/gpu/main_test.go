//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package gpu

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"scout/engine/internal/gpu/vk"
)

const (
	validation = "VK_LAYER_KHRONOS_validation"
	// validate is a variable that makes a test process watch how it uses Vulkan.
	validate = "SCOUT_TEST_VALIDATE"
)

// TestMain runs the tests, in a process that TestValidation starts with the
// validation layers on: whatever they say is a failure.
func TestMain(m *testing.M) {
	if os.Getenv(validate) == "" {
		os.Exit(m.Run())
	}
	var mu sync.Mutex
	said := 0
	instance.layers = []string{validation}
	instance.debug = func(message string) {
		mu.Lock()
		defer mu.Unlock()
		if said++; said <= 5 {
			fmt.Printf("validation: %s\n", message)
		}
	}
	code := m.Run()
	if said > 0 {
		fmt.Printf("validation: %d messages\n", said)
		code = 1
	}
	os.Exit(code)
}

// TestValidation runs a part of the contract under the validation layers, with
// their check of missing barriers, in a process of its own. Mesa's software device
// has groups of 4 lanes there and of 8 in the other tests.
func TestValidation(t *testing.T) {
	testDevice(t)
	if testing.Short() {
		t.Skip("takes long")
	}
	if layers, err := vk.Layers(); err != nil || !layers[validation] {
		if os.Getenv("SCOUT_CI") != "" {
			t.Fatalf("CI has %s: %v", validation, err)
		}
		t.Skipf("%s is not installed", validation)
	}
	// Not parallel with anything; a few graphs with every operation in them.
	cmd := exec.Command(os.Args[0], "-test.run", "^(TestContract|TestUpload|TestCacheRounds)$/^(devices|stop|caches|wraps|encoder|merge|embed|experts_F32.*|add_rows_F16)$")
	cmd.Env = append(os.Environ(), validate+"=1", "LP_NATIVE_VECTOR_WIDTH=128",
		"VK_LAYER_ENABLES=VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PASS") {
		t.Errorf("%v\n%s", err, out)
	}
}
