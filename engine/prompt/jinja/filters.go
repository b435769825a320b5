package jinja

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// filter applies a filter of the template to a value.
func (e *evaluator) filter(x *filterExpr, v Value, s *scope) Value {
	a := e.arguments(&x.args, s)
	e.line = x.line
	return e.runFilter(x.name, v, a)
}

// filterAll applies one filter after the other.
func (e *evaluator) filterAll(list []*filterExpr, v Value, s *scope) Value {
	for _, f := range list {
		v = e.filter(f, v, s)
	}
	return v
}

// runFilter applies a filter by name.
func (e *evaluator) runFilter(name string, v Value, a *arguments) Value {
	f, ok := filters[name]
	if !ok {
		failf("there is no filter %q", name)
	}
	return f(e, v, a)
}

type filterFunc func(e *evaluator, v Value, a *arguments) Value

// filters are Jinja's, without those that lay out web pages. It is filled by
// init since map, select and their kin look filters up in it.
var filters map[string]filterFunc

func init() {
	filters = map[string]filterFunc{
		"abs":        absFilter,
		"attr":       func(e *evaluator, v Value, a *arguments) Value { return e.attrFilter(v, a.need(0, "name")) },
		"capitalize": onText(capitalize),
		"count":      length,
		"d":          defaultFilter,
		"default":    defaultFilter,
		"dictsort":   dictSort,
		"e":          escape,
		"escape":     escape,
		"first":      first,
		"float":      floatFilter,
		"format":     func(e *evaluator, v Value, a *arguments) Value { return e.printf(e.text(v), a.positional) },
		"indent":     indent,
		"int":        intFilter,
		"items":      itemsFilter,
		"join":       joinFilter,
		"last":       last,
		"length":     length,
		"list":       list,
		"lower":      onText(lower),
		"map":        mapFilter,
		"max":        func(e *evaluator, v Value, a *arguments) Value { return extreme(e, v, a, 1) },
		"min":        func(e *evaluator, v Value, a *arguments) Value { return extreme(e, v, a, -1) },
		"reject":     func(e *evaluator, v Value, a *arguments) Value { return selectItems(e, v, a, false, false) },
		"rejectattr": func(e *evaluator, v Value, a *arguments) Value { return selectItems(e, v, a, true, false) },
		"replace":    onText(replace),
		"reverse":    reverse,
		"round":      round,
		"safe":       func(e *evaluator, v Value, _ *arguments) Value { return e.text(v) },
		"select":     func(e *evaluator, v Value, a *arguments) Value { return selectItems(e, v, a, false, true) },
		"selectattr": func(e *evaluator, v Value, a *arguments) Value { return selectItems(e, v, a, true, true) },
		"sort":       sortFilter,
		"string":     func(e *evaluator, v Value, _ *arguments) Value { return e.text(v) },
		"sum":        sum,
		"title":      onText(titleWords),
		"tojson":     tojson,
		"trim":       onText(func(e *evaluator, t Text, a *arguments) Value { return strip(e, t, a, true, true) }),
		"unique":     unique,
		"upper":      onText(upper),
		"wordcount": onText(func(e *evaluator, t Text, _ *arguments) Value {
			return int64(len(split(e, t, &arguments{}, false).(*List).Items))
		}),
	}
}

// onText makes a filter of a method of texts.
func onText(m func(e *evaluator, t Text, a *arguments) Value) filterFunc {
	return func(e *evaluator, v Value, a *arguments) Value { return m(e, e.text(v), a) }
}

// titleWords is the filter title, which unlike the method of that name starts
// words after white space and some punctuation only, so not after an apostrophe.
func titleWords(e *evaluator, t Text, _ *arguments) Value {
	e.grow(4 * len(t.s))
	start := true
	return t.mapRunes(func(_ int, r rune) rune {
		wasStart := start
		start = isSpace(r) || strings.ContainsRune("-({[<", r)
		if wasStart {
			return unicode.ToTitle(r)
		}
		return unicode.ToLower(r)
	})
}

func absFilter(_ *evaluator, v Value, _ *arguments) Value {
	if n, ok := integer(v); ok {
		if n < 0 {
			return mulInt(n, -1)
		}
		return n
	}
	f, ok := v.(float64)
	if !ok {
		failf("abs of %s", kind(v))
	}
	return math.Abs(f)
}

