package cli

import (
	"context"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"scout/engine"
)

// result is what came of one command line.
type result struct {
	code     int
	out, err string
}

func TestRunText(t *testing.T) {
	tests := []struct {
		name   string
		args   []string
		stdin  string
		pieces []string
		want   result
		prompt string // what the model was asked
	}{
		{"argument", []string{"run", "m", "Hi"}, "", []string{"Hel", "lo"}, result{0, "Hello\n", ""}, "Hi"},
		{"ends in a newline already", []string{"run", "m", "Hi"}, "", []string{"a\n"}, result{0, "a\n", ""}, "Hi"},
		{"raw text to a pipe", []string{"run", "m", "Hi"}, "", []string{"\x1b[31mred\a"}, result{0, "\x1b[31mred\a\n", ""}, "Hi"},
		{"standard input", []string{"run", "m"}, "from a pipe\n", []string{"ok"}, result{0, "ok\n", ""}, "from a pipe"},
		{"dash", []string{"run", "m", "-"}, "from a pipe\r\n", []string{"ok"}, result{0, "ok\n", ""}, "from a pipe"},
		{"both", []string{"run", "m", "Sum up:"}, "a\nb\n\n", []string{"ok"}, result{0, "ok\n", ""}, "Sum up:\n\na\nb"},
		{"blank input is no input", []string{"run", "m", "Hi"}, " \n", []string{"ok"}, result{0, "ok\n", ""}, "Hi"},
		{"no prompt", []string{"run", "m"}, "", nil, result{2, "", "scout: no prompt: give one as an argument or on standard input\n"}, ""},
		{"binary input", []string{"run", "m", "Hi"}, "ab\xff", nil, result{1, "", "scout: standard input is not UTF-8 text: wrong byte at 2\n"}, ""},
		{"missing file", []string{"run", "missing.gguf", "Hi"}, "", nil,
			result{1, "", "scout: gguf: opening missing.gguf: no such file; second line \\x1b[31m\n"}, ""},
		{"no model", []string{"run"}, "", nil, result{2, "", "scout: run takes a model and one prompt, got 0 arguments: put the prompt in quotes\n"}, ""},
		{"prompt without quotes", []string{"run", "m", "a", "b"}, "", nil,
			result{2, "", "scout: run takes a model and one prompt, got 3 arguments: put the prompt in quotes\n"}, ""},
		{"unknown flag", []string{"run", "m", "--tmp", "1"}, "", nil, result{2, "", "scout: unknown flag: --tmp\n"}, ""},
		{"wrong number", []string{"run", "m", "Hi", "--temp", "hot"}, "", nil,
			result{2, "", `scout: invalid argument "hot" for "--temp" flag: strconv.ParseFloat: parsing "hot": invalid syntax` + "\n"}, ""},
		{"not a number", []string{"run", "m", "Hi", "--temp", "NaN"}, "", nil, result{2, "", "scout: --temp is NaN, want a number, 0 or more\n"}, ""},
		{"infinite", []string{"run", "m", "Hi", "--presence-penalty", "Inf"}, "", nil, result{2, "", "scout: --presence-penalty is +Inf, want a number\n"}, ""},
		{"out of range", []string{"run", "m", "Hi", "--top-p", "1.5"}, "", nil, result{2, "", "scout: --top-p is 1.5, want 0 to 1\n"}, ""},
		{"negative", []string{"run", "m", "Hi", "--top-k", "-1"}, "", nil, result{2, "", "scout: --top-k is -1, want 0 or more\n"}, ""},
		{"negative context", []string{"run", "m", "Hi", "--ctx", "-1"}, "", nil, result{2, "", "scout: --ctx is -1, want 1 to 2000000000\n"}, ""},
		{"negative threads", []string{"run", "m", "Hi", "--threads=-2"}, "", nil, result{2, "", "scout: --threads is -2, want 1 to 1024\n"}, ""},
		{"cache type", []string{"run", "m", "Hi", "--kv", "q8"}, "", nil, result{2, "", `scout: --kv is "q8", want f16, f32, q8_0 or q4_0` + "\n"}, ""},
		{"empty stop", []string{"run", "m", "Hi", "--stop", ""}, "", nil, result{2, "", "scout: --stop is empty, want a text to stop before\n"}, ""},
		{"two forms", []string{"run", "m", "Hi", "--json", "--jsonl"}, "", nil, result{2, "", "scout: --json and --jsonl exclude each other\n"}, ""},
		{"log-probabilities as text", []string{"run", "m", "Hi", "--top-logprobs", "2"}, "", nil,
			result{2, "", "scout: --top-logprobs needs --json or --jsonl\n"}, ""},
		{"unknown command", []string{"ru", "m"}, "", nil, result{2, "", `scout: unknown command "ru": did you mean "run"?` + "\n"}, ""},
		{"no such command", []string{"frobnicate"}, "", nil,
			result{2, "", `scout: unknown command "frobnicate": 'scout --help' lists the commands` + "\n"}, ""},
		{"help about no command", []string{"help", "ru"}, "", nil, result{2, "", `scout: unknown command "ru": did you mean "run"?` + "\n"}, ""},
		{"help about no command of a command", []string{"help", "sessions", "lz"}, "", nil,
			result{2, "", `scout: unknown command "lz": did you mean "ls"?` + "\n"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newTestApp(t, newFakeModel(test.pieces...))
			a.In = strings.NewReader(test.stdin)
			code := a.run(test.args...)
			if got := (result{code, a.out.String(), a.err.String()}); got != test.want {
				t.Errorf("got %+v\nwant %+v", got, test.want)
			}
			var prompt string
			if c := a.model.seq.conversations; len(c) == 1 {
				prompt = c[0][len(c[0])-1].Content
			}
			if prompt != test.prompt {
				t.Errorf("prompt: got %q, want %q", prompt, test.prompt)
			}
			if opened := !reflect.DeepEqual(a.model.options, engine.Options{}) || len(a.model.seq.conversations) > 0; opened && (a.model.closed != 1 || a.model.seq.closed != 1) {
				t.Errorf("closed the model %d times and the sequence %d times, want once", a.model.closed, a.model.seq.closed)
			}
		})
	}
}

