package jinja

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Value is what an expression evaluates to. It is one of
//
//	nil (None), bool, int64, float64, Text, *List, *Dict,
//	and of this package's own: undefined, *namespace, *loop, *function.
type Value any

// undefined is the value of what is not there. It prints as nothing and is
// false, but has no attributes.
type undefined struct{ what string }

// List is a list or, with Tuple set, a tuple. Templates cannot change it.
type List struct {
	Items []Value
	Tuple bool
}

// Dict is a dictionary that keeps the order its keys came in. Templates cannot
// change it. The zero value is empty and ready.
type Dict struct {
	keys   []Value
	values []Value
	index  map[string]int
}

// Set adds or replaces an entry. A key is a Text, number, bool or nil.
func (d *Dict) Set(key, value Value) {
	k, ok := hash(key)
	if !ok {
		failf("%s cannot be a dictionary key", kind(key))
	}
	if i, ok := d.index[k]; ok {
		d.values[i] = value
		return
	}
	if d.index == nil {
		d.index = map[string]int{}
	}
	d.index[k] = len(d.keys)
	d.keys = append(d.keys, key)
	d.values = append(d.values, value)
}

// Get returns the value of a key.
func (d *Dict) Get(key Value) (Value, bool) {
	k, ok := hash(key)
	if !ok {
		return nil, false
	}
	i, ok := d.index[k]
	if !ok {
		return nil, false
	}
	return d.values[i], true
}

// Len is the number of entries.
func (d *Dict) Len() int { return len(d.keys) }

// hash gives equal keys equal strings: 1, 1.0 and True are one key in Python.
func hash(key Value) (string, bool) {
	switch k := key.(type) {
	case Text:
		return "s" + k.s, true
	case nil:
		return "n", true
	case bool, int64, float64:
		if f, ok := number(k); ok {
			return "f" + strconv.FormatFloat(f, 'g', -1, 64), true
		}
	}
	return "", false
}

// namespace is what the function of that name returns: the one value whose
// attributes a template can set.
type namespace struct{ attrs map[string]Value }

// function is anything that can be called.
type function struct {
	name string
	call func(e *evaluator, a *arguments) Value
}

// FromGo makes a value of Go data: nil, booleans, numbers, strings, Values,
// slices and string-keyed maps of such, and whatever encoding/json can marshal.
// Strings and keys are user-supplied. A float64 that is a whole number becomes
// an integer, as encoding/json reads every number into a float64. Map keys
// are put in order by less; nil sorts them.
func FromGo(v any, less func(parent, a, b string) int) (value Value, err error) {
	defer func() {
		if r := recover(); r != nil {
			value, err = nil, caught(r)
		}
	}()
	if less == nil {
		less = func(_, a, b string) int { return strings.Compare(a, b) }
	}
	return fromGo(v, "", 0, less), nil
}

func fromGo(v any, parent string, depth int, less func(parent, a, b string) int) Value {
	if depth > maxDepth {
		panic(failure{&LimitError{fmt.Sprintf("data is nested more than %d deep", maxDepth)}})
	}
	switch v := v.(type) {
	case nil, bool, int64, Text, *List, *Dict:
		return v
	case string:
		return User(v)
	case int:
		return int64(v)
	case float64:
		return wholeFloat(v)
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, err := v.Float64()
		if err != nil {
			failf("number %q: %w", string(v), err)
		}
		return f
	case []any:
		l := &List{Items: make([]Value, len(v))}
		for i, item := range v {
			l.Items[i] = fromGo(item, parent, depth+1, less)
		}
		return l
	case map[string]any:
		d := &Dict{}
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(a, b string) int { return less(parent, a, b) })
		for _, k := range keys {
			d.Set(User(k), fromGo(v[k], k, depth+1, less))
		}
		return d
	}
	return fromJSON(v, parent, depth, less)
}

// fromJSON takes the way round through JSON for every other type.
func fromJSON(v any, parent string, depth int, less func(parent, a, b string) int) Value {
	data, err := json.Marshal(v)
	if err != nil {
		failf("data of type %T: %w", v, err)
	}
	var plain any
	if err := json.Unmarshal(data, &plain); err != nil {
		failf("data of type %T: %w", v, err)
	}
	return fromGo(plain, parent, depth+1, less)
}

func wholeFloat(f float64) Value {
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int64(f)
	}
	return f
}

// kind names a value's type in error messages, as Python does.
func kind(v Value) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return "bool"
	case int64:
		return "int"
	case float64:
		return "float"
	case Text:
		return "str"
	case *List:
		if v.Tuple {
			return "tuple"
		}
		return "list"
	case *Dict:
		return "dict"
	case undefined:
		return "undefined " + v.what
	case *namespace:
		return "namespace"
	case *loop:
		return "loop"
	}
	return "function"
}

// truthy is Python's bool(v).
func truthy(v Value) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case Text:
		return v.s != ""
	case *List:
		return len(v.Items) > 0
	case *Dict:
		return v.Len() > 0
	}
	return true
}

// number returns the numeric value of a number or bool.
func number(v Value) (float64, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// integer returns the value of an int or bool.
func integer(v Value) (int64, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case int64:
		return v, true
	}
	return 0, false
}

