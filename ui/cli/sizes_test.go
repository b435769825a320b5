package cli

import (
	"math"
	"testing"
)

func TestFormatBytes(t *testing.T) {
	tests := []struct {
		in   int64
		want string
	}{
		{0, "0 B"}, {1023, "1023 B"}, {1024, "1.0 KiB"}, {1536, "1.5 KiB"}, {1<<20 - 1, "1.0 MiB"},
		{6714592, "6.4 MiB"}, {1 << 30, "1.0 GiB"}, {65 << 30, "65.0 GiB"}, {math.MaxInt64, "8388608.0 TiB"},
	}
	for _, test := range tests {
		if got := formatBytes(test.in); got != test.want {
			t.Errorf("%d: got %q, want %q", test.in, got, test.want)
		}
	}
}

func TestFormatCount(t *testing.T) {
	tests := []struct {
		in   int64
		want string
	}{
		{0, "0"}, {999, "999"}, {1000, "1.0 k"}, {6234567, "6.2 M"}, {999960, "1.0 M"}, {107_770_000_000, "108 B"},
		{99_960_000, "100 M"}, {1_500_000_000_000, "1.5 T"},
	}
	for _, test := range tests {
		if got := formatCount(test.in); got != test.want {
			t.Errorf("%d: got %q, want %q", test.in, got, test.want)
		}
	}
}

func TestFormatRate(t *testing.T) {
	for in, want := range map[float64]string{0: "0.0", 1.25: "1.2", 99.94: "99.9", 99.96: "100", 1234.5: "1234"} {
		if got := formatRate(in); got != want {
			t.Errorf("%v: got %q, want %q", in, got, want)
		}
	}
}
