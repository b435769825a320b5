package jinja

import (
	"fmt"
	"slices"
)

// parser builds statements from tokens by recursive descent.
type parser struct {
	tokens []token
	pos    int
	depth  int // nesting of blocks and expressions so far
	loops  int // for loops around the current place, of the same macro
}

// forbidden are the tags that reach for other templates.
var forbidden = []string{"include", "import", "from", "extends", "block"}

// parse returns the statements of a template.
func parse(source string) []stmt {
	p := &parser{tokens: lex(source)}
	body, end := p.body()
	if end != "" {
		p.failf("unexpected tag %q", end)
	}
	return body
}

func (p *parser) peek() token { return p.tokens[p.pos] }

// next returns the current token and moves on; the end of the template stays.
func (p *parser) next() token {
	t := p.tokens[p.pos]
	if t.kind != tokenEOF {
		p.pos++
	}
	return t
}

func (p *parser) failf(format string, args ...any) {
	panic(failure{&SyntaxError{p.peek().line, fmt.Sprintf(format, args...)}})
}

// enter counts a level of nesting; the caller defers leave.
func (p *parser) enter() {
	p.depth++
	if p.depth > 4*maxNesting {
		p.failf("nested more than %d deep", 4*maxNesting)
	}
}

func (p *parser) leave() { p.depth-- }

// op moves past an operator if it is next.
func (p *parser) op(text string) bool { return p.accept(tokenOperator, text) }

// word moves past a keyword if it is next.
func (p *parser) word(text string) bool { return p.accept(tokenName, text) }

func (p *parser) accept(k tokenKind, text string) bool {
	if t := p.peek(); t.kind != k || t.text != text {
		return false
	}
	p.pos++
	return true
}

func (p *parser) isOp(text string) bool {
	t := p.peek()
	return t.kind == tokenOperator && t.text == text
}

func (p *parser) isWord(words ...string) bool {
	t := p.peek()
	return t.kind == tokenName && slices.Contains(words, t.text)
}

func (p *parser) wantOp(text string) {
	if !p.op(text) {
		p.failf("got %s, want %q", p.peek(), text)
	}
}

func (p *parser) wantWord(text string) {
	if !p.word(text) {
		p.failf("got %s, want %q", p.peek(), text)
	}
}

func (p *parser) name() string {
	t := p.peek()
	if t.kind != tokenName {
		p.failf("got %s, want a name", t)
	}
	p.pos++
	return t.text
}

func (p *parser) want(k tokenKind, what string) {
	if p.peek().kind != k {
		p.failf("got %s, want %q", p.peek(), what)
	}
	p.pos++
}

func (p *parser) blockEnd() { p.want(tokenBlockEnd, "%}") }

// body parses statements up to a tag that is none, such as endif or else,
// whose name it moves past and returns; "" at the end of the template.
func (p *parser) body() (list []stmt, end string) {
	p.enter()
	defer p.leave()
	for {
		t := p.next()
		switch t.kind {
		case tokenEOF:
			return list, ""
		case tokenData:
			list = append(list, dataStmt{Trusted(t.text)})
		case tokenPrint:
			list = append(list, printStmt{p.tuple(nil)})
			p.want(tokenPrintEnd, "}}")
		default: // the lexer puts nothing else between tags
			name := p.name()
			s := p.tag(name)
			if s == nil {
				return list, name
			}
			list = append(list, s)
		}
	}
}

// bodyUntil parses statements up to one of the tags.
func (p *parser) bodyUntil(ends ...string) (list []stmt, end string) {
	line := p.peek().line
	list, end = p.body()
	if !slices.Contains(ends, end) {
		if end == "" {
			end = "end of template"
		}
		p.failf("got %q, want %q for the block of line %d", end, ends[0], line)
	}
	return list, end
}

// tag parses the statement of a tag whose name was just read; nil when no
// statement starts with that name.
func (p *parser) tag(name string) stmt {
	switch name {
	case "if":
		return p.ifTag()
	case "for":
		return p.forTag()
	case "set":
		return p.setTag()
	case "macro":
		return p.macroTag()
	case "call":
		return p.callTag()
	case "filter":
		return p.filterTag()
	case "with":
		return p.withTag()
	case "generation":
		p.blockEnd()
		body, _ := p.bodyUntil("endgeneration")
		p.blockEnd()
		return groupStmt{body}
	case "break", "continue":
		if p.loops == 0 {
			p.failf("%s outside a loop", name)
		}
		p.blockEnd()
		if name == "break" {
			return breakStmt{}
		}
		return continueStmt{}
	}
	if slices.Contains(forbidden, name) {
		p.failf("%q is not allowed: a chat template stands alone", name)
	}
	return nil
}