// attrFilter is x|attr(name): an attribute, never an item.
func (e *evaluator) attrFilter(v, name Value) Value {
	if r, ok := e.attribute(v, e.text(name).s); ok {
		return r
	}
	return undefined{"." + e.text(name).s}
}

func length(e *evaluator, v Value, _ *arguments) Value {
	switch v := v.(type) {
	case Text:
		e.step(len(v.s)/32 + 1)
		return int64(utf8.RuneCountInString(v.s))
	case *List:
		return int64(len(v.Items))
	case *Dict:
		return int64(v.Len())
	case undefined:
		return int64(0)
	}
	failf("%s has no length", kind(v))
	return nil
}

func defaultFilter(_ *evaluator, v Value, a *arguments) Value {
	_, missing := v.(undefined)
	if !missing && !(a.bool(1, "boolean", false) && !truthy(v)) {
		return v
	}
	if d, ok := a.get(0, "default_value"); ok {
		return d
	}
	return Text{}
}

// sortFunc sorts and counts the comparisons.
func (e *evaluator) sortFunc(order []int, compare func(i, j int) int) {
	e.grow(8 * len(order))
	slices.SortStableFunc(order, compare)
}

// sortKey is what sort, min, max and unique compare by: an attribute, and text
// without case unless told otherwise.
func (e *evaluator) sortKey(v Value, a *arguments, at int) Value {
	if name, ok := a.get(at+1, "attribute"); ok && name != nil {
		v = e.path(v, name, nil)
	}
	if t, ok := v.(Text); ok && !a.bool(at, "case_sensitive", false) {
		return lower(e, t, nil)
	}
	return v
}

// path follows an attribute with dots in it; the default, if there is one, takes
// the place of what is undefined on the way.
func (e *evaluator) path(v, name, def Value) Value {
	steps := []Value{name}
	if t, ok := name.(Text); ok {
		steps = nil
		for part := range strings.SplitSeq(t.s, ".") {
			if n, err := strconv.ParseInt(part, 10, 64); err == nil {
				steps = append(steps, n)
			} else {
				steps = append(steps, Trusted(part))
			}
		}
	}
	for _, s := range steps {
		e.step(1)
		v = e.item(v, s)
		if _, missing := v.(undefined); missing && def != nil {
			v = def
		}
	}
	return v
}

// sorted returns the items in the order of their keys.
func (e *evaluator) sorted(items, keys []Value, reverse bool) *List {
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
	}
	e.sortFunc(order, func(i, j int) int {
		c := e.compare(keys[i], keys[j], 0)
		if reverse {
			return -c
		}
		return c
	})
	e.grow(16 * len(items))
	out := &List{Items: make([]Value, len(items))}
	for i, o := range order {
		out.Items[i] = items[o]
	}
	return out
}

// sortFilter is sort(reverse=False, case_sensitive=False, attribute=None).
func sortFilter(e *evaluator, v Value, a *arguments) Value {
	items := e.iterate(v)
	e.grow(16 * len(items))
	keys := make([]Value, len(items))
	for i, item := range items {
		keys[i] = e.sortKey(item, a, 1)
	}
	return e.sorted(items, keys, a.bool(0, "reverse", false))
}

// dictSort is dictsort(case_sensitive=False, by='key', reverse=False).
func dictSort(e *evaluator, v Value, a *arguments) Value {
	d, ok := v.(*Dict)
	if !ok {
		failf("dictsort of %s", kind(v))
	}
	source := d.keys
	if by := a.text(1, "by", Trusted("key")).s; by == "value" {
		source = d.values
	} else if by != "key" {
		failf("dictsort by %q", by)
	}
	casing := &arguments{positional: []Value{a.bool(0, "case_sensitive", false)}}
	keys := make([]Value, len(source))
	for i, k := range source {
		keys[i] = e.sortKey(k, casing, 0)
	}
	return e.sorted(e.items(d).Items, keys, a.bool(2, "reverse", false))
}

