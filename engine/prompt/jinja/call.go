package jinja

// arguments are the evaluated arguments of a call.
type arguments struct {
	positional []Value
	keywords   []keyword
}

type keyword struct {
	name  string
	value Value
}

// arguments evaluates the arguments of a call.
func (e *evaluator) arguments(x *argExprs, s *scope) *arguments {
	a := &arguments{}
	for _, p := range x.positional {
		a.positional = append(a.positional, e.eval(p, s))
	}
	if x.star != nil {
		items := e.iterate(e.eval(x.star, s))
		e.grow(16 * len(items))
		a.positional = append(a.positional, items...)
	}
	for _, k := range x.keywords {
		a.keywords = append(a.keywords, keyword{k.name, e.eval(k.value, s)})
	}
	if x.stars != nil {
		d, ok := e.eval(x.stars, s).(*Dict)
		if !ok {
			failf("** needs a dict")
		}
		e.grow(32 * d.Len())
		for i, k := range d.keys {
			a.keywords = append(a.keywords, keyword{e.text(k).s, d.values[i]})
		}
	}
	return a
}

// keyword returns a keyword argument.
func (a *arguments) keyword(name string) (Value, bool) {
	for _, k := range a.keywords {
		if k.name == name {
			return k.value, true
		}
	}
	return nil, false
}

// get returns the argument at a position or of a name.
func (a *arguments) get(i int, name string) (Value, bool) {
	if i < len(a.positional) {
		return a.positional[i], true
	}
	return a.keyword(name)
}

// need is get for an argument that must be there.
func (a *arguments) need(i int, name string) Value {
	v, ok := a.get(i, name)
	if !ok {
		failf("argument %q is missing", name)
	}
	return v
}

// text returns a text argument, or the default when it is not given or None.
func (a *arguments) text(i int, name string, def Text) Text {
	v, ok := a.get(i, name)
	if !ok || v == nil {
		return def
	}
	t, ok := v.(Text)
	if !ok {
		failf("argument %q is %s, want a str", name, kind(v))
	}
	return t
}

// int returns an integer argument, or the default when it is not given or None.
func (a *arguments) int(i int, name string, def int64) int64 {
	v, ok := a.get(i, name)
	if !ok || v == nil {
		return def
	}
	n, ok := integer(v)
	if !ok {
		failf("argument %q is %s, want an int", name, kind(v))
	}
	return n
}

// bool returns the truth of an argument, or the default when it is not given.
func (a *arguments) bool(i int, name string, def bool) bool {
	v, ok := a.get(i, name)
	if !ok {
		return def
	}
	return truthy(v)
}

// call calls a function value.
func (e *evaluator) call(fn Value, a *arguments) Value {
	switch f := fn.(type) {
	case *function:
		return f.call(e, a)
	case *loop:
		if f.recurse == nil {
			failf("the loop is not recursive")
		}
		return f.recurse.call(e, a)
	case undefined:
		failf("%q is undefined", f.what)
	}
	failf("%s cannot be called", kind(fn))
	return nil
}
