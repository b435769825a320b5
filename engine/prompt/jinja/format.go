package jinja

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// printf is Python's "format % args" with the conversions s, r, d, i, f, x and
// %, and the flags -, 0 and width and precision. It has no %c, which would make
// a character of a number and so lose where it came from.
func (e *evaluator) printf(format Text, args []Value) Value {
	var b Builder
	next := 0
	for i := 0; i < len(format.s); {
		n := strings.IndexByte(format.s[i:], '%')
		if n < 0 {
			n = len(format.s) - i
		}
		e.grow(n)
		b.Write(format.Slice(i, i+n))
		if i += n; i == len(format.s) {
			break
		}
		d, size := parseDirective(format.s[i+1:])
		if d.verb == '%' {
			b.Write(format.Slice(i, i+1))
		} else {
			if next == len(args) {
				failf("not enough arguments for the format %q", format.s)
			}
			e.directive(&b, d, args[next])
			next++
		}
		i += 1 + size
	}
	if next < len(args) {
		failf("too many arguments for the format %q", format.s)
	}
	return b.Text()
}

// directive is a conversion of printf.
type directive struct {
	left, zero       bool
	width, precision int // -1: not given
	verb             byte
}

// parseDirective parses what follows a percent sign and returns its length.
func parseDirective(s string) (d directive, size int) {
	d.precision = -1
	i := 0
	for ; i < len(s) && (s[i] == '-' || s[i] == '0'); i++ {
		d.left = d.left || s[i] == '-'
		d.zero = d.zero || s[i] == '0'
	}
	d.width, i = digits(s, i)
	if i < len(s) && s[i] == '.' {
		d.precision, i = digits(s, i+1)
	}
	if i == len(s) || !strings.ContainsRune("srdifx%", rune(s[i])) {
		failf("the format %q is not supported", "%"+s[:min(i+1, len(s))])
	}
	d.verb = s[i]
	return d, i + 1
}

// digits reads a number of at most three digits.
func digits(s string, i int) (n, end int) {
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		if n = 10*n + int(s[i]-'0'); n > 999 {
			failf("a width of more than 999 in a format")
		}
		i++
	}
	return n, i
}

func (e *evaluator) directive(b *Builder, d directive, v Value) {
	var t Text
	switch d.verb {
	case 's':
		t = e.text(v)
	case 'r':
		var r Builder
		e.repr(&r, v, 0)
		t = r.Text()
	case 'f':
		f, ok := number(v)
		if !ok {
			failf("%%f needs a number, not %s", kind(v))
		}
		precision := 6
		if d.precision >= 0 {
			precision = d.precision
		}
		t = Trusted(strconv.FormatFloat(f, 'f', precision, 64))
	default: // d, i, x
		n, ok := integer(v)
		if f, isFloat := v.(float64); isFloat && d.verb != 'x' {
			n, ok = int64(f), true
		}
		if !ok {
			failf("%%%c needs an int, not %s", d.verb, kind(v))
		}
		base := 10
		if d.verb == 'x' {
			base = 16
		}
		t = Trusted(strconv.FormatInt(n, base))
	}
	if d.precision >= 0 && (d.verb == 's' || d.verb == 'r') {
		t = t.Slice(0, runeOffset(t.s, d.precision))
	}
	e.pad(b, d, t)
}

func (e *evaluator) pad(b *Builder, d directive, t Text) {
	fill := max(d.width-utf8.RuneCountInString(t.s), 0)
	e.checkLength(int64(b.Len() + len(t.s) + fill))
	e.grow(len(t.s) + fill)
	switch {
	case d.left:
		b.Write(t)
		b.Trusted(strings.Repeat(" ", fill))
	case d.zero && d.verb != 's' && d.verb != 'r':
		if strings.HasPrefix(t.s, "-") {
			b.Trusted("-")
			t = t.Slice(1, len(t.s))
		}
		b.Trusted(strings.Repeat("0", fill))
		b.Write(t)
	default:
		b.Trusted(strings.Repeat(" ", fill))
		b.Write(t)
	}
}

// formatMethod is str.format with {}, {0} and {name}, without format
// specifications or attributes.
func formatMethod(e *evaluator, t Text, a *arguments) Value {
	var b Builder
	next := 0
	for i := 0; i < len(t.s); {
		n := strings.IndexAny(t.s[i:], "{}")
		if n < 0 {
			n = len(t.s) - i
		}
		e.grow(n)
		b.Write(t.Slice(i, i+n))
		if i += n; i == len(t.s) {
			break
		}
		if i+1 < len(t.s) && t.s[i+1] == t.s[i] { // {{ or }}
			b.Write(t.Slice(i, i+1))
			i += 2
			continue
		}
		end := strings.IndexByte(t.s[i:], '}')
		if t.s[i] == '}' || end < 0 {
			failf("a single brace in the format %q", t.s)
		}
		v := e.text(field(t.s[i+1:i+end], a, &next))
		e.checkLength(int64(b.Len() + len(v.s)))
		e.grow(len(v.s))
		b.Write(v)
		i += end + 1
	}
	return b.Text()
}

// field returns the argument a field of str.format names.
func field(name string, a *arguments, next *int) Value {
	i := *next
	if name == "" {
		*next++
	} else if n, err := strconv.Atoi(name); err == nil {
		i = n
	} else if v, ok := a.keyword(name); ok {
		return v
	} else {
		failf("no argument for the field %q of a format", name)
	}
	if i < 0 || i >= len(a.positional) {
		failf("no argument %d for a format", i)
	}
	return a.positional[i]
}