// extreme is max and min: (case_sensitive=False, attribute=None).
func extreme(e *evaluator, v Value, a *arguments, sign int) Value {
	var best, bestKey Value = undefined{"the extreme of no items"}, nil
	for i, item := range e.iterate(v) {
		key := e.sortKey(item, a, 0)
		if i == 0 || sign*e.compare(key, bestKey, 0) > 0 {
			best, bestKey = item, key
		}
	}
	return best
}

// unique is unique(case_sensitive=False, attribute=None).
func unique(e *evaluator, v Value, a *arguments) Value {
	seen := map[string]bool{}
	out := &List{}
	for _, item := range e.iterate(v) {
		k, ok := hash(e.sortKey(item, a, 0))
		if !ok {
			failf("unique of %s", kind(item))
		}
		e.grow(16 + len(k))
		if !seen[k] {
			seen[k] = true
			out.Items = append(out.Items, item)
		}
	}
	return out
}

func first(e *evaluator, v Value, _ *arguments) Value {
	if items := e.iterate(v); len(items) > 0 {
		return items[0]
	}
	return undefined{"the first of no items"}
}

func last(e *evaluator, v Value, _ *arguments) Value {
	if items := e.iterate(v); len(items) > 0 {
		return items[len(items)-1]
	}
	return undefined{"the last of no items"}
}

func list(e *evaluator, v Value, _ *arguments) Value {
	return &List{Items: e.iterate(v)}
}

func reverse(e *evaluator, v Value, _ *arguments) Value {
	items := e.iterate(v)
	if t, ok := v.(Text); ok {
		e.grow(2 * len(t.s))
		var b Builder
		for i := len(items) - 1; i >= 0; i-- {
			b.Write(items[i].(Text))
		}
		return b.Text()
	}
	e.grow(16 * len(items))
	items = slices.Clone(items)
	slices.Reverse(items)
	return &List{Items: items}
}

func itemsFilter(e *evaluator, v Value, _ *arguments) Value {
	switch v := v.(type) {
	case *Dict:
		return e.items(v)
	case undefined:
		return &List{}
	}
	failf("items of %s", kind(v))
	return nil
}

// joinFilter is join(d="", attribute=None).
func joinFilter(e *evaluator, v Value, a *arguments) Value {
	items := e.iterate(v)
	if name, ok := a.get(1, "attribute"); ok && name != nil {
		e.grow(16 * len(items))
		picked := make([]Value, len(items))
		for i, item := range items {
			picked[i] = e.path(item, name, nil)
		}
		items = picked
	}
	sep := Text{}
	if d, ok := a.get(0, "d"); ok {
		sep = e.text(d)
	}
	return e.join(sep, items)
}

// mapFilter is map(attribute='name', default=...) or map('filter', arguments...).
func mapFilter(e *evaluator, v Value, a *arguments) Value {
	items := e.iterate(v)
	e.grow(16 * len(items))
	out := &List{Items: make([]Value, len(items))}
	name, byAttribute := a.keyword("attribute")
	def, _ := a.keyword("default")
	var rest *arguments
	if !byAttribute {
		rest = a.after(1)
	}
	for i, item := range items {
		e.step(1)
		if !byAttribute {
			out.Items[i] = e.runFilter(e.text(a.need(0, "filter")).s, item, rest)
			continue
		}
		out.Items[i] = e.path(item, name, def)
	}
	return out
}

// after returns the arguments from position n on, with all keywords.
func (a *arguments) after(n int) *arguments {
	return &arguments{a.positional[min(n, len(a.positional)):], a.keywords}
}

// selectItems is select, reject, selectattr and rejectattr: it keeps the items
// for which a test, or the truth of the item, is as wanted.
func selectItems(e *evaluator, v Value, a *arguments, byAttribute, want bool) Value {
	at := 0
	var name Value
	if byAttribute {
		name, at = a.need(0, "attribute"), 1
	}
	test, hasTest := a.get(at, "test")
	rest := a.after(at + 1)
	out := &List{}
	for _, item := range e.iterate(v) {
		e.grow(16)
		subject := item
		if byAttribute {
			subject = e.path(item, name, nil)
		}
		ok := truthy(subject)
		if hasTest {
			ok = e.runTest(e.text(test).s, subject, rest)
		}
		if ok == want {
			out.Items = append(out.Items, item)
		}
	}
	return out
}

