package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// textMethods are the methods of Python's str that templates use.
var textMethods = map[string]func(e *evaluator, t Text, a *arguments) Value{
	"strip":  func(e *evaluator, t Text, a *arguments) Value { return strip(e, t, a, true, true) },
	"lstrip": func(e *evaluator, t Text, a *arguments) Value { return strip(e, t, a, true, false) },
	"rstrip": func(e *evaluator, t Text, a *arguments) Value { return strip(e, t, a, false, true) },
	"removeprefix": func(_ *evaluator, t Text, a *arguments) Value {
		if p := a.text(0, "prefix", Text{}).s; strings.HasPrefix(t.s, p) {
			return t.Slice(len(p), len(t.s))
		}
		return t
	},
	"removesuffix": func(_ *evaluator, t Text, a *arguments) Value {
		if p := a.text(0, "suffix", Text{}).s; strings.HasSuffix(t.s, p) {
			return t.Slice(0, len(t.s)-len(p))
		}
		return t
	},
	"split":      func(e *evaluator, t Text, a *arguments) Value { return split(e, t, a, false) },
	"rsplit":     func(e *evaluator, t Text, a *arguments) Value { return split(e, t, a, true) },
	"splitlines": splitLines,
	"partition":  func(e *evaluator, t Text, a *arguments) Value { return partition(e, t, a, false) },
	"rpartition": func(e *evaluator, t Text, a *arguments) Value { return partition(e, t, a, true) },
	"startswith": func(_ *evaluator, t Text, a *arguments) Value { return affix(t, a, strings.HasPrefix) },
	"endswith":   func(_ *evaluator, t Text, a *arguments) Value { return affix(t, a, strings.HasSuffix) },
	"upper":      upper,
	"lower":      lower,
	"title":      title,
	"capitalize": capitalize,
	"replace":    replace,
	"join":       func(e *evaluator, t Text, a *arguments) Value { return e.join(t, e.iterate(a.need(0, "iterable"))) },
	"format":     formatMethod,
	"find":       func(e *evaluator, t Text, a *arguments) Value { return find(e, t, a, strings.Index) },
	"rfind":      func(e *evaluator, t Text, a *arguments) Value { return find(e, t, a, strings.LastIndex) },
	"index":      func(e *evaluator, t Text, a *arguments) Value { return found(find(e, t, a, strings.Index)) },
	"rindex":     func(e *evaluator, t Text, a *arguments) Value { return found(find(e, t, a, strings.LastIndex)) },
	"count": func(e *evaluator, t Text, a *arguments) Value {
		e.step(len(t.s)/32 + 1)
		return int64(strings.Count(t.s, a.text(0, "sub", Text{}).s))
	},
	"isdigit":   func(e *evaluator, t Text, _ *arguments) Value { return every(e, t, unicode.IsDigit) },
	"isdecimal": func(e *evaluator, t Text, _ *arguments) Value { return every(e, t, unicode.IsDigit) },
	"isnumeric": func(e *evaluator, t Text, _ *arguments) Value { return every(e, t, unicode.IsNumber) },
	"isalpha":   func(e *evaluator, t Text, _ *arguments) Value { return every(e, t, unicode.IsLetter) },
	"isspace":   func(e *evaluator, t Text, _ *arguments) Value { return every(e, t, isSpace) },
	"isalnum": func(e *evaluator, t Text, _ *arguments) Value {
		return every(e, t, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) })
	},
	"isupper": func(e *evaluator, t Text, _ *arguments) Value { return cased(e, t, unicode.IsUpper) },
	"islower": func(e *evaluator, t Text, _ *arguments) Value { return cased(e, t, unicode.IsLower) },
}

// dictMethods are those of Python's dict that change nothing.
var dictMethods = map[string]func(e *evaluator, d *Dict, a *arguments) Value{
	"get": func(_ *evaluator, d *Dict, a *arguments) Value {
		if v, ok := d.Get(a.need(0, "key")); ok {
			return v
		}
		v, _ := a.get(1, "default")
		return v
	},
	"items":  func(e *evaluator, d *Dict, _ *arguments) Value { return e.items(d) },
	"keys":   func(_ *evaluator, d *Dict, _ *arguments) Value { return &List{Items: d.keys} },
	"values": func(_ *evaluator, d *Dict, _ *arguments) Value { return &List{Items: d.values} },
	"copy":   func(_ *evaluator, d *Dict, _ *arguments) Value { return d },
}