func TestRunAtATerminal(t *testing.T) {
	t.Run("no prompt and a redirected output", func(t *testing.T) {
		a := newTestApp(t, newFakeModel("x"))
		a.In, a.InTerminal = neverReader{}, true
		if code := a.run("run", "m"); code != ExitUsage || a.out.Len() > 0 || !strings.Contains(a.err.String(), "no prompt") {
			t.Errorf("got code %d, output %q, error %q", code, a.out.String(), a.err.String())
		}
	})
	t.Run("no prompt and JSON", func(t *testing.T) {
		a := newTestApp(t, newFakeModel("x"))
		a.terminal("")
		if code := a.run("run", "m", "--json"); code != ExitUsage {
			t.Errorf("got code %d, want %d", code, ExitUsage)
		}
	})
	t.Run("empty prompt", func(t *testing.T) {
		a := newTestApp(t, newFakeModel("x"))
		a.terminal("")
		if code := a.run("run", "m", " "); code != ExitUsage || a.err.String() != "scout: the prompt is empty\n" {
			t.Errorf("got code %d, error %q", code, a.err.String())
		}
	})
	t.Run("the terminal is not read beside an argument", func(t *testing.T) {
		a := newTestApp(t, newFakeModel("x"))
		a.In, a.InTerminal = neverReader{}, true
		if code := a.run("run", "m", "Hi"); code != ExitDone || a.out.String() != "x\n" {
			t.Errorf("got code %d, output %q", code, a.out.String())
		}
	})
	t.Run("control characters stay out of the terminal", func(t *testing.T) {
		a := newTestApp(t, newFakeModel("a\x1b]0;title\ab\r\n", "\u009b31mc\td\x7f\xff"))
		a.terminal("")
		if code := a.run("run", "m", "Hi"); code != ExitDone || a.out.String() != "a]0;titleb\n31mc\td\uFFFD\n" {
			t.Errorf("got code %d, output %q", code, a.out.String())
		}
	})
}

