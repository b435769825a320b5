package jinja

import "fmt"

// functions are the variables every template has.
var functions = map[string]Value{
	"range":           &function{"range", rangeFunction},
	"dict":            &function{"dict", dictFunction},
	"namespace":       &function{"namespace", namespaceFunction},
	"raise_exception": &function{"raise_exception", raise},
}

// raise ends the render: the template finds fault with the conversation.
func raise(e *evaluator, a *arguments) Value {
	panic(failure{&RaisedError{e.text(a.need(0, "message")).s}})
}

func rangeFunction(e *evaluator, a *arguments) Value {
	if len(a.positional) == 0 {
		failf("range needs a stop")
	}
	start, stop, step := int64(0), a.int(0, "stop", 0), int64(1)
	if len(a.positional) > 1 {
		start, stop, step = stop, a.int(1, "stop", 0), a.int(2, "step", 1)
	}
	var n uint64 // the distance, in unsigned arithmetic that cannot overflow
	switch {
	case step == 0:
		failf("the step of range is zero")
	case step > 0 && start < stop:
		n = (uint64(stop)-uint64(start)-1)/uint64(step) + 1
	case step < 0 && start > stop:
		n = (uint64(start)-uint64(stop)-1)/-uint64(step) + 1
	}
	if n > maxRange {
		panic(failure{&LimitError{fmt.Sprintf("asks for a range of %d items, more than %d", n, maxRange)}})
	}
	e.grow(24 * int(n))
	out := &List{Items: make([]Value, n)}
	for i := range out.Items {
		out.Items[i] = start + int64(i)*step
	}
	return out
}

func dictFunction(e *evaluator, a *arguments) Value {
	d := &Dict{}
	if len(a.positional) > 0 {
		from, ok := a.positional[0].(*Dict)
		if !ok {
			failf("dict needs a dict or keywords, not %s", kind(a.positional[0]))
		}
		e.grow(64 * from.Len())
		for i, k := range from.keys {
			d.Set(k, from.values[i])
		}
	}
	for _, k := range a.keywords {
		d.Set(Trusted(k.name), k.value)
	}
	return d
}

func namespaceFunction(e *evaluator, a *arguments) Value {
	ns := &namespace{map[string]Value{}}
	d := dictFunction(e, a).(*Dict)
	for i, k := range d.keys {
		ns.attrs[e.text(k).s] = d.values[i]
	}
	return ns
}
