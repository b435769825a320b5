package jinja

import "fmt"

// A Template is a parsed template. It is never changed after Parse, so several
// goroutines may render it at once.
type Template struct{ body []stmt }

// Parse reads a template. Errors are *SyntaxError or *LimitError.
func Parse(source string) (t *Template, err error) {
	defer func() {
		if r := recover(); r != nil {
			t, err = nil, caught(r)
		}
	}()
	if len(source) > maxSource {
		return nil, &LimitError{fmt.Sprintf("has %d bytes, more than %d", len(source), maxSource)}
	}
	return &Template{parse(source)}, nil
}

// Render runs the template with these variables beside the built-in
// functions. Values that came out of FromGo may be shared between renders.
// Errors are *LimitError, *RaisedError, or *RenderError for a template that
// went wrong.
func (t *Template) Render(globals map[string]Value, limits Limits) (out Text, err error) {
	e := &evaluator{limits: limits, steps: limits.Steps, copied: limits.Copied}
	defer func() {
		if r := recover(); r != nil {
			out, err = Text{}, located(caught(r), e.line)
		}
	}()
	root := &scope{vars: make(map[string]Value, len(functions)+len(globals))}
	for name, f := range functions {
		root.vars[name] = f
	}
	for name, v := range globals {
		root.vars[name] = v
	}
	e.out = &Builder{}
	e.exec(t.body, &scope{vars: map[string]Value{}, parent: root})
	return e.out.Text(), nil
}

// Function makes a value that a template can call with positional arguments.
// An error that f returns ends the render.
func Function(name string, f func(args []Value) (Value, error)) Value {
	return &function{name, func(_ *evaluator, a *arguments) Value {
		v, err := f(a.positional)
		if err != nil {
			panic(failure{err})
		}
		return v
	}}
}
