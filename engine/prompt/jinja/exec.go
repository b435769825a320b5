package jinja

// evaluator is the state of one render.
type evaluator struct {
	limits        Limits
	steps, copied int64 // left
	depth, calls  int   // evaluations and calls under way
	line          int   // of the operation begun last
	out           *Builder
}

// scope holds the variables of a block. Loops, macros, calls and with blocks
// open one, if does not; a set inside is gone outside, as in Jinja.
type scope struct {
	vars   map[string]Value
	parent *scope
}

func (s *scope) inner() *scope { return &scope{vars: map[string]Value{}, parent: s} }

func (s *scope) lookup(name string) (Value, bool) {
	for ; s != nil; s = s.parent {
		if v, ok := s.vars[name]; ok {
			return v, true
		}
	}
	return nil, false
}

// signal says how a list of statements ended.
type signal uint8

const (
	finished signal = iota
	broke
	continued
)

func (e *evaluator) exec(list []stmt, s *scope) signal {
	for _, st := range list {
		e.step(1)
		if sig := e.execOne(st, s); sig != finished {
			return sig
		}
	}
	return finished
}

func (e *evaluator) execOne(st stmt, s *scope) signal {
	switch st := st.(type) {
	case dataStmt:
		e.write(st.text)
	case printStmt:
		e.write(e.text(e.eval(st.x, s)))
	case *ifStmt:
		for i, cond := range st.conds {
			if truthy(e.eval(cond, s)) {
				return e.exec(st.bodies[i], s)
			}
		}
		return e.exec(st.orElse, s)
	case *forStmt:
		e.forLoop(st, s)
	case *setStmt:
		v := e.eval(st.x, s)
		e.line = st.line
		e.assign(st.target, v, s)
	case *setBlockStmt:
		text := e.capture(func() { e.exec(st.body, s.inner()) })
		v := e.filterAll(st.filters, text, s)
		e.line = st.line
		e.assign(st.target, v, s)
	case *macroStmt:
		s.vars[st.name] = e.macro(st.name, &st.macro, s)
	case *callStmt:
		e.callBlock(st, s)
	case *filterStmt:
		text := e.capture(func() { e.exec(st.body, s.inner()) })
		e.write(e.text(e.filterAll(st.filters, text, s)))
	case *withStmt:
		inner := s.inner()
		for i, t := range st.targets {
			v := e.eval(st.values[i], s)
			e.line = st.line
			e.assign(t, v, inner)
		}
		return e.exec(st.body, inner)
	case groupStmt:
		return e.exec(st.body, s)
	case breakStmt:
		return broke
	case continueStmt:
		return continued
	}
	return finished
}

// write appends to the output.
func (e *evaluator) write(t Text) {
	e.checkLength(int64(e.out.Len()) + int64(len(t.s)))
	e.grow(len(t.s))
	e.out.Write(t)
}

// capture returns what f writes.
func (e *evaluator) capture(f func()) Text {
	outer := e.out
	e.out = &Builder{}
	f()
	text := e.out.Text()
	e.out = outer
	return text
}

// assign gives a value to a target.
func (e *evaluator) assign(t target, v Value, s *scope) {
	switch {
	case t.items != nil:
		items := e.iterate(v)
		if len(items) != len(t.items) {
			failf("cannot unpack %d values into %d names", len(items), len(t.items))
		}
		for i, item := range t.items {
			e.assign(item, items[i], s)
		}
	case t.attr != "":
		owner, _ := s.lookup(t.name)
		ns, ok := owner.(*namespace)
		if !ok {
			failf("cannot set an attribute of %q: only a namespace has attributes to set", t.name)
		}
		ns.attrs[t.attr] = v
	default:
		s.vars[t.name] = v
	}
}

// loop is the variable of that name inside a for block.
type loop struct {
	items   []Value
	index   int // from 0
	depth   int // from 0
	changed []Value
	recurse *function // nil unless the block is recursive
}

func (e *evaluator) forLoop(st *forStmt, s *scope) {
	v := e.eval(st.iter, s)
	e.line = st.line
	e.runLoop(st, v, s, 0)
}

