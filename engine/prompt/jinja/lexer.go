package jinja

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokenData  tokenKind = iota // text outside tags
	tokenPrint                  // {{
	tokenPrintEnd
	tokenBlock // {%
	tokenBlockEnd
	tokenName
	tokenInteger
	tokenFloat
	tokenString // text is the value, escapes resolved
	tokenOperator
	tokenEOF
)

type token struct {
	kind tokenKind
	text string
	line int
}

func (t token) String() string {
	switch t.kind {
	case tokenEOF:
		return "end of template"
	case tokenString:
		return fmt.Sprintf("string %q", t.text)
	}
	return fmt.Sprintf("%q", t.text)
}

// lexer cuts a template into tokens. White space follows Jinja with
// trim_blocks and lstrip_blocks: a newline after a block or comment goes, and
// so does the indentation of a line before one; a minus beside a delimiter
// takes all white space there, a plus keeps it.
type lexer struct {
	src       string
	pos       int
	line      int    // of src[counted]
	counted   int    // how far line is up to date
	lineStart bool   // the token before ended with a newline, or there was none
	open      []byte // brackets to be closed
	tokens    []token
}

// lex returns the tokens of a template, the last of which is tokenEOF.
func lex(source string) []token {
	source = strings.ReplaceAll(source, "\r\n", "\n")
	source = strings.ReplaceAll(source, "\r", "\n")
	source = strings.TrimSuffix(source, "\n")
	l := &lexer{src: source, line: 1, lineStart: true}
	for l.pos < len(l.src) {
		l.next()
	}
	l.emit(tokenEOF, "")
	return l.tokens
}

// currentLine is the line number of pos. pos only moves forward.
func (l *lexer) currentLine() int {
	l.line += strings.Count(l.src[l.counted:l.pos], "\n")
	l.counted = l.pos
	return l.line
}

func (l *lexer) emit(k tokenKind, text string) {
	l.tokens = append(l.tokens, token{k, text, l.currentLine()})
}

func (l *lexer) failf(format string, args ...any) {
	panic(failure{&SyntaxError{l.currentLine(), fmt.Sprintf(format, args...)}})
}

func (l *lexer) rest() string { return l.src[l.pos:] }

// next lexes data up to a tag, and the tag.
func (l *lexer) next() {
	start := l.pos
	at := nextTag(l.rest())
	if at < 0 {
		l.emit(tokenData, l.rest())
		l.pos = len(l.src)
		return
	}
	at += start
	tag := l.src[at+1]
	sign := byte(0)
	if at+2 < len(l.src) && (l.src[at+2] == '-' || l.src[at+2] == '+') {
		sign = l.src[at+2]
	}
	l.data(l.src[start:at], tag != '{', sign)
	l.pos = at
	if tag == '%' {
		if m := rawBegin.FindString(l.rest()); m != "" {
			l.pos += len(m)
			l.raw()
			return
		}
	}
	l.pos += 2
	if sign != 0 {
		l.pos++
	}
	switch tag {
	case '#':
		l.comment()
	case '{':
		l.emit(tokenPrint, "{{")
		l.tag(tokenPrintEnd, "}}")
	default:
		l.emit(tokenBlock, "{%")
		l.tag(tokenBlockEnd, "%}")
	}
	l.lineStart = l.src[l.pos-1] == '\n'
}

// nextTag returns the index of the first {{, {% or {#, or -1.
func nextTag(s string) int {
	for i := 0; ; i++ {
		j := strings.IndexByte(s[i:], '{')
		if j < 0 || i+j+1 >= len(s) {
			return -1
		}
		i += j
		switch s[i+1] {
		case '{', '%', '#':
			return i
		}
	}
}

// data emits the text before a tag, less the white space the tag takes.
func (l *lexer) data(text string, stripsLine bool, sign byte) {
	switch {
	case sign == '-':
		text = strings.TrimRightFunc(text, isSpace)
	case sign == 0 && stripsLine:
		line := strings.LastIndexByte(text, '\n') + 1
		if (line > 0 || l.lineStart) && strings.TrimLeftFunc(text[line:], isSpace) == "" {
			text = text[:line]
		}
	}
	if text != "" {
		l.emit(tokenData, text)
	}
}

// spaces skips white space.
func (l *lexer) spaces() {
	l.pos = len(l.src) - len(strings.TrimLeftFunc(l.rest(), isSpace))
}

// closed skips what a closing delimiter takes: sign is what stood before it.
func (l *lexer) closed(sign byte, trimsNewline bool) {
	switch {
	case sign == '-':
		l.spaces()
	case sign != '+' && trimsNewline && strings.HasPrefix(l.rest(), "\n"):
		l.pos++
	}
}

