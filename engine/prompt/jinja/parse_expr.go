package jinja

import (
	"slices"
	"strconv"
	"strings"
)

// The grammar, loosest binding first:
//
//	expression = or [ "if" or [ "else" expression ] ]
//	or         = and { "or" and }
//	and        = not { "and" not }
//	not        = "not" not | compare
//	compare    = sum { ( "==" | "!=" | "<" | "<=" | ">" | ">=" | [ "not" ] "in" ) sum }
//	sum        = concat { ( "+" | "-" ) concat }
//	concat     = product { "~" product }
//	product    = power { ( "*" | "/" | "//" | "%" ) power }
//	power      = unary { "**" unary }
//	unary      = ( "-" | "+" ) unary-without-filters filters | primary postfix filters
//	filters    = { "|" name [ args ] | "is" [ "not" ] name [ args | primary postfix ] | args }
//	postfix    = { "." name | "[" subscript "]" | args }

// expression parses an expression with an optional condition.
func (p *parser) expression() expr {
	p.enter()
	defer p.leave()
	x := p.or()
	for p.word("if") {
		c := &condExpr{then: x, cond: p.or()}
		if p.word("else") {
			c.otherwise = p.expression()
		}
		x = c
	}
	return x
}

// tupleEnds says where a tuple without brackets ends, beside the end of its tag.
type tupleEnds struct {
	noCond bool     // its items have no conditions
	words  []string // keywords after it
}

// tuple parses an expression, or several with commas between, which make a tuple.
func (p *parser) tuple(ends *tupleEnds) expr {
	item := p.expression
	if ends != nil && ends.noCond {
		item = p.or
	}
	first := item()
	if !p.isOp(",") {
		return first
	}
	t := listExpr{items: []expr{first}, tuple: true}
	for p.op(",") {
		if k := p.peek().kind; k == tokenPrintEnd || k == tokenBlockEnd || p.isOp(")") {
			break
		}
		if ends != nil && p.isWord(ends.words...) {
			break
		}
		t.items = append(t.items, item())
	}
	return t
}

func (p *parser) or() expr {
	x := p.and()
	for line := p.peek().line; p.word("or"); {
		x = &binaryExpr{"or", x, p.and(), line}
	}
	return x
}

func (p *parser) and() expr {
	x := p.not()
	for line := p.peek().line; p.word("and"); {
		x = &binaryExpr{"and", x, p.not(), line}
	}
	return x
}

func (p *parser) not() expr {
	line := p.peek().line
	if !p.word("not") {
		return p.comparison()
	}
	p.enter()
	defer p.leave()
	return &unaryExpr{"not", p.not(), line}
}

var comparisons = []string{"==", "!=", "<", "<=", ">", ">="}

func (p *parser) comparison() expr {
	x := p.binary(0)
	c := &compareExpr{x: x, line: p.peek().line}
	for {
		t := p.peek()
		switch {
		case t.kind == tokenOperator && slices.Contains(comparisons, t.text):
			p.pos++
			c.ops = append(c.ops, t.text)
		case p.word("in"):
			c.ops = append(c.ops, "in")
		case p.isWord("not") && p.tokens[p.pos+1].kind == tokenName && p.tokens[p.pos+1].text == "in":
			p.pos += 2
			c.ops = append(c.ops, "not in")
		case len(c.ops) == 0:
			return x
		default:
			return c
		}
		c.ys = append(c.ys, p.binary(0))
	}
}

// precedence of the binary operators, loosest first.
var precedence = [][]string{{"+", "-"}, {"~"}, {"*", "/", "//", "%"}, {"**"}}

// binary parses operators of a precedence and tighter ones.
func (p *parser) binary(level int) expr {
	if level == len(precedence) {
		return p.unary(true)
	}
	x := p.binary(level + 1)
	for {
		t := p.peek()
		if t.kind != tokenOperator || !slices.Contains(precedence[level], t.text) {
			return x
		}
		p.pos++
		x = &binaryExpr{t.text, x, p.binary(level + 1), t.line}
	}
}

func (p *parser) unary(filters bool) expr {
	var x expr
	if t := p.peek(); p.op("-") || p.op("+") {
		p.enter()
		x = &unaryExpr{t.text, p.unary(false), t.line}
		p.leave()
	} else {
		x = p.primary()
	}
	x = p.postfix(x)
	if filters {
		x = p.filtersAndTests(x)
	}
	return x
}

// constants are the names that are values.
var constants = map[string]Value{
	"true": true, "True": true, "false": false, "False": false, "none": nil, "None": nil,
}

