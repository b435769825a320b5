package jinja

import (
	"unicode/utf8"
)

// attr is x.name: a method or attribute first, then an item of that name.
func (e *evaluator) attr(x Value, name string) Value {
	if v, ok := e.attribute(x, name); ok {
		return v
	}
	if d, ok := x.(*Dict); ok {
		if v, ok := d.Get(Trusted(name)); ok {
			return v
		}
	}
	return undefined{"." + name}
}

// item is x[key]: an item first, then a method or attribute.
func (e *evaluator) item(x, key Value) Value {
	switch x := x.(type) {
	case *Dict:
		if v, ok := x.Get(key); ok {
			return v
		}
	case *List:
		if i, ok := integer(key); ok {
			if i < 0 {
				i += int64(len(x.Items))
			}
			if i < 0 || i >= int64(len(x.Items)) {
				return undefined{"list item"}
			}
			return x.Items[i]
		}
	case Text:
		if i, ok := integer(key); ok {
			return e.character(x, i)
		}
	}
	if name, ok := key.(Text); ok {
		if v, ok := e.attribute(x, name.s); ok {
			return v
		}
		return undefined{"[" + name.s + "]"}
	}
	if u, ok := x.(undefined); ok {
		failf("%q is undefined", u.what)
	}
	return undefined{"item"}
}

// character is character i of a text, from the end for a negative i.
func (e *evaluator) character(t Text, i int64) Value {
	e.step(len(t.s)/32 + 1)
	n := int64(utf8.RuneCountInString(t.s))
	if i < 0 {
		i += n
	}
	if i < 0 || i >= n {
		return undefined{"character"}
	}
	start := runeOffset(t.s, int(i))
	_, w := utf8.DecodeRuneInString(t.s[start:])
	return t.Slice(start, start+w)
}

// attribute returns a method or attribute; an undefined value has none, and
// asking is an error.
func (e *evaluator) attribute(x Value, name string) (Value, bool) {
	switch x := x.(type) {
	case undefined:
		failf("%q is undefined", x.what)
	case Text:
		if m, ok := textMethods[name]; ok {
			return &function{name, func(e *evaluator, a *arguments) Value { return m(e, x, a) }}, true
		}
	case *Dict:
		if m, ok := dictMethods[name]; ok {
			return &function{name, func(e *evaluator, a *arguments) Value { return m(e, x, a) }}, true
		}
	case *List:
		if m, ok := listMethods[name]; ok {
			return &function{name, func(e *evaluator, a *arguments) Value { return m(e, x, a) }}, true
		}
	case *namespace:
		v, ok := x.attrs[name]
		return v, ok
	case *loop:
		return x.attr(name)
	}
	return nil, false
}

// slice is x[start:stop:step].
func (e *evaluator) slice(x *sliceExpr, s *scope) Value {
	v := e.eval(x.x, s)
	e.line = x.line
	step := int64(1)
	if i, ok := e.bound(x.step, s); ok {
		step = i
	}
	if step == 0 {
		failf("the step of a slice is zero")
	}
	start, hasStart := e.bound(x.start, s)
	stop, hasStop := e.bound(x.stop, s)
	switch v := v.(type) {
	case *List:
		i, n := sliceRange(int64(len(v.Items)), start, stop, step, hasStart, hasStop)
		e.grow(16 * int(n))
		out := &List{Items: make([]Value, n), Tuple: v.Tuple}
		for k := range out.Items {
			out.Items[k] = v.Items[i+int64(k)*step]
		}
		return out
	case Text:
		return e.sliceText(v, start, stop, step, hasStart, hasStop)
	case undefined:
		failf("%q is undefined", v.what)
	}
	failf("cannot slice %s", kind(v))
	return nil
}

// bound evaluates one part of a slice; ok is false when it is not given.
func (e *evaluator) bound(x expr, s *scope) (i int64, ok bool) {
	if x == nil {
		return 0, false
	}
	v := e.eval(x, s)
	if v == nil {
		return 0, false
	}
	if i, ok = integer(v); !ok {
		failf("the bounds of a slice must be integers, not %s", kind(v))
	}
	return i, true
}

func (e *evaluator) sliceText(t Text, start, stop, step int64, hasStart, hasStop bool) Value {
	e.step(len(t.s)/32 + 1)
	n := int64(utf8.RuneCountInString(t.s))
	i, count := sliceRange(n, start, stop, step, hasStart, hasStop)
	if count == 0 {
		return Text{}
	}
	if step == 1 {
		from := runeOffset(t.s, int(i))
		return t.Slice(from, from+runeOffset(t.s[from:], int(count)))
	}
	chars := e.characters(t)
	var b Builder
	for k := range count {
		if c := i + k*step; c < int64(len(chars)) { // fewer when t is not UTF-8
			b.Write(chars[c].(Text))
		}
	}
	return b.Text()
}

// sliceRange returns the first index and the number of items of a slice of n
// items, by Python's rules.
func sliceRange(n, start, stop, step int64, hasStart, hasStop bool) (first, count int64) {
	low, high := int64(0), n // what the bounds are clamped to
	if step < 0 {
		low, high = -1, n-1
	}
	clamp := func(i int64) int64 {
		if i < 0 {
			i = max(i, -n-1) + n
		}
		return min(max(i, low), high)
	}
	if step > 0 {
		if !hasStart {
			start = 0
		}
		if !hasStop {
			stop = n
		}
		start, stop = clamp(start), clamp(stop)
		if stop <= start {
			return 0, 0
		}
		return start, (stop-start-1)/step + 1
	}
	if hasStart {
		start = clamp(start)
	} else {
		start = high
	}
	if hasStop {
		stop = clamp(stop)
	} else {
		stop = low
	}
	if stop >= start {
		return 0, 0
	}
	return start, (start-stop-1)/-max(step, -n-1) + 1
}
