package app

import (
	"fmt"
	"strconv"
	"time"
)

// plural is a number of things in words: "1 token", "2 tokens".
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

// bytesText is a size in binary units, as sizes of memory and files are shown.
func bytesText(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	size, units := float64(n), "KMGTPE"
	i := -1
	for size >= unit && i+1 < len(units) {
		size /= unit
		i++
	}
	if size < 10 {
		return fmt.Sprintf("%.1f %ciB", size, units[i])
	}
	return fmt.Sprintf("%.0f %ciB", size, units[i])
}

// countText is a number of tokens in little room: 812, 11.2k, 128k.
func countText(n int) string {
	switch {
	case n < 1000:
		return strconv.Itoa(n)
	case n < 100_000:
		return fmt.Sprintf("%.1fk", float64(n)/1000)
	}
	return fmt.Sprintf("%dk", n/1000)
}

// timeText is a duration in little room: 0.3s, 12s, 3m05s.
func timeText(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0fs", d.Seconds())
	}
	d = d.Round(time.Second)
	return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
}

// whenText is a moment as a list shows it.
func whenText(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	switch {
	case t.IsZero():
		return ""
	case t.Format(time.DateOnly) == now.Format(time.DateOnly):
		return "today " + t.Format("15:04")
	case t.Year() == now.Year():
		return t.Format("Jan 2")
	}
	return t.Format(time.DateOnly)
}
