package jinja

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// jsonStyle is how tojson writes. The defaults are those of Python's
// json.dumps with ensure_ascii off, which is what transformers gives chat
// templates: a space after comma and colon, no HTML escapes.
type jsonStyle struct {
	item, key string // between items, between a key and its value
	indent    string // of one level; "" for one line
	multiline bool
	ascii     bool // write everything beyond ASCII as escapes
	sortKeys  bool
}

// JSON returns a value as JSON in the style of Python's json.dumps, in one
// line or, with indent >= 0, with this many spaces a level.
func JSON(v Value, indent int) (t Text, err error) {
	defer func() {
		if r := recover(); r != nil {
			t, err = Text{}, caught(r)
		}
	}()
	e := &evaluator{limits: Limits{Output: math.MaxInt32}, steps: math.MaxInt64, copied: math.MaxInt64}
	var b Builder
	e.json(&b, v, newStyle(int64(indent), indent >= 0), 0)
	return b.Text(), nil
}

// newStyle is the default style; an indented one has no space at line ends.
func newStyle(indent int64, multiline bool) *jsonStyle {
	if !multiline {
		return &jsonStyle{item: ", ", key: ": "}
	}
	return &jsonStyle{item: ",", key: ": ", indent: strings.Repeat(" ", int(max(indent, 0))), multiline: true}
}

// tojson is the filter tojson(ensure_ascii=False, indent=None, separators=None,
// sort_keys=False), with the parameters transformers gives it.
func tojson(e *evaluator, v Value, a *arguments) Value {
	indent := int64(-1)
	multiline := false
	if x, ok := a.get(1, "indent"); ok && x != nil {
		indent, multiline = a.int(1, "indent", 0), true
		if indent > 64 {
			failf("an indent of %d", indent)
		}
	}
	style := newStyle(indent, multiline)
	style.ascii = a.bool(0, "ensure_ascii", false)
	style.sortKeys = a.bool(3, "sort_keys", false)
	if x, ok := a.get(2, "separators"); ok && x != nil {
		pair := e.iterate(x)
		if len(pair) != 2 {
			failf("separators must be two strings")
		}
		style.item, style.key = e.text(pair[0]).s, e.text(pair[1]).s
	}
	var b Builder
	e.json(&b, v, style, 0)
	return b.Text()
}

func (e *evaluator) json(b *Builder, v Value, style *jsonStyle, depth int) {
	e.step(1)
	tooDeep(depth)
	switch v := v.(type) {
	case nil:
		b.Trusted("null")
	case bool:
		if v {
			b.Trusted("true")
		} else {
			b.Trusted("false")
		}
	case int64:
		b.Trusted(scalar(v))
	case float64:
		b.Trusted(jsonFloat(v))
	case Text:
		e.jsonText(b, v, style)
	case *List:
		e.jsonSequence(b, "[", "]", len(v.Items), style, depth, func(i int) {
			e.json(b, v.Items[i], style, depth+1)
		})
	case *Dict:
		order := e.keyOrder(v, style)
		e.jsonSequence(b, "{", "}", v.Len(), style, depth, func(i int) {
			e.jsonKey(b, v.keys[order[i]], style)
			b.Trusted(style.key)
			e.json(b, v.values[order[i]], style, depth+1)
		})
	default:
		failf("cannot write %s as JSON", kind(v))
	}
	e.checkLength(int64(b.Len()))
}

// jsonSequence writes n items between brackets.
func (e *evaluator) jsonSequence(b *Builder, open, end string, n int, style *jsonStyle, depth int, item func(i int)) {
	b.Trusted(open)
	for i := range n {
		if i > 0 {
			b.Trusted(style.item)
		}
		e.newline(b, style, depth+1)
		item(i)
	}
	if n > 0 {
		e.newline(b, style, depth)
	}
	b.Trusted(end)
}

func (e *evaluator) newline(b *Builder, style *jsonStyle, depth int) {
	if !style.multiline {
		return
	}
	e.grow(len(style.indent) * depth)
	b.Trusted("\n" + strings.Repeat(style.indent, depth))
}

// keyOrder returns the order of a dictionary's keys.
func (e *evaluator) keyOrder(d *Dict, style *jsonStyle) []int {
	order := make([]int, d.Len())
	for i := range order {
		order[i] = i
	}
	if style.sortKeys {
		e.sortFunc(order, func(i, j int) int { return e.compare(d.keys[i], d.keys[j], 0) })
	}
	return order
}

// jsonKey writes a key, which JSON wants to be a string.
func (e *evaluator) jsonKey(b *Builder, k Value, style *jsonStyle) {
	t, ok := k.(Text)
	if !ok {
		var plain Builder
		e.json(&plain, k, style, 0)
		t = plain.Text()
	}
	e.jsonText(b, t, style)
}

// jsonFloat is Python's way with what JSON has no numbers for.
func jsonFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case math.IsNaN(f):
		return "NaN"
	}
	return formatFloat(f)
}

// jsonEscapes are the short escapes.
var jsonEscapes = map[rune]string{
	'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\f': `\f`, '\b': `\b`,
}

func (e *evaluator) jsonText(b *Builder, t Text, style *jsonStyle) {
	e.fits(2 * int64(len(t.s)))
	b.Trusted(`"`)
	plain := 0 // start of what needs no escape
	for i, w := 0, 0; i < len(t.s); i += w {
		var r rune
		r, w = utf8.DecodeRuneInString(t.s[i:])
		out := jsonEscape(r, w, style.ascii)
		if out == "" {
			continue
		}
		b.Write(t.Slice(plain, i))
		b.as(t, i, out)
		plain = i + w
	}
	b.Write(t.Slice(plain, len(t.s)))
	b.Trusted(`"`)
}

// jsonEscape returns what stands for a rune of w bytes, "" for itself.
func jsonEscape(r rune, w int, ascii bool) string {
	if s, ok := jsonEscapes[r]; ok {
		return s
	}
	switch {
	case r < ' ':
		return fmt.Sprintf(`\u%04x`, r)
	case r == utf8.RuneError && w == 1:
		return "\ufffd" // JSON is UTF-8
	case ascii && r > 0xffff:
		r -= 0x10000
		return fmt.Sprintf(`\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
	case ascii && r >= 0x7f && r != 0x7f:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return ""
}
