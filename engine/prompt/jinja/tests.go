package jinja

import "unicode"

// test evaluates "x is name(args)".
func (e *evaluator) test(x *testExpr, s *scope) Value {
	v := e.eval(x.x, s)
	a := e.arguments(&x.args, s)
	e.line = x.line
	return e.runTest(x.name, v, a) != x.not
}

// runTest applies a test by name.
func (e *evaluator) runTest(name string, v Value, a *arguments) bool {
	if t, ok := typeTests[name]; ok {
		return t(v)
	}
	if op, ok := comparisonTests[name]; ok {
		return e.compares(op, v, a.need(0, "other"))
	}
	switch name {
	case "sameas":
		other := a.need(0, "other")
		return kind(v) == kind(other) && e.equal(v, other, 0)
	case "odd", "even", "divisibleby":
		return divides(name, v, a)
	case "lower", "upper":
		is := unicode.IsLower
		if name == "upper" {
			is = unicode.IsUpper
		}
		return cased(e, e.text(v), is) == true
	case "filter", "test":
		n, ok := v.(Text)
		if name == "filter" {
			_, known := filters[n.s]
			return ok && known
		}
		return ok && isTest(n.s)
	}
	failf("there is no test %q", name)
	return false
}

// typeTests look only at what kind of value they are given.
var typeTests = map[string]func(v Value) bool{
	"defined":   func(v Value) bool { _, no := v.(undefined); return !no },
	"undefined": func(v Value) bool { _, ok := v.(undefined); return ok },
	"none":      func(v Value) bool { return v == nil },
	"true":      func(v Value) bool { return v == true },
	"false":     func(v Value) bool { return v == false },
	"boolean":   func(v Value) bool { _, ok := v.(bool); return ok },
	"integer":   func(v Value) bool { _, ok := v.(int64); return ok },
	"float":     func(v Value) bool { _, ok := v.(float64); return ok },
	"number":    func(v Value) bool { _, ok := number(v); return ok },
	"string":    func(v Value) bool { _, ok := v.(Text); return ok },
	"mapping":   func(v Value) bool { _, ok := v.(*Dict); return ok },
	"iterable":  isIterable,
	"sequence":  isIterable, // Jinja asks for a length and items, which undefined has too
	"callable":  isCallable,
	"escaped":   func(Value) bool { return false },
}

func isCallable(v Value) bool {
	switch v.(type) {
	case *function, undefined: // Jinja's undefined is callable: it raises an error
		return true
	}
	return false
}

func isIterable(v Value) bool {
	switch v.(type) {
	case Text, *List, *Dict, undefined:
		return true
	}
	return false
}

// comparisonTests are other names of operators.
var comparisonTests = map[string]string{
	"eq": "==", "equalto": "==", "==": "==", "ne": "!=", "!=": "!=",
	"lt": "<", "lessthan": "<", "<": "<", "le": "<=", "<=": "<=",
	"gt": ">", "greaterthan": ">", ">": ">", "ge": ">=", ">=": ">=", "in": "in",
}

func isTest(name string) bool {
	switch name {
	case "sameas", "odd", "even", "divisibleby", "lower", "upper", "filter", "test":
		return true
	}
	_, isType := typeTests[name]
	_, isComparison := comparisonTests[name]
	return isType || isComparison
}

func divides(name string, v Value, a *arguments) bool {
	n, ok := integer(v)
	if !ok {
		failf("test %q needs an int, not %s", name, kind(v))
	}
	switch name {
	case "odd":
		return n%2 != 0
	case "even":
		return n%2 == 0
	}
	d := a.int(0, "num", 0)
	if d == 0 {
		failf("division by zero")
	}
	return d == -1 || n%d == 0
}
