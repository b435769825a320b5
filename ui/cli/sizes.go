package cli

import "fmt"

// formatBytes is a size for people, in binary units: 1 KiB is 1024 bytes.
func formatBytes(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	units := []string{"KiB", "MiB", "GiB", "TiB"}
	x := float64(n) / 1024
	for len(units) > 1 && x >= 1023.95 { // what would print as 1024.0 goes up a unit
		x /= 1024
		units = units[1:]
	}
	return fmt.Sprintf("%.1f %s", x, units[0])
}

// formatCount is a number of parameters for people: 6.2 M, 108 B.
func formatCount(n int64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e12, " T"}, {1e9, " B"}, {1e6, " M"}, {1e3, " k"}} {
		// 99.95 and more of a unit is written without a decimal.
		switch x := float64(n) / unit.size; {
		case x >= 99.95:
			return fmt.Sprintf("%.0f%s", x, unit.name)
		case x >= 0.9995:
			return fmt.Sprintf("%.1f%s", x, unit.name)
		}
	}
	return fmt.Sprint(n)
}

// formatRate is a number of tokens per second for people.
func formatRate(tokensPerSecond float64) string {
	if tokensPerSecond >= 99.95 {
		return fmt.Sprintf("%.0f", tokensPerSecond)
	}
	return fmt.Sprintf("%.1f", tokensPerSecond)
}

// formatBandwidth is a rate of reading memory for people, in decimal units as
// makers of memory give it: 1 GB is 10^9 bytes.
func formatBandwidth(bytesPerSecond float64) string {
	return fmt.Sprintf("%.1f GB/s", bytesPerSecond/1e9)
}