// equal is Python's ==.
func (e *evaluator) equal(a, b Value, depth int) bool {
	e.step(1)
	tooDeep(depth)
	switch x := a.(type) {
	case nil:
		return b == nil
	case undefined:
		_, ok := b.(undefined)
		return ok
	case Text:
		y, ok := b.(Text)
		if ok {
			e.step(min(len(x.s), len(y.s)) / 32)
		}
		return ok && x.s == y.s
	case *List:
		y, ok := b.(*List)
		if !ok || len(x.Items) != len(y.Items) || x.Tuple != y.Tuple {
			return false
		}
		for i := range x.Items {
			if !e.equal(x.Items[i], y.Items[i], depth+1) {
				return false
			}
		}
		return true
	case *Dict:
		y, ok := b.(*Dict)
		if !ok || x.Len() != y.Len() {
			return false
		}
		for i, k := range x.keys {
			v, ok := y.Get(k)
			if !ok || !e.equal(x.values[i], v, depth+1) {
				return false
			}
		}
		return true
	case int64:
		if y, ok := b.(int64); ok {
			return x == y
		}
	}
	x, ok := number(a)
	if !ok {
		return a == b // functions, loops and namespaces are pointers
	}
	y, ok := number(b)
	return ok && x == y
}

// compare is Python's order, and an error where there is none.
func (e *evaluator) compare(a, b Value, depth int) int {
	e.step(1)
	tooDeep(depth)
	if x, ok := a.(Text); ok {
		if y, ok := b.(Text); ok {
			e.step(min(len(x.s), len(y.s)) / 32)
			return strings.Compare(x.s, y.s)
		}
	}
	if x, ok := a.(int64); ok {
		if y, ok := b.(int64); ok {
			return cmpOrdered(x, y)
		}
	}
	if x, ok := number(a); ok {
		if y, ok := number(b); ok {
			return cmpOrdered(x, y)
		}
	}
	x, ok := a.(*List)
	y, ok2 := b.(*List)
	if !ok || !ok2 {
		failf("cannot order %s and %s", kind(a), kind(b))
	}
	for i := range min(len(x.Items), len(y.Items)) {
		if !e.equal(x.Items[i], y.Items[i], depth+1) {
			return e.compare(x.Items[i], y.Items[i], depth+1)
		}
	}
	return len(x.Items) - len(y.Items)
}

func cmpOrdered[T int64 | float64](x, y T) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func tooDeep(depth int) {
	if depth > maxDepth {
		panic(failure{&LimitError{fmt.Sprintf("nests values more than %d deep", maxDepth)}})
	}
}

// text is Python's str(v).
func (e *evaluator) text(v Value) Text {
	switch v := v.(type) {
	case Text:
		return v
	case undefined:
		return Text{}
	case nil, bool, int64, float64:
		return Trusted(scalar(v))
	}
	var b Builder
	e.repr(&b, v, 0)
	return b.Text()
}

// scalar is Python's str of a None, bool or number.
func scalar(v Value) string {
	switch v := v.(type) {
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return formatFloat(v)
	}
	return "None"
}

// formatFloat is Python's repr of a float: the shortest digits that read back
// the same, with an exponent from 1e16 and below 1e-4.
func formatFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// repr writes Python's repr(v).
func (e *evaluator) repr(b *Builder, v Value, depth int) {
	e.step(1)
	tooDeep(depth)
	switch v := v.(type) {
	case Text:
		e.reprText(b, v)
	case undefined:
		b.Trusted("Undefined")
	case nil, bool, int64, float64:
		b.Trusted(scalar(v))
	case *List:
		open, end := "[", "]"
		if v.Tuple {
			open, end = "(", ")"
			if len(v.Items) == 1 {
				end = ",)"
			}
		}
		b.Trusted(open)
		for i, item := range v.Items {
			if i > 0 {
				b.Trusted(", ")
			}
			e.repr(b, item, depth+1)
		}
		b.Trusted(end)
	case *Dict:
		b.Trusted("{")
		for i, k := range v.keys {
			if i > 0 {
				b.Trusted(", ")
			}
			e.repr(b, k, depth+1)
			b.Trusted(": ")
			e.repr(b, v.values[i], depth+1)
		}
		b.Trusted("}")
	default:
		b.Trusted("<" + kind(v) + ">")
	}
	e.checkLength(int64(b.Len()))
}

func (e *evaluator) reprText(b *Builder, t Text) {
	e.fits(4 * int64(len(t.s)))
	quote := "'"
	if strings.Contains(t.s, "'") && !strings.Contains(t.s, `"`) {
		quote = `"`
	}
	b.quote(t, quote)
	for i, w := 0, 0; i < len(t.s); i += w {
		var r rune
		r, w = utf8.DecodeRuneInString(t.s[i:])
		switch {
		case r == utf8.RuneError && w == 1:
			b.as(t, i, fmt.Sprintf(`\x%02x`, t.s[i]))
		case string(r) == quote || r == '\\':
			b.as(t, i, `\`+string(r))
		case r == '\n':
			b.as(t, i, `\n`)
		case r == '\r':
			b.as(t, i, `\r`)
		case r == '\t':
			b.as(t, i, `\t`)
		case r < ' ' || r == 0x7f || r <= 0xff && !unicode.IsPrint(r):
			b.as(t, i, fmt.Sprintf(`\x%02x`, r))
		case r <= 0xffff && !unicode.IsPrint(r):
			b.as(t, i, fmt.Sprintf(`\u%04x`, r))
		case !unicode.IsPrint(r):
			b.as(t, i, fmt.Sprintf(`\U%08x`, r))
		default:
			b.Write(t.Slice(i, i+w))
		}
	}
	b.quote(t, quote)
}

// quote writes a quotation mark around t. Which one it is depends on what t
// contains, so it counts as user-supplied where t is.
func (b *Builder) quote(t Text, mark string) {
	if t.user != "" {
		b.User(mark)
		return
	}
	b.Trusted(mark)
}