func (p *parser) ifTag() stmt {
	s := &ifStmt{}
	for {
		s.conds = append(s.conds, p.tuple(nil))
		p.blockEnd()
		body, end := p.bodyUntil("endif", "elif", "else")
		s.bodies = append(s.bodies, body)
		if end == "elif" {
			continue
		}
		if end == "else" {
			p.blockEnd()
			s.orElse, _ = p.bodyUntil("endif")
		}
		p.blockEnd()
		return s
	}
}

func (p *parser) forTag() stmt {
	s := &forStmt{line: p.peek().line}
	s.target = p.target()
	p.wantWord("in")
	s.iter = p.tuple(&tupleEnds{noCond: true, words: []string{"if", "recursive"}})
	if p.word("if") {
		s.cond = p.expression()
	}
	s.recursive = p.word("recursive")
	p.blockEnd()
	p.loops++
	body, end := p.bodyUntil("endfor", "else")
	p.loops--
	s.body = body
	if end == "else" {
		p.blockEnd()
		s.orElse, _ = p.bodyUntil("endfor")
	}
	p.blockEnd()
	return s
}

func (p *parser) setTag() stmt {
	line := p.peek().line
	t := p.target()
	if p.op("=") {
		s := &setStmt{t, p.tuple(nil), line}
		p.blockEnd()
		return s
	}
	s := &setBlockStmt{target: t, line: line}
	if p.op("|") {
		s.filters = p.filterChain()
	}
	p.blockEnd()
	s.body, _ = p.bodyUntil("endset")
	p.blockEnd()
	return s
}

func (p *parser) macroTag() stmt {
	s := &macroStmt{name: p.name()}
	p.wantOp("(")
	s.macro = p.macro("endmacro")
	return s
}

// macro parses parameters, after their bracket, and a body up to the end tag.
func (p *parser) macro(end string) macro {
	m := p.params()
	p.blockEnd()
	return p.macroBody(m, end)
}

func (p *parser) macroBody(m macro, end string) macro {
	loops := p.loops
	p.loops = 0
	m.body, _ = p.bodyUntil(end)
	p.loops = loops
	p.blockEnd()
	return m
}

func (p *parser) params() (m macro) {
	for !p.op(")") {
		if len(m.params) > 0 {
			p.wantOp(",")
			if p.op(")") {
				break
			}
		}
		m.params = append(m.params, p.name())
		switch {
		case p.op("="):
			m.defaults = append(m.defaults, p.expression())
		case len(m.defaults) > 0:
			p.failf("a parameter without a default follows one with a default")
		}
	}
	return m
}

func (p *parser) callTag() stmt {
	s := &callStmt{line: p.peek().line}
	if p.op("(") {
		s.caller = p.params()
	}
	call := p.expression()
	if _, ok := call.(*callExpr); !ok {
		p.failf("a call block needs a call")
	}
	s.call = call
	p.blockEnd()
	s.caller = p.macroBody(s.caller, "endcall")
	return s
}

func (p *parser) filterTag() stmt {
	s := &filterStmt{filters: p.filterChain()}
	p.blockEnd()
	s.body, _ = p.bodyUntil("endfilter")
	p.blockEnd()
	return s
}

// filterChain parses filters without anything before the first.
func (p *parser) filterChain() []*filterExpr {
	var list []*filterExpr
	for {
		f := &filterExpr{name: p.dotted(), line: p.peek().line}
		if p.op("(") {
			f.args = p.args()
		}
		list = append(list, f)
		if !p.op("|") {
			return list
		}
	}
}

func (p *parser) withTag() stmt {
	s := &withStmt{line: p.peek().line}
	for p.peek().kind != tokenBlockEnd {
		if len(s.targets) > 0 {
			p.wantOp(",")
		}
		s.targets = append(s.targets, p.targetItem())
		p.wantOp("=")
		s.values = append(s.values, p.expression())
	}
	p.blockEnd()
	s.body, _ = p.bodyUntil("endwith")
	p.blockEnd()
	return s
}

// target parses what a value is assigned to: names with commas between.
func (p *parser) target() target {
	p.enter()
	defer p.leave()
	first := p.targetItem()
	if !p.isOp(",") {
		return first
	}
	t := target{items: []target{first}}
	for p.op(",") {
		if p.isWord("in") || p.isOp("=") || p.isOp(")") {
			break
		}
		t.items = append(t.items, p.targetItem())
	}
	return t
}

func (p *parser) targetItem() target {
	if p.op("(") {
		t := p.target()
		p.wantOp(")")
		return t
	}
	t := target{name: p.name()}
	switch t.name {
	case "true", "false", "none", "True", "False", "None":
		p.failf("cannot assign to %q", t.name)
	}
	if p.op(".") {
		t.attr = p.name()
	}
	return t
}