// listMethods are those of Python's list that change nothing.
var listMethods = map[string]func(e *evaluator, l *List, a *arguments) Value{
	"index": func(e *evaluator, l *List, a *arguments) Value {
		v := a.need(0, "value")
		for i, item := range l.Items {
			if e.equal(item, v, 0) {
				return int64(i)
			}
		}
		failf("the value is not in the list")
		return nil
	},
	"count": func(e *evaluator, l *List, a *arguments) Value {
		v, n := a.need(0, "value"), int64(0)
		for _, item := range l.Items {
			if e.equal(item, v, 0) {
				n++
			}
		}
		return n
	},
	"copy": func(_ *evaluator, l *List, _ *arguments) Value { return l },
}

// items returns the entries of a dictionary as pairs.
func (e *evaluator) items(d *Dict) *List {
	e.grow(64 * d.Len())
	out := &List{Items: make([]Value, d.Len())}
	for i, k := range d.keys {
		out.Items[i] = &List{Items: []Value{k, d.values[i]}, Tuple: true}
	}
	return out
}

func strip(e *evaluator, t Text, a *arguments, left, right bool) Value {
	e.step(len(t.s)/32 + 1)
	chars := a.text(0, "chars", Text{}).s
	if v, ok := a.get(0, "chars"); !ok || v == nil {
		return t.trimFunc(left, right, isSpace)
	}
	return t.trimFunc(left, right, func(r rune) bool { return strings.ContainsRune(chars, r) })
}

// split is str.split and, from the right, str.rsplit.
func split(e *evaluator, t Text, a *arguments, right bool) Value {
	e.grow(len(t.s))
	limit := a.int(1, "maxsplit", -1)
	if limit < 0 {
		limit = int64(len(t.s))
	}
	var out []Value
	if v, ok := a.get(0, "sep"); !ok || v == nil {
		out = splitSpaces(t, limit, right)
	} else {
		sep := a.text(0, "sep", Text{}).s
		if sep == "" {
			failf("the separator is empty")
		}
		out = splitSeparator(t, sep, limit, right)
	}
	e.grow(48 * len(out))
	if right {
		for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
			out[i], out[j] = out[j], out[i]
		}
	}
	return &List{Items: out}
}

// splitSeparator returns the pieces, from the right in reverse.
func splitSeparator(t Text, sep string, limit int64, right bool) (out []Value) {
	for ; limit > 0; limit-- {
		if right {
			i := strings.LastIndex(t.s, sep)
			if i < 0 {
				break
			}
			out = append(out, t.Slice(i+len(sep), len(t.s)))
			t = t.Slice(0, i)
			continue
		}
		i := strings.Index(t.s, sep)
		if i < 0 {
			break
		}
		out = append(out, t.Slice(0, i))
		t = t.Slice(i+len(sep), len(t.s))
	}
	return append(out, t)
}

// splitSpaces splits at runs of white space, none of which is in a piece.
func splitSpaces(t Text, limit int64, right bool) (out []Value) {
	for {
		t = t.trimFunc(!right, right, isSpace)
		if t.s == "" {
			return out
		}
		if limit == 0 {
			return append(out, t)
		}
		limit--
		if right {
			i := strings.LastIndexFunc(t.s, isSpace)
			if i >= 0 {
				_, w := utf8.DecodeRuneInString(t.s[i:])
				i += w - 1
			}
			out = append(out, t.Slice(i+1, len(t.s)))
			t = t.Slice(0, i+1)
			continue
		}
		i := strings.IndexFunc(t.s, isSpace)
		if i < 0 {
			i = len(t.s)
		}
		out = append(out, t.Slice(0, i))
		t = t.Slice(i, len(t.s))
	}
}

// isLineEnd reports what str.splitlines splits at.
func isLineEnd(r rune) bool {
	switch r {
	case '\n', '\r', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
		return true
	}
	return false
}

func splitLines(e *evaluator, t Text, a *arguments) Value {
	e.grow(len(t.s))
	keep := a.bool(0, "keepends", false)
	out := &List{}
	for t.s != "" {
		i := strings.IndexFunc(t.s, isLineEnd)
		if i < 0 {
			out.Items = append(out.Items, t)
			break
		}
		_, w := utf8.DecodeRuneInString(t.s[i:])
		if strings.HasPrefix(t.s[i:], "\r\n") {
			w = 2
		}
		line := i
		if keep {
			line += w
		}
		e.grow(48)
		out.Items = append(out.Items, t.Slice(0, line))
		t = t.Slice(i+w, len(t.s))
	}
	return out
}