func (l *lexer) comment() {
	n := strings.Index(l.rest(), "#}")
	if n < 0 {
		l.failf("a comment is not closed")
	}
	sign := byte(0)
	if n > 0 {
		sign = l.src[l.pos+n-1]
	}
	l.pos += n + 2
	l.closed(sign, true)
}

var (
	rawBegin = regexp.MustCompile(`^\{%[-+]?\s*raw\s*(?:-%\}\s*|%\})`)
	rawEnd   = regexp.MustCompile(`\{%([-+]?)\s*endraw\s*([-+]?)%\}`)
)

// raw emits everything up to endraw as data.
func (l *lexer) raw() {
	m := rawEnd.FindStringSubmatchIndex(l.rest())
	if m == nil {
		l.failf("a raw block is not closed")
	}
	body := l.src[l.pos : l.pos+m[0]]
	l.lineStart = false
	l.data(body, true, signIn(l.rest()[m[2]:m[3]]))
	sign := signIn(l.rest()[m[4]:m[5]])
	l.pos += m[1]
	l.closed(sign, true)
	l.lineStart = l.src[l.pos-1] == '\n'
}

func signIn(s string) byte {
	if s == "" {
		return 0
	}
	return s[0]
}

// tag emits the tokens of a tag up to its end.
func (l *lexer) tag(end tokenKind, delimiter string) {
	for {
		l.spaces()
		if l.pos == len(l.src) {
			l.failf("a tag is not closed: want %q", delimiter)
		}
		if len(l.open) == 0 && l.tagEnd(end, delimiter) {
			return
		}
		l.expressionToken()
	}
}

// tagEnd emits the end of the tag if it is next.
func (l *lexer) tagEnd(end tokenKind, delimiter string) bool {
	s, sign := l.rest(), byte(0)
	if s[0] == '-' || s[0] == '+' && end == tokenBlockEnd {
		sign, s = s[0], s[1:]
	}
	if !strings.HasPrefix(s, delimiter) {
		return false
	}
	l.emit(end, delimiter)
	l.pos = len(l.src) - len(s) + len(delimiter)
	l.closed(sign, end == tokenBlockEnd)
	return true
}

var (
	floatPattern   = regexp.MustCompile(`^(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?[eE][+\-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)`)
	integerPattern = regexp.MustCompile(`^(?:0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[\da-fA-F])+|[1-9](?:_?\d)*|0(?:_?0)*)`)
	stringPattern  = regexp.MustCompile(`(?s)^(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")`)
)

// operators, longest first.
var operators = []string{
	"//", "**", "==", "!=", ">=", "<=",
	"+", "-", "*", "/", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";",
}

// expressionToken emits the next token of an expression.
func (l *lexer) expressionToken() {
	s := l.rest()
	r, _ := utf8.DecodeRuneInString(s)
	switch {
	case r == '_' || unicode.IsLetter(r):
		n := strings.IndexFunc(s, func(r rune) bool {
			return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
		})
		if n < 0 {
			n = len(s)
		}
		l.take(tokenName, n)
	case r == '\'' || r == '"':
		m := stringPattern.FindString(s)
		if m == "" {
			l.failf("a string is not closed")
		}
		l.emit(tokenString, unescape(m[1:len(m)-1]))
		l.pos += len(m)
	case '0' <= r && r <= '9':
		if m := floatPattern.FindString(s); m != "" && !l.afterDot() {
			l.take(tokenFloat, len(m))
			return
		}
		l.take(tokenInteger, len(integerPattern.FindString(s)))
	default:
		l.operator(s)
	}
}

// afterDot reports whether a dot stands before pos, as in a.0.1.
func (l *lexer) afterDot() bool { return l.src[l.pos-1] == '.' }

func (l *lexer) take(k tokenKind, n int) {
	l.emit(k, l.src[l.pos:l.pos+n])
	l.pos += n
}

func (l *lexer) operator(s string) {
	for _, op := range operators {
		if !strings.HasPrefix(s, op) {
			continue
		}
		l.balance(op)
		l.take(tokenOperator, len(op))
		return
	}
	r, _ := utf8.DecodeRuneInString(s)
	l.failf("unexpected %q", r)
}

// balance keeps track of open brackets, inside which }} does not end a tag.
func (l *lexer) balance(op string) {
	switch op {
	case "(", "[", "{":
		if len(l.open) == maxNesting {
			l.failf("more than %d brackets in brackets", maxNesting)
		}
		l.open = append(l.open, map[string]byte{"(": ')', "[": ']', "{": '}'}[op])
	case ")", "]", "}":
		if len(l.open) == 0 {
			l.failf("unexpected %q", op)
		}
		if want := l.open[len(l.open)-1]; op[0] != want {
			l.failf("unexpected %q, want %q", op, want)
		}
		l.open = l.open[:len(l.open)-1]
	}
}
