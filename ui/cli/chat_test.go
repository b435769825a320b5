package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"scout/engine"
)

// chatWith runs a chat with a model that answers every message with "Yes.".
func chatWith(t *testing.T, input string, args ...string) (*testApp, int) {
	t.Helper()
	a := newTestApp(t, newFakeModel("Yes", "."))
	a.terminal(input)
	return a, a.run(append([]string{"run", "m"}, args...)...)
}

func TestChat(t *testing.T) {
	const hello = "Fake. /help lists the commands.\n"
	tests := []struct {
		name  string
		input string
		want  string // written after the greeting
		asked []string
	}{
		{"leaves at the end of input", "", "> \n", nil},
		{"leaves by command", "/exit\nnot sent\n", "> ", nil},
		{"answers", "Hi\n", "> Yes.\n> \n", []string{"Hi"}},
		{"ends without a line break", "Hi", "> Yes.\n> \n", []string{"Hi"}},
		{"passes over blank lines", "\n  \nHi\n", "> > > Yes.\n> \n", []string{"Hi"}},
		{"goes on in the next line", "one\\\ntwo\\\nthree\n", "> . . Yes.\n> \n", []string{"one\ntwo\nthree"}},
		{"is helped", "/help\n", "> " + chatHelp + "> \n", nil},
		{"does not send a mistyped command", "/hepl\n", "> (no command /hepl; /help lists them)\n> \n", nil},
		{"sends what only looks like a command", "/etc/hosts\n /help\n", "> Yes.\n> Yes.\n> \n", []string{"/etc/hosts", " /help"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, code := chatWith(t, test.input)
			if code != ExitDone {
				t.Errorf("code: got %d, want 0; %s", code, a.err.String())
			}
			if got := a.out.String(); got != hello+test.want {
				t.Errorf("output: got %q\nwant %q", got, hello+test.want)
			}
			var asked []string
			for _, c := range a.model.seq.conversations {
				asked = append(asked, c[len(c)-1].Content)
			}
			if !reflect.DeepEqual(asked, test.asked) {
				t.Errorf("asked: got %q, want %q", asked, test.asked)
			}
		})
	}
}

