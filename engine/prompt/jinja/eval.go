package jinja

import (
	"math"
	"strings"
)

// eval evaluates an expression.
func (e *evaluator) eval(x expr, s *scope) Value {
	e.step(1)
	e.depth++
	if e.depth > maxEval {
		panic(failure{&LimitError{"nests expressions too deep"}})
	}
	v := e.evalOne(x, s)
	e.depth--
	return v
}

func (e *evaluator) evalOne(x expr, s *scope) Value {
	switch x := x.(type) {
	case literal:
		return x.value
	case nameExpr:
		if v, ok := s.lookup(x.name); ok {
			return v
		}
		return undefined{x.name}
	case listExpr:
		l := &List{Items: make([]Value, len(x.items)), Tuple: x.tuple}
		e.grow(16 * len(x.items))
		for i, item := range x.items {
			l.Items[i] = e.eval(item, s)
		}
		return l
	case dictExpr:
		return e.dict(x, s)
	case *condExpr:
		if truthy(e.eval(x.cond, s)) {
			return e.eval(x.then, s)
		}
		if x.otherwise == nil {
			return undefined{"the missing else of a condition"}
		}
		return e.eval(x.otherwise, s)
	}
	return e.evalOperation(x, s)
}

// evalOperation evaluates the expressions that can fail by themselves.
func (e *evaluator) evalOperation(x expr, s *scope) Value {
	switch x := x.(type) {
	case *unaryExpr:
		v := e.eval(x.x, s)
		e.line = x.line
		return e.unary(x.op, v)
	case *binaryExpr:
		return e.binaryExpr(x, s)
	case *compareExpr:
		return e.comparison(x, s)
	case *attrExpr:
		v := e.eval(x.x, s)
		e.line = x.line
		return e.attr(v, x.name)
	case *itemExpr:
		v, key := e.eval(x.x, s), e.eval(x.key, s)
		e.line = x.line
		return e.item(v, key)
	case *sliceExpr:
		return e.slice(x, s)
	case *callExpr:
		fn, a := e.eval(x.fn, s), e.arguments(&x.args, s)
		e.line = x.line
		return e.call(fn, a)
	case *filterExpr:
		return e.filter(x, e.eval(x.x, s), s)
	case *testExpr:
		return e.test(x, s)
	}
	failf("unknown expression %T", x)
	return nil
}

func (e *evaluator) dict(x dictExpr, s *scope) Value {
	d := &Dict{}
	e.grow(64 * len(x.keys))
	for i, k := range x.keys {
		key, v := e.eval(k, s), e.eval(x.values[i], s)
		e.line = x.line
		d.Set(key, v)
	}
	return d
}

func (e *evaluator) unary(op string, v Value) Value {
	if op == "not" {
		return !truthy(v)
	}
	sign := int64(1)
	if op == "-" {
		sign = -1
	}
	if n, ok := integer(v); ok {
		return mulInt(sign, n)
	}
	f, ok := v.(float64)
	if !ok {
		failf("cannot apply %q to %s", op, kind(v))
	}
	return float64(sign) * f
}

func (e *evaluator) binaryExpr(x *binaryExpr, s *scope) Value {
	left := e.eval(x.x, s)
	switch x.op {
	case "and":
		if !truthy(left) {
			return left
		}
		return e.eval(x.y, s)
	case "or":
		if truthy(left) {
			return left
		}
		return e.eval(x.y, s)
	}
	right := e.eval(x.y, s)
	e.line = x.line
	if x.op == "~" {
		return e.concat(e.text(left), e.text(right))
	}
	return e.arithmetic(x.op, left, right)
}

// concat joins two texts.
func (e *evaluator) concat(a, b Text) Text {
	if a.s == "" {
		return b
	}
	if b.s == "" {
		return a
	}
	e.fits(int64(len(a.s)) + int64(len(b.s)))
	var out Builder
	out.Write(a)
	out.Write(b)
	return out.Text()
}

func (e *evaluator) arithmetic(op string, a, b Value) Value {
	switch x := a.(type) {
	case Text:
		switch y := b.(type) {
		case Text:
			if op == "+" {
				return e.concat(x, y)
			}
		case int64:
			if op == "*" {
				return e.repeat(x, y)
			}
		}
		if op == "%" {
			args := []Value{b}
			if l, ok := b.(*List); ok && l.Tuple {
				args = l.Items
			}
			return e.printf(x, args)
		}
	case *List:
		switch y := b.(type) {
		case *List:
			if op == "+" && x.Tuple == y.Tuple {
				e.grow(16 * (len(x.Items) + len(y.Items)))
				return &List{append(append([]Value(nil), x.Items...), y.Items...), x.Tuple}
			}
		case int64:
			if op == "*" {
				return e.repeatList(x, y)
			}
		}
	case int64:
		if _, ok := number(b); !ok && op == "*" {
			switch b.(type) {
			case Text, *List:
				return e.arithmetic(op, b, a)
			}
		}
	}
	return numeric(op, a, b)
}

func (e *evaluator) repeat(t Text, n int64) Value {
	if n <= 0 || t.s == "" {
		return Text{}
	}
	if n > e.limits.Output {
		n = e.limits.Output + 1 // refused just the same, without overflow
	}
	e.fits(n * int64(len(t.s)))
	out := Text{s: strings.Repeat(t.s, int(n))}
	if t.user != "" {
		out.user = strings.Repeat(t.user, int(n))
	}
	return out
}

