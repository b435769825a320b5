package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"scout/engine"
)

// reading is an answer whose prompt is being read.
func reading(done int, after time.Duration) engine.Stats {
	return engine.Stats{PromptTokens: 1000, PromptDone: done, Prefill: after}
}

func TestProgress(t *testing.T) {
	var b bytes.Buffer
	p := &progress{w: &b}
	p.update(reading(100, 100*time.Millisecond)) // too early to matter
	if b.Len() > 0 {
		t.Errorf("early: got %q, want nothing", b.String())
	}
	p.update(reading(200, time.Second))
	if got, want := b.String(), "\rreading the prompt: 200 of 1000 tokens, 200 tok/s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	width := b.Len() - 1
	p.update(reading(1000, 2*time.Second)) // read: the answer's text follows at once
	b.Reset()
	p.clear()
	if got, want := b.String(), "\r"+strings.Repeat(" ", width)+"\r"; got != want {
		t.Errorf("clear: got %q, want %q", got, want)
	}
	b.Reset()
	if p.clear(); b.Len() > 0 {
		t.Errorf("clear again: got %q, want nothing", b.String())
	}
}

func TestProgressOnlyForPeople(t *testing.T) {
	for _, s := range []Streams{{ErrTerminal: false}, {ErrTerminal: true, Dumb: true}} {
		var b bytes.Buffer
		s.Err = &b
		p := s.newProgress()
		p.update(reading(200, time.Second))
		if p.clear(); b.Len() > 0 {
			t.Errorf("%+v: got %q, want nothing", s, b.String())
		}
	}
}

// TestProgressMakesWay expects the line to be gone before text is written, in
// every form of output.
func TestProgressMakesWay(t *testing.T) {
	var both bytes.Buffer
	s := Streams{Out: &both, Err: &both, ErrTerminal: true}
	jsonl, err := newJSONLReporter(s, "m", samplingRecord{})
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]reporter{
		"text": newTextReporter(s), "jsonl": jsonl, "json": &jsonReporter{streams: s, progress: s.newProgress()},
	} {
		both.Reset()
		for _, d := range []engine.Delta{{Stats: reading(200, time.Second)}, {Text: "Hello"}} {
			if err := r.delta(d); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.end(answer{Text: "Hello"}); err != nil {
			t.Fatal(err)
		}
		_, after, found := strings.Cut(both.String(), " tok/s\r")
		if !found || strings.Contains(after, "reading") || !strings.Contains(after, " \r") || !strings.Contains(after, "Hello") {
			t.Errorf("%s: got %q, want the line blanked and then the text", name, both.String())
		}
	}
}
