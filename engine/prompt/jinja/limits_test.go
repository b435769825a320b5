package jinja

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
)

// bombs are templates that want the machine. Each must end with a LimitError
// or, where the source is at fault, any error.
var bombs = []struct{ name, source string }{
	{"loops in loops", `{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}`},
	{"huge range", `{% for a in range(10**9) %}{% endfor %}`},
	{"huge range either way", `{{ range(-9223372036854775807, 9223372036854775807) }}`},
	{"many ranges", `{% set ns = namespace(l=[]) %}{% for a in range(99999) %}{% set ns.l = ns.l + [range(99999)] %}{% endfor %}`},
	{"repeat a string", `{{ 'a' * 10**9 }}`},
	{"repeat a string past 64 bits", `{{ ('a' * 1000) * 9223372036854775807 }}`},
	{"repeat a list", `{{ [1] * 10**9 }}`},
	{"double a string", `{% set ns = namespace(s='a') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}`},
	{"double a string without a loop", strings.Repeat(`{% set s = (s or 'ab') + (s or 'ab') %}`, 60)},
	{"double a list", `{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}`},
	{"many long strings", `{% set ns = namespace(l=[]) %}{% for i in range(9999) %}{% set ns.l = ns.l + ['a' * 1000000] %}{% endfor %}`},
	{"long output", `{% set s = 'a' * 1000000 %}{% for i in range(9999) %}{{ s }}{% endfor %}`},
	{"a value that doubles when printed", `{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}`},
	{"a value that doubles as JSON", `{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson }}`},
	{"a value that doubles when compared", `{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}{{ ns.x < ns.y }}`},
	{"a deep value printed", `{% set ns = namespace(x=[]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}`},
	{"a deep value as JSON", `{% set ns = namespace(x=[]) %}{% for i in range(9999) %}{% set ns.x = {'a': ns.x} %}{% endfor %}{{ ns.x | tojson }}`},
	{"deep values compared", `{% set ns = namespace(x=[], y=[]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% set ns.y = [ns.y] %}{% endfor %}{{ ns.x == ns.y }}`},
	{"wide JSON indent", `{% set ns = namespace(x=[]) %}{% for i in range(90) %}{% set ns.x = [ns.x] * 9 %}{% endfor %}{{ ns.x | tojson(indent=64) }}`},
	{"a macro that calls itself", `{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}`},
	{"macros that call each other", `{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}`},
	{"a macro that calls itself in its default", `{% macro f(x=f()) %}{% endmacro %}{{ f() }}`},
	{"a tree of calls", `{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}`},
	{"a loop that calls itself", `{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}`},
	{"a caller that calls itself", `{% macro f() %}{{ caller() }}{% endmacro %}{% call f() %}{% call f() %}{{ f() }}{% endcall %}{% endcall %}{% macro g() %}{% call f() %}{{ g() }}{% endcall %}{% endmacro %}{{ g() }}`},
	{"brackets", strings.Repeat("{{ (((((((((", 1) + strings.Repeat("(", 100000)},
	{"closed brackets", "{{ " + strings.Repeat("(", 50000) + "1" + strings.Repeat(")", 50000) + " }}"},
	{"lists", "{{ " + strings.Repeat("[", 50000) + strings.Repeat("]", 50000) + " }}"},
	{"not", "{{ " + strings.Repeat("not ", 100000) + "1 }}"},
	{"minus", "{{ " + strings.Repeat("- ", 100000) + "1 }}"},
	{"else", "{{ 1 " + strings.Repeat("if 0 else 1 ", 50000) + "}}"},
	{"if in if", strings.Repeat("{% if 1 %}", 50000) + strings.Repeat("{% endif %}", 50000)},
	{"for in for", strings.Repeat("{% for x in [1] %}", 20000)},
	{"a long sum", "{{ 1" + strings.Repeat(" + 1", 100000) + " }}"},
	{"a long chain of attributes", "{{ d" + strings.Repeat(".d", 100000) + " }}"},
	{"a long chain of filters", "{{ 1" + strings.Repeat(" | abs", 100000) + " }}"},
	{"a long chain of tests", "{{ 1" + strings.Repeat(" is odd", 100000) + " }}"},
	{"a long chain of calls", "{{ dict" + strings.Repeat("()", 100000) + " }}"},
	{"a long or", "{{ 0" + strings.Repeat(" or 0", 100000) + " }}"},
	{"targets", "{% set " + strings.Repeat("(", 99) + "a" + strings.Repeat(",(", 50000) + " %}"},
	{"long source", strings.Repeat("a", maxSource+1)},
	{"replace with much", `{{ ('a' * 100000).replace('a', 'b' * 100000) }}`},
	{"replace nothing with much", `{{ ('a' * 100000) | replace('', 'b' * 100000) }}`},
	{"join with much", `{{ ('a' * 100000) | join('b' * 100000) }}`},
	{"indent with much", `{{ ('\n' * 100000) | indent('b' * 100000, blank=true) }}`},
	{"format much", `{{ ('%s' * 1000) % (range(1000) | map('replace', '1', 'a' * 100000) | list) }}`},
	{"format wide", `{% for i in range(99999) %}{{ '%999d%999d%999d%999d%999d%999d%999d%999d%999d' % (1,1,1,1,1,1,1,1,1) }}{% endfor %}`},
	{"split and split", `{% set s = 'a ' * 100000 %}{% for i in range(99999) %}{% set x = s.split() %}{% endfor %}`},
	{"characters", `{% set s = 'a' * 1000000 %}{% for i in range(99999) %}{% for c in s %}{% endfor %}{% endfor %}`},
	{"search in much", `{% set s = 'a' * 4000000 %}{% for i in range(99999) %}{{ 'b' in s }}{{ s == s ~ '' }}{{ s.find('b') }}{{ s | length }}{% endfor %}`},
	{"index much", `{% set s = 'ab' * 2000000 %}{% for i in range(99999) %}{{ s[-1] }}{{ s[1:2] }}{{ s.strip('a') }}{% endfor %}`},
	{"sort much", `{% for i in range(99999) %}{% set x = range(99999) | sort %}{% endfor %}`},
	{"sort by everything", `{{ people | map(attribute='a' ~ '.a' * 100000) | list }}`},
	{"unique of much", `{% for i in range(99999) %}{% set x = range(99999) | unique | list %}{% endfor %}`},
	{"power", `{% for i in range(99999) %}{{ 7 ** 2 ** 40 }}{% endfor %}`},
	{"big dictionaries", `{% set ns = namespace(d={}) %}{% for i in range(99999) %}{% set ns.d = dict(ns.d, **{'k' ~ i: i}) %}{% endfor %}`},
	{"arguments", `{% macro f() %}{{ varargs | length }}{% endmacro %}{% for i in range(99999) %}{{ f(*range(99999)) }}{% endfor %}`},
	{"a namespace in itself", `{% set ns = namespace() %}{% set ns.x = ns %}{% set ns.y = [ns] %}{{ ns.y }}{{ ns.x.x.x.y == ns.y }}{{ ns | tojson }}`},
	{"upper", `{% set s = 'a' * 1000000 %}{% for i in range(99999) %}{% set x = s.upper() %}{% endfor %}`},
	{"split lines", `{% set s = '\n' * 1000000 %}{% for i in range(99999) %}{% set x = s.splitlines() %}{% endfor %}`},
	{"cycle", `{% for i in range(99999) %}{% for j in range(99999) %}{{ loop.cycle(1) }}{{ loop.changed(range(9999)) }}{% endfor %}{% endfor %}`},
}