func (e *evaluator) repeatList(l *List, n int64) Value {
	out := &List{Tuple: l.Tuple}
	if len(l.Items) == 0 {
		return out
	}
	for range max(n, 0) {
		e.grow(16 * len(l.Items))
		out.Items = append(out.Items, l.Items...)
	}
	return out
}

// numeric applies an operator to two numbers.
func numeric(op string, a, b Value) Value {
	x, ok := integer(a)
	y, ok2 := integer(b)
	if ok && ok2 && op != "/" && !(op == "**" && y < 0) {
		return integers(op, x, y)
	}
	f, ok := number(a)
	g, ok2 := number(b)
	if !ok || !ok2 {
		failf("cannot apply %q to %s and %s", op, kind(a), kind(b))
	}
	if g == 0 && (op == "/" || op == "//" || op == "%") {
		failf("division by zero")
	}
	switch op {
	case "+":
		return f + g
	case "-":
		return f - g
	case "*":
		return f * g
	case "/":
		return f / g
	case "//":
		return math.Floor(f / g)
	case "%":
		m := math.Mod(f, g)
		if m != 0 && (m < 0) != (g < 0) {
			m += g
		}
		return m
	}
	return math.Pow(f, g)
}

// integers applies an operator to two integers with Python's rounding: // goes
// down, and the sign of % is that of the divisor.
func integers(op string, x, y int64) Value {
	switch op {
	case "+":
		return addInt(x, y)
	case "-":
		if y == math.MinInt64 {
			overflow()
		}
		return addInt(x, -y)
	case "*":
		return mulInt(x, y)
	case "//", "%":
		if y == 0 {
			failf("division by zero")
		}
		if y == -1 {
			if op == "%" {
				return int64(0)
			}
			return mulInt(x, -1)
		}
		q, m := x/y, x%y
		if m != 0 && (m < 0) != (y < 0) {
			q, m = q-1, m+y
		}
		if op == "%" {
			return m
		}
		return q
	}
	return powInt(x, y)
}

func overflow() { failf("an integer does not fit 64 bits") }

func addInt(x, y int64) int64 {
	z := x + y
	if (z > x) != (y > 0) && y != 0 {
		overflow()
	}
	return z
}

func mulInt(x, y int64) int64 {
	if x == 0 || y == 0 {
		return 0
	}
	z := x * y
	if z/y != x || x == -1 && y == math.MinInt64 || y == -1 && x == math.MinInt64 {
		overflow()
	}
	return z
}

// powInt returns x to the power y >= 0.
func powInt(x, y int64) int64 {
	switch x {
	case 0, 1:
		if y == 0 {
			return 1
		}
		return x
	case -1:
		return 1 - 2*(y&1)
	}
	z := int64(1)
	for range y { // at most 63 rounds before it overflows
		z = mulInt(z, x)
	}
	return z
}

func (e *evaluator) comparison(x *compareExpr, s *scope) Value {
	left := e.eval(x.x, s)
	for i, op := range x.ops {
		right := e.eval(x.ys[i], s)
		e.line = x.line
		if !e.compares(op, left, right) {
			return false
		}
		left = right
	}
	return true
}

func (e *evaluator) compares(op string, a, b Value) bool {
	switch op {
	case "==":
		return e.equal(a, b, 0)
	case "!=":
		return !e.equal(a, b, 0)
	case "in":
		return e.contains(b, a)
	case "not in":
		return !e.contains(b, a)
	}
	if f, ok := number(a); ok { // NaN compares false to everything
		if g, ok := number(b); ok && (f != f || g != g) {
			return false
		}
	}
	c := e.compare(a, b, 0)
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

// contains is Python's "v in c".
func (e *evaluator) contains(c, v Value) bool {
	switch c := c.(type) {
	case Text:
		t, ok := v.(Text)
		if !ok {
			failf("cannot look for %s in a str", kind(v))
		}
		e.step(len(c.s)/32 + 1)
		return strings.Contains(c.s, t.s)
	case *List:
		for _, item := range c.Items {
			if e.equal(item, v, 0) {
				return true
			}
		}
		return false
	case *Dict:
		_, ok := c.Get(v)
		return ok
	case undefined:
		return false
	}
	failf("cannot look for something in %s", kind(c))
	return false
}

// iterate returns the items of a value: those of a list, the characters of a
// text, the keys of a dictionary.
func (e *evaluator) iterate(v Value) []Value {
	switch v := v.(type) {
	case *List:
		return v.Items
	case *Dict:
		return v.keys
	case undefined:
		return nil
	case Text:
		return e.characters(v)
	}
	failf("cannot go through %s", kind(v))
	return nil
}

func (e *evaluator) characters(t Text) []Value {
	e.grow(48 * len(t.s)) // a Value and the Text it points to
	var items []Value
	for i, j := 0, 0; i < len(t.s); i = j {
		j = i + 1
		for j < len(t.s) && t.s[j]&0xc0 == 0x80 {
			j++
		}
		items = append(items, t.Slice(i, j))
	}
	return items
}