func TestChatKeepsTheConversation(t *testing.T) {
	a, _ := chatWith(t, "one\ntwo\n/clear\nthree\n", "--system", "S")
	system := engine.Message{Role: engine.System, Content: "S"}
	user := func(text string) engine.Message { return engine.Message{Role: engine.User, Content: text} }
	yes := engine.Message{Role: engine.Assistant, Content: "Yes."}
	want := [][]engine.Message{
		{system, user("one")},
		{system, user("one"), yes, user("two")},
		{system, user("three")},
	}
	if got := a.model.seq.conversations; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestChatContextFull(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	a.model.seq.err = &engine.ContextError{Need: 600, Have: 512}
	a.terminal("one\ntwo\n")
	if code := a.run("run", "m"); code != ExitDone || strings.Count(a.out.String(), "(This message would take 600 tokens, and there is room for 512. It was not sent.") != 2 {
		t.Errorf("got code %d, output %q", code, a.out.String())
	}
	if second := a.model.seq.conversations[1]; len(second) != 1 {
		t.Errorf("the message that did not fit stayed: %v", second)
	}
}

func TestChatEndNotes(t *testing.T) {
	for reason, want := range map[engine.Reason]string{
		engine.EndOfTurn:   "x\n> \n",
		engine.TokenLimit:  "x\n(stopped at --max-tokens)\n> \n",
		engine.ContextFull: "x\n(the context is full: /clear begins a new conversation)\n> \n",
	} {
		a := newTestApp(t, newFakeModel("x"))
		a.model.seq.deltas[0].Reason = reason
		a.terminal("Hi\n")
		if a.run("run", "m"); !strings.HasSuffix(a.out.String(), want) {
			t.Errorf("%s: got %q, want %q at its end", reason, a.out.String(), want)
		}
	}
}

// typeAtPrompts types a line whenever the chat asks for one, and then ends the
// input.
func (a *testApp) typeAtPrompts(lines ...string) {
	a.terminal("")
	in, keyboard := io.Pipe()
	a.In = in
	a.Out = io.MultiWriter(&a.out, onText{"> ", func() {
		if len(lines) == 0 {
			keyboard.Close()
			return
		}
		line := lines[0]
		lines = lines[1:]
		go io.WriteString(keyboard, line)
	}})
}

// TestChatInterruptStopsTheAnswer interrupts a first answer, goes on, and
// expects what was said until then to be in the conversation.
func TestChatInterruptStopsTheAnswer(t *testing.T) {
	a := newTestApp(t, newFakeModel("Yes", " and", " no"))
	first := true
	a.model.seq.before = func(ctx context.Context, i int) {
		if first && i == 2 {
			first = false
			a.signals <- os.Interrupt
			<-ctx.Done()
		}
	}
	a.typeAtPrompts("one\n", "two\n")
	code := a.run("run", "m")
	if want := "> Yes and\n(stopped)\n> Yes and no\n> \n"; code != ExitDone || !strings.HasSuffix(a.out.String(), want) {
		t.Errorf("got code %d, output %q, want %q at its end", code, a.out.String(), want)
	}
	if got := a.model.seq.conversations[1][1].Content; got != "Yes and" {
		t.Errorf("kept %q, want %q", got, "Yes and")
	}
}

// TestChatDropsTypedAhead expects a stopped answer to take with it what was
// typed meanwhile, and the end of the input to be kept.
func TestChatDropsTypedAhead(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	lines := make(chan inputLine, 4)
	c := &chat{app: a.App, lines: lines}
	lines <- inputLine{text: "two"}
	lines <- inputLine{text: "three"}
	if err := c.dropTypedAhead(); err != nil || len(lines) != 0 || !strings.Contains(a.out.String(), "2 lines typed meanwhile dropped") {
		t.Errorf("error %v, %d lines left, output %q", err, len(lines), a.out.String())
	}
	lines <- inputLine{text: "four"}
	lines <- inputLine{err: io.EOF}
	if err := c.dropTypedAhead(); !errors.Is(err, io.EOF) {
		t.Errorf("error is %v, want io.EOF", err)
	}
}

// TestChatInterruptLeaves sends interrupts at the prompt.
func TestChatInterruptLeaves(t *testing.T) {
	t.Run("twice", func(t *testing.T) {
		a := newTestApp(t, newFakeModel("x"))
		a.terminal("")
		a.In = neverReader{}
		a.Out = io.MultiWriter(&a.out, onText{"> ", func() { a.signals <- os.Interrupt }})
		if code := a.run("run", "m"); code != ExitInterrupted || !strings.HasSuffix(a.out.String(), "> \n(Ctrl+C again or Ctrl+D leaves)\n> \n") {
			t.Errorf("got code %d, output %q", code, a.out.String())
		}
	})
	t.Run("once after a stopped answer", func(t *testing.T) {
		a := newTestApp(t, newFakeModel("x", "y"))
		a.model.seq.before = func(ctx context.Context, i int) {
			if i == 1 {
				a.signals <- os.Interrupt
				<-ctx.Done()
			}
		}
		a.terminal("")
		a.In = &typedThenSilence{"Hi\n"}
		a.Out = io.MultiWriter(&a.out, onText{"(stopped)", func() { a.signals <- os.Interrupt }})
		if code := a.run("run", "m"); code != ExitInterrupted || !strings.HasSuffix(a.out.String(), "> x\n(stopped)\n> \n") {
			t.Errorf("got code %d, output %q", code, a.out.String())
		}
	})
	t.Run("termination at once", func(t *testing.T) {
		a := newTestApp(t, newFakeModel("x"))
		a.terminal("")
		a.In = neverReader{}
		a.Out = io.MultiWriter(&a.out, onText{"> ", func() { a.signals <- syscall.SIGTERM }})
		if code := a.run("run", "m"); code != ExitInterrupted {
			t.Errorf("got code %d", code)
		}
	})
}

// typedThenSilence is a terminal at which text has been typed and no more is.
type typedThenSilence struct{ text string }

func (r *typedThenSilence) Read(p []byte) (int, error) {
	if r.text == "" {
		select {}
	}
	n := copy(p, r.text)
	r.text = r.text[n:]
	return n, nil
}

// onText calls do when that text is part of what is written.
type onText struct {
	text string
	do   func()
}

func (w onText) Write(p []byte) (int, error) {
	if strings.Contains(string(p), w.text) {
		w.do()
	}
	return len(p), nil
}

// TestChatInterruptBeforeTheFirstToken expects nothing of a turn to stay in
// the conversation when there is no answer to it.
func TestChatInterruptBeforeTheFirstToken(t *testing.T) {
	a := newTestApp(t, newFakeModel("x"))
	first := true
	a.model.seq.before = func(ctx context.Context, i int) {
		if first {
			first = false
			a.signals <- os.Interrupt
			<-ctx.Done()
		}
	}
	a.typeAtPrompts("one\n", "two\n")
	a.run("run", "m")
	if second := a.model.seq.conversations[1]; len(second) != 1 || second[0].Content != "two" {
		t.Errorf("second conversation: got %v, want only the second message", second)
	}
}

func TestChatErrorEnds(t *testing.T) {
	a := newTestApp(t, newFakeModel("x"))
	a.model.seq.err = errDiskFull
	a.terminal("one\ntwo\n")
	if code := a.run("run", "m"); code != ExitError || a.err.String() != "scout: no space left on device\n" {
		t.Errorf("got code %d, error %q", code, a.err.String())
	}
}
