package jinja

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"
)

// TestConstructs compares with what Jinja2 itself makes of constructs.txt (see
// ../testdata/make_goldens.py). Where Jinja2 fails, so must we.
func TestConstructs(t *testing.T) {
	var file struct {
		Cases []struct {
			Template string
			Want     *string
			Refuses  *string
		}
	}
	readJSON(t, "testdata/constructs.json", &file)
	for _, c := range file.Cases {
		got, err := renderString(t, c.Template)
		var raised *RaisedError
		switch {
		case c.Refuses != nil:
			if !errors.As(err, &raised) || raised.Message != *c.Refuses {
				t.Errorf("%q: error %v, want the refusal %q", c.Template, err, *c.Refuses)
			}
		case c.Want == nil:
			if err == nil {
				t.Errorf("%q: got %q, want an error", c.Template, got)
			}
		case err != nil:
			t.Errorf("%q: %v", c.Template, err)
		case got != *c.Want:
			t.Errorf("%q\n got %q\nwant %q", c.Template, got, *c.Want)
		}
	}
}

// renderString renders a template with the variables of testdata.
func renderString(t *testing.T, source string) (string, error) {
	t.Helper()
	return renderLimited(t, source, DefaultLimits(1000))
}

func renderLimited(t *testing.T, source string, limits Limits) (string, error) {
	t.Helper()
	tm, err := Parse(source)
	if err != nil {
		return "", err
	}
	out, err := tm.Render(variables(t), limits)
	return out.String(), err
}

// variables are those of testdata, with the order of their keys, and the
// program's own function.
func variables(t *testing.T) map[string]Value {
	t.Helper()
	raw, err := os.ReadFile("testdata/variables.json")
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v := decodeOrdered(t, d).(*Dict)
	g := map[string]Value{
		"strftime_now": Function("strftime_now", func(args []Value) (Value, error) {
			now := time.Date(2026, 3, 5, 7, 8, 9, 0, time.UTC)
			return Trusted(Strftime(now, args[0].(Text).String())), nil
		}),
	}
	for i, k := range v.keys {
		g[k.(Text).s] = v.values[i]
	}
	return g
}

func decodeOrdered(t *testing.T, d *json.Decoder) Value {
	t.Helper()
	tok, err := d.Token()
	if err != nil {
		t.Fatal(err)
	}
	switch tok {
	case json.Delim('{'):
		out := &Dict{}
		for d.More() {
			k := decodeOrdered(t, d)
			out.Set(k, decodeOrdered(t, d))
		}
		d.Token()
		return out
	case json.Delim('['):
		out := &List{}
		for d.More() {
			out.Items = append(out.Items, decodeOrdered(t, d))
		}
		d.Token()
		return out
	}
	v, err := FromGo(tok, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