func TestRunErrors(t *testing.T) {
	tests := []struct {
		name string
		err  error
		code int
		out  string
		line string
	}{
		{"the prompt does not fit", &engine.ContextError{Need: 600, Have: 512}, ExitContextTooSmall, "Hel\n",
			"scout: engine: the prompt needs 600 positions, the context has 512: shorten it, or raise --ctx\n"},
		{"the file fails", errDiskFull, ExitError, "Hel\n", "scout: no space left on device\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newTestApp(t, newFakeModel("Hel"))
			a.model.seq.err = test.err
			if code := a.run("run", "m", "Hi"); code != test.code {
				t.Errorf("code: got %d, want %d", code, test.code)
			}
			if a.out.String() != test.out {
				t.Errorf("output: got %q, want %q", a.out.String(), test.out)
			}
			if a.err.String() != test.line {
				t.Errorf("error: got %q, want %q", a.err.String(), test.line)
			}
		})
	}
	t.Run("does not fit this machine", func(t *testing.T) {
		a := newTestApp(t, newFakeModel("x"))
		a.model.info.ContextLength = 131072
		a.model.memory = engine.Memory{Weights: 1 << 20, KV: 8 << 30, Compute: 1 << 20}
		want := "scout: a context of 65536 needs 8.0 GiB of memory beside the weights, and this machine has 1.0 GiB: try --ctx 2048\n"
		if code := a.run("run", "m", "Hi", "--ctx", "65536"); code != ExitDoesNotFit || a.err.String() != want {
			t.Errorf("got code %d, error %q, want %d and %q", code, a.err.String(), ExitDoesNotFit, want)
		}
		if a.model.closed != 1 {
			t.Errorf("closed the model %d times, want once", a.model.closed)
		}
	})
	t.Run("weights larger than memory", func(t *testing.T) {
		for _, terminal := range []bool{false, true} {
			a := newTestApp(t, newFakeModel("x"))
			a.ErrTerminal = terminal
			a.model.memory.Weights = 2 << 30
			if code := a.run("run", "m", "Hi"); code != ExitDone || strings.Contains(a.err.String(), "slow") != terminal {
				t.Errorf("terminal %v: got code %d, error %q", terminal, code, a.err.String())
			}
		}
	})
}

func TestRunWarns(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		a := newTestApp(t, newFakeModel("x"))
		a.ErrTerminal = terminal
		a.model.info.Warnings = []string{"the template is odd\x1b"}
		want := ""
		if terminal {
			want = "scout: the template is odd\\x1b\nscout: a context of 600 is beyond the 512 this model was made for\n"
		}
		if a.run("run", "m", "Hi", "--ctx", "600"); a.err.String() != want {
			t.Errorf("terminal %v: got %q, want %q", terminal, a.err.String(), want)
		}
	}
}

func TestRunWritingFails(t *testing.T) {
	for _, form := range []string{"", "--json", "--jsonl"} {
		args := []string{"run", "m", "Hi"}
		if form != "" {
			args = append(args, form)
		}
		a := newTestApp(t, newFakeModel("Hel", "lo"))
		a.Out = &failingWriter{err: errDiskFull}
		want := "scout: writing to standard output: no space left on device\n"
		if code := a.run(args...); code != ExitError || a.err.String() != want {
			t.Errorf("%q, disk full: got code %d, error %q, want %q", form, code, a.err.String(), want)
		}
		a = newTestApp(t, newFakeModel("Hel", "lo"))
		a.Out = &failingWriter{err: brokenPipe}
		if code := a.run(args...); code != ExitDone || a.err.Len() > 0 {
			t.Errorf("%q, reader gone: got code %d, error %q, want 0 and silence", form, code, a.err.String())
		}
	}
	// The answer ends with the first write that fails.
	a := newTestApp(t, newFakeModel("a", "b", "c", "d"))
	a.Out = &failingWriter{n: 1, err: brokenPipe}
	asked := 0
	a.model.seq.before = func(context.Context, int) { asked++ }
	if a.run("run", "m", "Hi"); asked != 2 {
		t.Errorf("asked for %d tokens after the reader had gone at the second, want 2", asked)
	}
}

