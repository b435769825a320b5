package hardware

import (
	"runtime"
	"testing"
	"testing/fstest"
)

func TestStatusPeakRSS(t *testing.T) {
	tests := []struct {
		name    string
		root    fstest.MapFS
		want    int64
		wantErr string
	}{
		{"as the kernel writes it", files(map[string]string{
			"proc/self/status": "Name:\tscout\nVmPeak:\t    2928 kB\nVmHWM:\t    1712 kB\nVmRSS:\t    1600 kB\n",
		}), 1712 << 10, ""},
		{"no such line", files(map[string]string{"proc/self/status": "Name:\tscout\n"}), 0,
			"hardware: proc/self/status has no VmHWM line"},
		{"not a number", files(map[string]string{"proc/self/status": "VmHWM:\tmuch\n"}), 0,
			`hardware: proc/self/status: VmHWM is "much", want "N kB"`},
		{"no file", files(nil), 0,
			"hardware: reading peak memory use: open proc/self/status: file does not exist"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := statusPeakRSS(test.root)
			if got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
			if message := errorText(err); message != test.wantErr {
				t.Errorf("error: got %q, want %q", message, test.wantErr)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestPeakRSS grows by a known amount and expects the peak to show it.
func TestPeakRSS(t *testing.T) {
	const grow = 128 << 20
	ballast := make([]byte, grow)
	for i := 0; i < len(ballast); i += 4096 {
		ballast[i] = 1
	}
	got, err := PeakRSS()
	if err != nil {
		t.Fatal(err)
	}
	if got < grow {
		t.Errorf("peak: got %d bytes with %d in use", got, grow)
	}
	runtime.KeepAlive(ballast)
}