// partition is str.partition and, from the right, str.rpartition.
func partition(e *evaluator, t Text, a *arguments, right bool) Value {
	e.step(len(t.s)/32 + 1)
	sep := a.text(0, "sep", Text{}).s
	if sep == "" {
		failf("the separator is empty")
	}
	index := strings.Index
	if right {
		index = strings.LastIndex
	}
	i := index(t.s, sep)
	parts := []Value{t, Text{}, Text{}}
	switch {
	case i >= 0:
		j := i + len(sep)
		parts = []Value{t.Slice(0, i), t.Slice(i, j), t.Slice(j, len(t.s))}
	case right:
		parts = []Value{Text{}, Text{}, t}
	}
	return &List{Items: parts, Tuple: true}
}

// affix is startswith and endswith, with one text or a tuple of them.
func affix(t Text, a *arguments, has func(s, affix string) bool) Value {
	v := a.need(0, "prefix")
	if l, ok := v.(*List); ok && l.Tuple {
		for _, item := range l.Items {
			if x, ok := item.(Text); ok && has(t.s, x.s) {
				return true
			}
		}
		return false
	}
	x, ok := v.(Text)
	if !ok {
		failf("want a str or a tuple of them, not %s", kind(v))
	}
	return has(t.s, x.s)
}

func upper(e *evaluator, t Text, _ *arguments) Value {
	e.grow(4 * len(t.s))
	return t.mapRunes(func(_ int, r rune) rune { return unicode.ToUpper(r) })
}

func lower(e *evaluator, t Text, _ *arguments) Value {
	e.grow(4 * len(t.s))
	return t.mapRunes(func(_ int, r rune) rune { return unicode.ToLower(r) })
}

// title is str.title: a letter after a letter is small, any other is a capital.
func title(e *evaluator, t Text, _ *arguments) Value {
	e.grow(4 * len(t.s))
	inWord := false
	return t.mapRunes(func(_ int, r rune) rune {
		was := inWord
		inWord = unicode.IsLetter(r)
		if was {
			return unicode.ToLower(r)
		}
		return unicode.ToTitle(r)
	})
}

func capitalize(e *evaluator, t Text, _ *arguments) Value {
	e.grow(4 * len(t.s))
	return t.mapRunes(func(i int, r rune) rune {
		if i == 0 {
			return unicode.ToTitle(r)
		}
		return unicode.ToLower(r)
	})
}

// replace is str.replace(old, new, count).
func replace(e *evaluator, t Text, a *arguments) Value {
	old, with := e.text(a.need(0, "old")).s, e.text(a.need(1, "new"))
	limit := a.int(2, "count", -1)
	e.step(len(t.s)/32 + 1)
	n := int64(strings.Count(t.s, old))
	if limit >= 0 {
		n = min(n, limit)
	}
	e.fits(int64(len(t.s)) + n*int64(len(with.s)))
	e.step(int(n))
	var b Builder
	pos := 0
	for i := range n {
		at := pos
		if old != "" {
			at += strings.Index(t.s[pos:], old)
		} else if i > 0 { // an empty text stands before every character
			_, w := utf8.DecodeRuneInString(t.s[pos:])
			at += w
		}
		b.Write(t.Slice(pos, at))
		b.Write(with)
		pos = at + len(old)
	}
	b.Write(t.Slice(pos, len(t.s)))
	return b.Text()
}

// join writes a separator between values.
func (e *evaluator) join(sep Text, items []Value) Text {
	var b Builder
	for i, item := range items {
		e.step(1)
		t := e.text(item)
		e.checkLength(int64(b.Len()) + int64(len(t.s)+len(sep.s)))
		e.grow(len(t.s) + len(sep.s))
		if i > 0 {
			b.Write(sep)
		}
		b.Write(t)
	}
	return b.Text()
}

// find returns the index of a text in characters, -1 when it is not there.
func find(e *evaluator, t Text, a *arguments, index func(s, sub string) int) Value {
	e.step(len(t.s)/32 + 1)
	i := index(t.s, a.text(0, "sub", Text{}).s)
	if i < 0 {
		return int64(-1)
	}
	return int64(utf8.RuneCountInString(t.s[:i]))
}

func found(v Value) Value {
	if v == int64(-1) {
		failf("the text is not found")
	}
	return v
}

// every reports whether a text has characters and all of them are such.
func every(e *evaluator, t Text, is func(rune) bool) Value {
	e.step(len(t.s)/32 + 1)
	return t.s != "" && strings.IndexFunc(t.s, func(r rune) bool { return !is(r) }) < 0
}

// cased reports whether a text has letters with case and all of them are such.
func cased(e *evaluator, t Text, is func(rune) bool) Value {
	e.step(len(t.s)/32 + 1)
	some := false
	for _, r := range t.s {
		if unicode.IsUpper(r) || unicode.IsLower(r) {
			some = true
			if !is(r) {
				return false
			}
		}
	}
	return some
}
