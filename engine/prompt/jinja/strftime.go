package jinja

import (
	"fmt"
	"strings"
	"time"
)

// Strftime writes a time as Python's strftime does in the C locale. A minus
// between the percent sign and the letter drops leading zeros, as glibc has it.
// What it does not know stays as it is.
func Strftime(t time.Time, format string) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		n, bare := 2, false
		if format[i+1] == '-' && i+2 < len(format) {
			n, bare = 3, true
		}
		out, ok := directiveOf(t, format[i+n-1])
		if !ok {
			b.WriteString(format[i : i+n])
		} else {
			if bare {
				if trimmed := strings.TrimLeft(out, "0 "); trimmed != "" {
					out = trimmed
				} else {
					out = "0"
				}
			}
			b.WriteString(out)
		}
		i += n - 1
	}
	return b.String()
}

// layouts are the conversions that Go's own layouts express.
var layouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'h': "Jan", 'B': "January", 'd': "02", 'e': "_2",
	'm': "01", 'y': "06", 'Y': "2006", 'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM",
	'z': "-0700", 'Z': "MST", 'D': "01/02/06", 'x': "01/02/06", 'F': "2006-01-02",
	'T': "15:04:05", 'X': "15:04:05", 'R': "15:04", 'c': "Mon Jan _2 15:04:05 2006", 'j': "002",
}

func directiveOf(t time.Time, c byte) (string, bool) {
	if layout, ok := layouts[c]; ok {
		return t.Format(layout), true
	}
	switch c {
	case '%':
		return "%", true
	case 'n':
		return "\n", true
	case 't':
		return "\t", true
	case 'f':
		return fmt.Sprintf("%06d", t.Nanosecond()/1000), true
	case 'u':
		return fmt.Sprint((int(t.Weekday())+6)%7 + 1), true
	case 'w':
		return fmt.Sprint(int(t.Weekday())), true
	case 's':
		return fmt.Sprint(t.Unix()), true
	}
	return "", false
}