// runLoop runs a for block over the items of v.
func (e *evaluator) runLoop(st *forStmt, v Value, s *scope, depth int) {
	items := e.iterate(v)
	if st.cond != nil {
		items = e.filterItems(st, items, s)
	}
	if len(items) == 0 {
		e.exec(st.orElse, s.inner())
		return
	}
	l := &loop{items: items, depth: depth}
	if st.recursive {
		l.recurse = &function{"loop", func(e *evaluator, a *arguments) Value {
			v := a.need(0, "iterable")
			return e.called(func() Value {
				return e.capture(func() { e.runLoop(st, v, s, depth+1) })
			})
		}}
	}
	for i, item := range items {
		e.step(1)
		inner := s.inner()
		l.index = i
		inner.vars["loop"] = l
		e.assign(st.target, item, inner)
		if e.exec(st.body, inner) == broke {
			return
		}
	}
}

// filterItems keeps the items for which the loop's condition is true.
func (e *evaluator) filterItems(st *forStmt, items []Value, s *scope) []Value {
	var kept []Value
	for _, item := range items {
		e.step(1)
		inner := s.inner()
		e.assign(st.target, item, inner)
		if truthy(e.eval(st.cond, inner)) {
			kept = append(kept, item)
		}
	}
	return kept
}

// attr returns an attribute of the loop.
func (l *loop) attr(name string) (Value, bool) {
	n := int64(len(l.items))
	i := int64(l.index)
	switch name {
	case "index":
		return i + 1, true
	case "index0":
		return i, true
	case "revindex":
		return n - i, true
	case "revindex0":
		return n - i - 1, true
	case "first":
		return i == 0, true
	case "last":
		return i == n-1, true
	case "length":
		return n, true
	case "depth":
		return int64(l.depth + 1), true
	case "depth0":
		return int64(l.depth), true
	case "previtem":
		if i > 0 {
			return l.items[i-1], true
		}
		return undefined{"loop.previtem"}, true
	case "nextitem":
		if i < n-1 {
			return l.items[i+1], true
		}
		return undefined{"loop.nextitem"}, true
	case "cycle":
		return &function{"loop.cycle", func(_ *evaluator, a *arguments) Value {
			if len(a.positional) == 0 {
				failf("loop.cycle needs items")
			}
			return a.positional[l.index%len(a.positional)]
		}}, true
	case "changed":
		return &function{"loop.changed", l.hasChanged}, true
	}
	return nil, false
}

// hasChanged reports whether its arguments differ from those of the last call.
func (l *loop) hasChanged(e *evaluator, a *arguments) Value {
	same := l.changed != nil && e.equal(&List{Items: l.changed}, &List{Items: a.positional}, 0)
	l.changed = a.positional
	return !same
}

// macro makes a function of a macro's parameters and body. Its free names are
// those of the place where it is defined.
func (e *evaluator) macro(name string, m *macro, s *scope) *function {
	return &function{name, func(e *evaluator, a *arguments) Value {
		inner := s.inner()
		e.bind(m, a, inner)
		return e.called(func() Value {
			return e.capture(func() { e.exec(m.body, inner) })
		})
	}}
}

// bind gives arguments to a macro's parameters, and the surplus to varargs and kwargs.
func (e *evaluator) bind(m *macro, a *arguments, s *scope) {
	e.step(len(m.params))
	rest := &List{Tuple: true}
	if len(a.positional) > len(m.params) {
		rest.Items = a.positional[len(m.params):]
	}
	kwargs := &Dict{}
	for _, k := range a.keywords {
		kwargs.Set(Trusted(k.name), k.value)
	}
	s.vars["varargs"], s.vars["kwargs"] = rest, kwargs
	required := len(m.params) - len(m.defaults)
	for i, name := range m.params {
		v, named := a.keyword(name)
		switch {
		case i < len(a.positional):
			v = a.positional[i]
		case named:
		case i >= required:
			v = e.eval(m.defaults[i-required], s)
		default:
			v = undefined{name}
		}
		s.vars[name] = v
	}
	if caller, ok := a.keyword("caller"); ok {
		s.vars["caller"] = caller
	}
}

// callBlock calls a macro with a function caller that renders the block's body.
func (e *evaluator) callBlock(st *callStmt, s *scope) {
	call := st.call.(*callExpr) // the parser lets nothing else through
	fn, a := e.eval(call.fn, s), e.arguments(&call.args, s)
	a.keywords = append(a.keywords, keyword{"caller", e.macro("caller", &st.caller, s)})
	e.line = st.line
	e.write(e.text(e.call(fn, a)))
}

// called counts nested calls.
func (e *evaluator) called(f func() Value) Value {
	e.calls++
	if e.calls > maxCalls {
		panic(failure{&LimitError{"calls macros in macros too deep"}})
	}
	defer func() { e.calls-- }()
	return f()
}