// sum is sum(attribute=None, start=0).
func sum(e *evaluator, v Value, a *arguments) Value {
	var total Value = int64(0)
	if s, ok := a.get(1, "start"); ok {
		total = s
	}
	name, byAttribute := a.get(0, "attribute")
	for _, item := range e.iterate(v) {
		e.step(1)
		if byAttribute && name != nil {
			item = e.path(item, name, nil)
		}
		total = e.arithmetic("+", total, item)
	}
	return total
}

// intFilter is int(default=0, base=10).
func intFilter(_ *evaluator, v Value, a *arguments) Value {
	def, ok := a.get(0, "default")
	if !ok {
		def = int64(0)
	}
	switch v := v.(type) {
	case bool, int64:
		n, _ := integer(v)
		return n
	case float64:
		if v != v || math.Abs(v) >= 1<<63 {
			return def
		}
		return int64(v)
	case Text:
		s := strings.TrimFunc(v.s, isSpace)
		base := a.int(1, "base", 10)
		if base < 2 || base > 36 {
			return def
		}
		if n, err := strconv.ParseInt(s, int(base), 64); err == nil {
			return n
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(f) < 1<<63 {
			return int64(f)
		}
	}
	return def
}

// floatFilter is float(default=0.0).
func floatFilter(_ *evaluator, v Value, a *arguments) Value {
	if f, ok := number(v); ok {
		return f
	}
	if t, ok := v.(Text); ok {
		if f, err := strconv.ParseFloat(strings.TrimFunc(t.s, isSpace), 64); err == nil {
			return f
		}
	}
	if d, ok := a.get(0, "default"); ok {
		return d
	}
	return 0.0
}

// round is round(precision=0, method='common'). Its result is a float.
func round(_ *evaluator, v Value, a *arguments) Value {
	f, ok := number(v)
	if !ok {
		failf("round of %s", kind(v))
	}
	scale := math.Pow(10, float64(a.int(0, "precision", 0)))
	how := math.RoundToEven
	switch a.text(1, "method", Trusted("common")).s {
	case "ceil":
		how = math.Ceil
	case "floor":
		how = math.Floor
	}
	return how(f*scale) / scale
}

// indent is indent(width=4, first=False, blank=False).
func indent(e *evaluator, v Value, a *arguments) Value {
	t := e.text(v)
	by := Trusted(strings.Repeat(" ", 4))
	if w, ok := a.get(0, "width"); ok {
		if s, isText := w.(Text); isText {
			by = s
		} else {
			by = Trusted(strings.Repeat(" ", int(min(max(a.int(0, "width", 4), 0), 1000))))
		}
	}
	blank := a.bool(2, "blank", false)
	lines := strings.Count(t.s, "\n") + 1
	e.fits(int64(len(t.s)) + int64(lines)*int64(len(by.s)))
	var b Builder
	for i := 0; i <= len(t.s); {
		n := strings.IndexByte(t.s[i:], '\n')
		end := i + n + 1
		if n < 0 {
			end = len(t.s)
		}
		line := t.Slice(i, end)
		isFirst := i == 0
		if isFirst && a.bool(1, "first", false) || !isFirst && (blank || strings.TrimFunc(line.s, isSpace) != "") {
			b.Write(by)
		}
		b.Write(line)
		if n < 0 {
			break
		}
		i = end
	}
	return b.Text()
}

// escape replaces the characters HTML gives a meaning. There is no
// autoescaping, so the result is text like any other.
func escape(e *evaluator, v Value, _ *arguments) Value {
	t := e.text(v)
	e.fits(5 * int64(len(t.s)))
	var b Builder
	for i := range len(t.s) {
		switch t.s[i] {
		case '&':
			b.as(t, i, "&amp;")
		case '<':
			b.as(t, i, "&lt;")
		case '>':
			b.as(t, i, "&gt;")
		case '\'':
			b.as(t, i, "&#39;")
		case '"':
			b.as(t, i, "&#34;")
		default:
			b.Write(t.Slice(i, i+1))
		}
	}
	return b.Text()
}