// TestBombs checks that every bomb ends with an error, having taken no more
// memory than limits allow. A bomb that is not stopped hangs the test or ends it
// with a stack overflow, which nothing can catch.
func TestBombs(t *testing.T) {
	// A tenth of the default limits keeps the test short.
	limits := Limits{Steps: 200_000, Output: 4 << 20, Copied: 6 << 20}
	const mostBytes = 256 << 20 // allocated in all, not at one time
	for _, bomb := range bombs {
		t.Run(bomb.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := renderLimited(t, bomb.source, limits)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Error("no error")
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > mostBytes {
				t.Errorf("allocated %d MiB", n>>20)
			}
			if len(err.Error()) > 500 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

// TestLimitErrors pins which limit stops what.
func TestLimitErrors(t *testing.T) {
	limits := Limits{Steps: 1000, Output: 1000, Copied: 10000}
	for _, test := range []struct{ source, want string }{
		{`{% for i in range(30) %}{% for j in [1, 2, 3, 4, 5, 6, 7, 8, 9] %}{{ n }}{% endfor %}{% endfor %}`, "template takes more than 1000 steps"},
		{`{{ 'a' * 1001 }}`, "template makes a string of 1001 bytes, more than 1000"},
		{`{% for i in range(11) %}{{ 'a' * 100 }}{% endfor %}`, "template makes a string of 1100 bytes, more than 1000"},
		{`{% set x %}{% for i in range(11) %}{% set y = 'ab' * 500 %}{% endfor %}{% endset %}`, "template copies more than 10000 bytes"},
		{`{{ range(100001) }}`, "template asks for a range of 100001 items, more than 100000"},
		{`{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}`, "template calls macros in macros too deep"},
	} {
		tm, err := Parse(test.source)
		if err != nil {
			t.Fatal(err)
		}
		_, err = tm.Render(nil, limits)
		var limit *LimitError
		if !errors.As(err, &limit) || err.Error() != test.want {
			t.Errorf("%s: got error %v, want %q", test.source, err, test.want)
		}
	}
}

// TestErrorsNameTheLine pins what errors say and where.
func TestErrorsNameTheLine(t *testing.T) {
	for _, test := range []struct{ source, want string }{
		{"a\n{{ 1 + }}", `template line 2: got "}}", want an expression`},
		{"a\n\n{% if x %}", `template line 3: got "end of template", want "endif" for the block of line 3`},
		{"{{ 'a' }", `template line 1: unexpected "}"`},
		{"\n{{ foo.bar }}", `template line 2: "foo" is undefined`},
		{"{{ 1 }}\n{{ n +\n'a' }}", `template line 2: cannot apply "+" to int and str`},
		{"{% include 'secret' %}", `template line 1: "include" is not allowed: a chat template stands alone`},
		{"{% for x in 1 %}{% endfor %}", `template line 1: cannot go through int`},
		{"{{ s | nope }}", `template line 1: there is no filter "nope"`},
		{"{{ raise_exception('bad') }}", `template refuses: bad`},
	} {
		_, err := renderString(t, test.source)
		if err == nil || err.Error() != test.want {
			t.Errorf("%q: got error %v, want %q", test.source, err, test.want)
		}
	}
}

// TestFromGo checks the values of Go data, and its depth limit.
func TestFromGo(t *testing.T) {
	type pair struct {
		B int     `json:"b"`
		A float32 `json:"a"`
	}
	v, err := FromGo(map[string]any{
		"z": 1.0, "y": 1.5, "x": int32(7), "w": []string{"p"}, "v": pair{1, 0.5}, "u": nil, "t": true, "s": uint8(3),
		"r": math.Pow(2, 60),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := JSON(v, -1)
	want := `{"r": 1.152921504606847e+18, "s": 3, "t": true, "u": null, "v": {"a": 0.5, "b": 1}, "w": ["p"], "x": 7, "y": 1.5, "z": 1}`
	if err != nil || got.String() != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
	var deep any
	for range 10000 {
		deep = []any{deep}
	}
	if v, err := FromGo(deep, nil); err == nil {
		t.Errorf("deep data: got %v, want an error", v)
	}
	for _, bad := range []any{make(chan int), math.NaN, map[string]any{"a": func() {}}} {
		if v, err := FromGo(bad, nil); err == nil {
			t.Errorf("%T: got %v, want an error", bad, v)
		}
	}
}

// TestBugsAreErrors checks that a panic inside becomes an error.
func TestBugsAreErrors(t *testing.T) {
	tm, err := Parse("{{ f() }}")
	if err != nil {
		t.Fatal(err)
	}
	f := Function("f", func([]Value) (Value, error) { panic("a bug") })
	if out, err := tm.Render(map[string]Value{"f": f}, DefaultLimits(0)); err == nil {
		t.Errorf("got %q, want an error", out.String())
	} else if want := "template line 1: internal error in template engine: a bug"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

// TestMarks checks where the bytes of results come from: u and q are
// user-supplied (u), everything else is the template's (T).
func TestMarks(t *testing.T) {
	for _, test := range []struct{ source, want string }{
		{`A{{ u }}B`, "TuuuT"},
		{`{{ u | trim }}`, "uuu"},
		{`{{ u[1:] ~ 'X' }}`, "uuT"},
		{`{{ u.upper() }}`, "uuu"},
		{`{{ 'X'.join([u, u]) }}`, "uuuTuuu"},
		{`{{ u.replace('b', 'X') }}`, "uTu"},
		{`{{ 'AbC'.replace('b', u) }}`, "TuuuT"},
		{`{{ u | tojson }}`, "TuuuT"},
		{`{{ ['A', u] }}`, "TTTTTTuuuuuT"},
		{`{{ '%s-%5s' | format(u, u) }}`, "uuuTTTuuu"},
		{`{{ '{}X'.format(u) }}`, "uuuT"},
		{`{{ (u * 2)[::-1] }}`, "uuuuuu"},
		{`{{ (u ~ 'X' ~ u).split('X') | join }}`, "uuuuuu"},
		{`{{ u | length }}{{ u == 'abc' }}`, "TTTTT"},
		{`{% set x %}A{{ u }}{% endset %}{{ x | indent(2, true) }}`, "TTTuuu"},
		{`{% macro m(a) %}[{{ a }}]{% endmacro %}{{ m(u) }}`, "TuuuT"},
		{`{{ {u: 1} | tojson }}`, "TTuuuTTTTT"},
		{`{% for c in u %}{{ c }}-{% endfor %}`, "uTuTuT"},
		{`{{ '<' | e }}{{ (u ~ '<') | e }}`, "TTTTuuuTTTT"},
		{`{{ (u ~ 'X').removesuffix('X') }}{{ ('X' ~ u).removeprefix('X') }}{{ (' ' ~ u ~ 'X').strip(' X') }}`, "uuuuuuuuu"},
		{`{{ ('A ' ~ u).split() | join }}{{ ('A ' ~ u).rsplit(' ', 1) | join }}{{ (u ~ '\nB').splitlines() | join }}`, "TuuuTuuuuuuT"},
		{`{{ ('A' ~ u).partition('a') | join }}{{ (u ~ 'B').rpartition('B') | join }}`, "TuuuuuuT"},
		{`{{ u | title }}{{ u.title() }}{{ u | capitalize }}{{ u | lower }}`, "uuuuuuuuuuuu"},
		{`{{ u[0] }}{{ u[-1] }}{{ u[::2] }}{{ (u ~ 'XY')[2:4] }}{{ u | list | join }}{{ u | reverse }}{{ u | first }}`, "uuuuuTuuuuuuu"},
		{`{{ '%.2s' | format(u) }}{{ '%-4s' | format(u) }}{{ '%r' | format(u) }}`, "uuuuuTuuuuu"},
		{`{{ (u ~ 'A') | wordcount }}{{ u | default('A') }}{{ [u] | join('A') }}{{ u | string }}{{ u | safe }}{{ u ~ 1 }}`, "TuuuuuuuuuuuuuuuT"},
		{`{{ [u, 'b'] | sort | join }}{{ [u] | max }}{{ [u] | unique | join }}{{ {u: u} | items | first | join }}`, "uuuTuuuuuuuuuuuu"},
		{`{{ q }}{{ q | tojson }}{{ [q] }}`, "u" + "TuuT" + "TuuuT"},
	} {
		tm, err := Parse(test.source)
		if err != nil {
			t.Fatal(err)
		}
		out, err := tm.Render(map[string]Value{"u": User("abc"), "q": User(`"`)}, DefaultLimits(0))
		if err != nil {
			t.Errorf("%s: %v", test.source, err)
			continue
		}
		got := ""
		for i := range out.Len() {
			got += map[bool]string{true: "u", false: "T"}[out.IsUser(i)]
		}
		if got != test.want {
			t.Errorf("%s: %q has marks %s, want %s", test.source, out.String(), got, test.want)
		}
	}
}

// TestConcurrentRenders renders one template from several goroutines; the race
// detector looks on.
func TestConcurrentRenders(t *testing.T) {
	tm, err := Parse(`{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}{{ u | upper }}`)
	if err != nil {
		t.Fatal(err)
	}
	g := variables(t)
	results := make(chan string)
	for range 8 {
		go func() {
			out, err := tm.Render(g, DefaultLimits(0))
			results <- fmt.Sprint(out.String(), err)
		}()
	}
	first := <-results
	for range 7 {
		if r := <-results; r != first {
			t.Errorf("got %q and %q", first, r)
		}
	}
}

// TestOverflow checks that integers beyond 64 bits, which Python has, are errors.
func TestOverflow(t *testing.T) {
	for _, source := range []string{
		`{{ 9223372036854775807 + 1 }}`,
		`{{ -9223372036854775807 - 2 }}`,
		`{{ 1 - (-9223372036854775807 - 1) }}`,
		`{{ 4611686018427387904 * 2 }}`,
		`{{ -1 * (-9223372036854775807 - 1) }}`,
		`{{ (-9223372036854775807 - 1) // -1 }}`,
		`{{ (-9223372036854775807 - 1) | abs }}`,
		`{{ 2 ** 63 }}`,
		`{{ 9223372036854775808 }}`,
	} {
		if got, err := renderString(t, source); err == nil {
			t.Errorf("%s: got %q, want an error", source, got)
		}
	}
	for source, want := range map[string]string{
		`{{ -9223372036854775807 - 1 }}`:        "-9223372036854775808",
		`{{ 9223372036854775807 + 0 }}`:         "9223372036854775807",
		`{{ (-9223372036854775807 - 1) % -1 }}`: "0",
		`{{ (-2) ** 63 }}`:                      "-9223372036854775808",
	} {
		if got, err := renderString(t, source); got != want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", source, got, err, want)
		}
	}
}