func (p *parser) primary() expr {
	t := p.next()
	switch t.kind {
	case tokenName:
		if v, ok := constants[t.text]; ok {
			return literal{v}
		}
		return nameExpr{t.text, t.line}
	case tokenString:
		var s strings.Builder // literals side by side are one
		s.WriteString(t.text)
		for p.peek().kind == tokenString {
			s.WriteString(p.next().text)
		}
		return literal{Trusted(s.String())}
	case tokenInteger:
		n, err := strconv.ParseInt(strings.ReplaceAll(t.text, "_", ""), 0, 64)
		if err != nil {
			p.pos--
			p.failf("integer %s does not fit 64 bits", t.text)
		}
		return literal{n}
	case tokenFloat:
		f, err := strconv.ParseFloat(strings.ReplaceAll(t.text, "_", ""), 64)
		if err != nil {
			p.pos--
			p.failf("number %s is too large", t.text)
		}
		return literal{f}
	case tokenOperator:
		switch t.text {
		case "(":
			return p.parenthesised()
		case "[":
			return listExpr{items: p.items("]")}
		case "{":
			return p.dict(t.line)
		}
	}
	p.back(t)
	p.failf("got %s, want an expression", t)
	return nil
}

// back undoes next.
func (p *parser) back(t token) {
	if t.kind != tokenEOF {
		p.pos--
	}
}

func (p *parser) parenthesised() expr {
	if p.op(")") {
		return listExpr{tuple: true}
	}
	x := p.tuple(nil)
	p.wantOp(")")
	return x
}

// items parses expressions with commas between, up to a closing bracket.
func (p *parser) items(end string) []expr {
	var list []expr
	for !p.op(end) {
		if len(list) > 0 {
			p.wantOp(",")
			if p.op(end) {
				break
			}
		}
		list = append(list, p.expression())
	}
	return list
}

func (p *parser) dict(line int) expr {
	d := dictExpr{line: line}
	for !p.op("}") {
		if len(d.keys) > 0 {
			p.wantOp(",")
			if p.op("}") {
				break
			}
		}
		d.keys = append(d.keys, p.expression())
		p.wantOp(":")
		d.values = append(d.values, p.expression())
	}
	return d
}

func (p *parser) postfix(x expr) expr {
	for {
		line := p.peek().line
		switch {
		case p.op("."):
			x = p.attribute(x, line)
		case p.op("["):
			x = p.subscript(x, line)
		case p.op("("):
			x = &callExpr{x, p.args(), line}
		default:
			return x
		}
	}
}

func (p *parser) attribute(x expr, line int) expr {
	t := p.next()
	switch t.kind {
	case tokenName:
		return &attrExpr{x, t.text, line}
	case tokenInteger:
		if n, err := strconv.ParseInt(t.text, 10, 64); err == nil {
			return &itemExpr{x, literal{n}, line}
		}
	}
	p.back(t)
	p.failf("got %s, want a name after the dot", t)
	return nil
}

// subscript parses an index or a slice, up to the closing bracket.
func (p *parser) subscript(x expr, line int) expr {
	var first expr
	if !p.isOp(":") {
		first = p.expression()
		if p.op("]") {
			return &itemExpr{x, first, line}
		}
	}
	s := &sliceExpr{x: x, start: first, line: line}
	p.wantOp(":")
	if !p.isOp(":") && !p.isOp("]") {
		s.stop = p.expression()
	}
	if p.op(":") && !p.isOp("]") {
		s.step = p.expression()
	}
	p.wantOp("]")
	return s
}

// args parses the arguments of a call, after the opening bracket.
func (p *parser) args() (a argExprs) {
	for n := 0; !p.op(")"); n++ {
		if n > 0 {
			p.wantOp(",")
			if p.op(")") {
				break
			}
		}
		switch {
		case p.op("**"):
			a.stars = p.expression()
		case p.op("*"):
			a.star = p.expression()
		case p.peek().kind == tokenName && p.tokens[p.pos+1].kind == tokenOperator && p.tokens[p.pos+1].text == "=":
			name := p.name()
			p.pos++
			a.keywords = append(a.keywords, keywordExpr{name, p.expression()})
		default:
			if len(a.keywords) > 0 {
				p.failf("a positional argument follows one with a name")
			}
			a.positional = append(a.positional, p.expression())
		}
	}
	return a
}

func (p *parser) filtersAndTests(x expr) expr {
	for {
		line := p.peek().line
		switch {
		case p.op("|"):
			f := &filterExpr{x: x, name: p.dotted(), line: line}
			if p.op("(") {
				f.args = p.args()
			}
			x = f
		case p.word("is"):
			x = p.test(x, line)
		case p.op("("):
			x = &callExpr{x, p.args(), line}
		default:
			return x
		}
	}
}

// dotted parses a name that may have dots in it.
func (p *parser) dotted() string {
	name := p.name()
	for p.op(".") {
		name += "." + p.name()
	}
	return name
}

func (p *parser) test(x expr, line int) expr {
	t := &testExpr{x: x, line: line}
	t.not = p.word("not")
	t.name = p.dotted()
	if p.op("(") {
		t.args = p.args()
		return t
	}
	next := p.peek()
	switch next.kind {
	case tokenName:
		if p.isWord("else", "or", "and", "if", "is", "in", "not", "recursive") {
			return t
		}
	case tokenString, tokenInteger, tokenFloat:
	case tokenOperator:
		if next.text != "[" && next.text != "{" {
			return t
		}
	default:
		return t
	}
	p.enter()
	t.args.positional = []expr{p.postfix(p.primary())}
	p.leave()
	return t
}