func TestRunInterrupted(t *testing.T) {
	tests := []struct {
		args []string
		want string
	}{
		{nil, "ab\n"},
		{[]string{"--jsonl"}, `"reason":"interrupted"`},
		{[]string{"--json"}, `"text":"ab","reason":"interrupted"`},
	}
	for _, test := range tests {
		a := newTestApp(t, newFakeModel("a", "b", "c", "d"))
		a.model.seq.before = func(ctx context.Context, i int) {
			if i == 2 {
				a.signals <- os.Interrupt
				<-ctx.Done()
			}
		}
		code := a.run(append([]string{"run", "m", "Hi"}, test.args...)...)
		if code != ExitInterrupted || !strings.Contains(a.out.String(), test.want) || a.err.Len() > 0 {
			t.Errorf("%v: got code %d, output %q, error %q; want 130 and %q", test.args, code, a.out.String(), a.err.String(), test.want)
		}
		if strings.Contains(a.out.String(), "c") && len(test.args) == 0 {
			t.Errorf("output %q goes on after the interrupt", a.out.String())
		}
	}
}

// TestSecondInterrupt holds an answer up that does not heed its context: one
// more interrupt must end the process without it.
func TestSecondInterrupt(t *testing.T) {
	a := newTestApp(t, newFakeModel("a", "b"))
	a.model.seq.before = func(ctx context.Context, i int) {
		if i == 1 {
			a.signals <- os.Interrupt
			<-ctx.Done()
			a.signals <- os.Interrupt
			if code := <-a.exited; code != ExitInterrupted {
				t.Errorf("exit code: got %d, want %d", code, ExitInterrupted)
			}
		}
	}
	a.run("run", "m", "Hi")
}

func TestRunInterruptedWhileReading(t *testing.T) {
	a := newTestApp(t, newFakeModel("x"))
	a.In = neverReader{}
	a.signals <- os.Interrupt
	if code := a.run("run", "m", "-"); code != ExitInterrupted || a.err.Len() > 0 {
		t.Errorf("got code %d, error %q", code, a.err.String())
	}
}

func TestSampling(t *testing.T) {
	run := func(args ...string) engine.Sampling {
		a := newTestApp(t, newFakeModel("x"))
		if code := a.run(append([]string{"run"}, args...)...); code != 0 {
			t.Fatalf("%v: code %d, %s", args, code, a.err.String())
		}
		return a.model.seq.samplings[0]
	}
	tests := []struct {
		name string
		args []string
		want engine.Sampling
	}{
		{"the family's", []string{"m", "Hi", "--seed", "1"}, engine.Sampling{Temperature: 0.6, TopP: 0.9, RepeatPenalty: 1, Seed: 1}},
		{"the demo's", []string{"demo", "Hi", "--seed", "1"}, engine.Sampling{TopP: 0.9, RepeatPenalty: 1, Seed: 1}},
		{"one's own", []string{"m", "Hi", "--temp", "0", "--top-p", "1", "--top-k", "40", "--min-p", "0.05", "--seed", "18446744073709551615",
			"--max-tokens", "5", "--stop", "a", "--stop", "b,c", "--repeat-penalty", "1.1", "--presence-penalty", "-0.5",
			"--frequency-penalty", "0.25"},
			engine.Sampling{TopP: 1, TopK: 40, MinP: 0.05, Seed: 1<<64 - 1, MaxTokens: 5, Stop: []string{"a", "b,c"},
				RepeatPenalty: 1.1, PresencePenalty: -0.5, FrequencyPenalty: 0.25}},
	}
	for _, test := range tests {
		if got := run(test.args...); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %+v\nwant %+v", test.name, got, test.want)
		}
	}
	seeds := map[uint64]bool{}
	for range 4 {
		seeds[run("m", "Hi").Seed] = true
	}
	if len(seeds) == 1 {
		t.Error("four runs without --seed had the same seed")
	}
}

