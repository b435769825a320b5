//go:build unix

package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"scout/engine"
	"scout/hardware"
)

// endlessAnswer in the environment makes the test binary a scout whose model
// never stops talking, so that signals and pipes can be tested on a process.
const endlessAnswer = "SCOUT_TEST_ENDLESS_ANSWER"

func TestMain(m *testing.M) {
	if os.Getenv(endlessAnswer) != "" {
		os.Exit(runEndlessly())
	}
	os.Exit(m.Run())
}

// endlessSequence answers without end until its context ends.
type endlessSequence struct{ *fakeSequence }

func (endlessSequence) Generate(ctx context.Context, _ []engine.Message, _ engine.Sampling) iter.Seq2[engine.Delta, error] {
	return func(yield func(engine.Delta, error) bool) {
		for ctx.Err() == nil {
			if !yield(engine.Delta{Text: "word "}, nil) {
				return
			}
		}
		yield(engine.Delta{}, fmt.Errorf("engine: stopped: %w", context.Cause(ctx)))
	}
}

type endlessModel struct{ *fakeModel }

func (m endlessModel) newSequence() (sequence, error) { return endlessSequence{m.seq}, nil }

// runEndlessly is main for that process.
func runEndlessly() int {
	KeepBrokenPipes()
	a := New(Config{Streams: System(), Interrupts: Interrupts()})
	a.openModel = func(context.Context, string, engine.Options) (model, error) { return endlessModel{newFakeModel()}, nil }
	a.memory = func() (hardware.Memory, error) { return hardware.Memory{Total: 1 << 30}, nil }
	root := a.Root()
	root.SetArgs(os.Args[1:])
	return a.Finish(root.ExecuteContext(context.Background()))
}

// startEndless starts the process and reads the first words of its answer, all
// of them whole.
func startEndless(t *testing.T, args ...string) (cmd *exec.Cmd, out io.ReadCloser, errs *bytes.Buffer) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(program, args...)
	cmd.Env = append(os.Environ(), endlessAnswer+"=1")
	errs = new(bytes.Buffer)
	cmd.Stderr = errs
	if out, err = cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() }) // for a test that failed on the way
	if _, err := io.ReadFull(out, make([]byte, 50)); err != nil {
		t.Fatal(err)
	}
	return cmd, out, errs
}

func TestSignalsEndAnAnswer(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		cmd, out, errs := startEndless(t, "run", "m", "Hi")
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(out)
		if err != nil {
			t.Fatal(err)
		}
		cmd.Wait() // its exit code is looked at below
		if code := cmd.ProcessState.ExitCode(); code != ExitInterrupted || errs.Len() > 0 {
			t.Errorf("%v: got code %d, error %q; want %d and silence", signal, code, errs.String(), ExitInterrupted)
		}
		if words, ok := strings.CutSuffix(string(rest), "\n"); !ok || strings.ReplaceAll(words, "word ", "") != "" {
			t.Errorf("%v: the answer ends in %q, want whole words and a line break", signal, tail(string(rest)))
		}
	}
}

func TestClosedReaderEndsAnAnswer(t *testing.T) {
	for _, form := range []string{"--stats", "--jsonl"} {
		cmd, out, errs := startEndless(t, "run", "m", "Hi", form)
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait() // its exit code is looked at below
		if code := cmd.ProcessState.ExitCode(); code != ExitDone || errs.Len() > 0 {
			t.Errorf("%s: got code %d, error %q; want 0 and silence", form, code, errs.String())
		}
	}
}

// tail is the end of a long text.
func tail(s string) string { return s[max(0, len(s)-200):] }