func TestRunSystemMessage(t *testing.T) {
	a := newTestApp(t, newFakeModel("x"))
	a.run("run", "m", "Hi", "--system", "Be brief.")
	want := []engine.Message{{Role: engine.System, Content: "Be brief."}, {Role: engine.User, Content: "Hi"}}
	if got := a.model.seq.conversations[0]; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestRunJSON(t *testing.T) {
	a := newTestApp(t, newFakeModel("<b>", "\x1b\u009b\x7fé"))
	a.model.seq.deltas[1].Tokens[0].LogProb = -0.5
	a.model.seq.deltas[1].Tokens[0].Top = []engine.TokenLogProb{{ID: 27, Piece: "\x1b", LogProb: -0.5}}
	if code := a.run("run", "m", "Hi", "--json", "--seed", "7", "--top-logprobs", "1"); code != 0 {
		t.Fatal(code, a.err.String())
	}
	want := `{"model":"m","text":"<b>\u001b\u009b\u007fé","reason":"end",` +
		`"tokens":[{"id":60,"piece":"<b>"},{"id":27,"piece":"\u001b\u009b\u007fé","logprob":-0.5,"top":[{"id":27,"piece":"\u001b","logprob":-0.5}]}],` +
		`"stats":{"prompt_tokens":7,"reused_tokens":0,"generated_tokens":2,"context":512,"prefill_s":2,"decode_s":2,"prefill_tok_s":3.5,"decode_tok_s":0.5},` +
		`"sampling":{"temperature":0.6,"top_p":0.9,"top_k":0,"min_p":0,"repeat_penalty":1,"presence_penalty":0,"frequency_penalty":0,"seed":7,"max_tokens":0,"stop":[]}}` + "\n"
	if got := a.out.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestRunJSONL(t *testing.T) {
	a := newTestApp(t, newFakeModel("He", "llo"))
	a.model.seq.deltas[1].Tokens = nil
	a.run("run", "m", "Hi", "--jsonl", "--seed", "7")
	var events []string
	for line := range strings.Lines(a.out.String()) {
		var e struct{ Event string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		events = append(events, e.Event)
	}
	if got, want := strings.Join(events, " "), "start prompt delta delta done"; got != want {
		t.Errorf("events: got %q, want %q", got, want)
	}
	for _, want := range []string{
		`{"event":"prompt","done":7,"total":7}`,
		`{"event":"delta","text":"He","tokens":[{"id":72,"piece":"He"}]}`,
		`{"event":"delta","text":"llo","tokens":[]}`,
		`{"event":"done","reason":"end","stats":{"prompt_tokens":7,`,
	} {
		if !strings.Contains(a.out.String(), want) {
			t.Errorf("no %s in\n%s", want, a.out.String())
		}
	}
	a = newTestApp(t, newFakeModel("He"))
	a.model.seq.err = errDiskFull
	if code := a.run("run", "m", "Hi", "--jsonl"); code != ExitError || !strings.HasSuffix(a.out.String(), `{"event":"error","error":"no space left on device"}`+"\n") {
		t.Errorf("an error: got code %d, output %s", code, a.out.String())
	}
}

func TestRunStats(t *testing.T) {
	a := newTestApp(t, newFakeModel("He", "llo"))
	a.run("run", "m", "Hi", "--stats", "--seed", "7")
	want := "scout: prompt 7 tokens in 2.00 s, 3.5 tok/s; answer 2 tokens in 2.00 s, 0.5 tok/s; context 9 of 512; ended: end; temperature 0.6, top-p 0.9, seed 7\n"
	if got := a.err.String(); got != want || a.out.String() != "Hello\n" {
		t.Errorf("got %q and output %q\nwant %q", got, a.out.String(), want)
	}
	a = newTestApp(t, newFakeModel("x"))
	a.run("run", "demo", "Hi", "--stats")
	if !strings.HasSuffix(a.err.String(), "; greedy\n") {
		t.Errorf("greedy: got %q", a.err.String())
	}
}
