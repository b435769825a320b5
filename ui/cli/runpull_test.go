package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"scout/downloads"
)

// runAs runs a model as a person at a terminal who types something.
func runAs(t *testing.T, name, input string, want int) (out, errs string) {
	t.Helper()
	a := newTestApp(t, newFakeModel("hello"))
	a.terminal(input)
	a.openModel = a.files.open
	if code := a.run("run", name, "Hi", "--max-tokens", "1"); code != want {
		t.Errorf("run %s with %q typed: exit code %d, want %d\n%s", name, input, code, want, a.err.String())
	}
	return a.out.String(), a.err.String()
}

// A model that is not here is fetched if the person says yes, and answers.
func TestRunFetches(t *testing.T) {
	r := hubWith(t)
	for _, no := range []string{"", "n\n"} {
		_, errs := runAs(t, hubModel, no, ExitError)
		mustContain(t, errs, "is not here: looking for it", "Download 7.6 MB? [y/N]", "'scout pull "+hubModel+"' fetches it")
	}
	if r.Sent() != 0 {
		t.Errorf("%d bytes were sent", r.Sent())
	}
	out, errs := runAs(t, hubModel, "y\n", ExitDone)
	mustContain(t, errs, "hf.co/"+hubModel+" is here (7.6 MB, all checksums right)")
	if out == "" || strings.Contains(out, "is here") {
		t.Errorf("the answer is %q", out)
	}
	_, errs = runAs(t, hubModel, "", ExitDone)
	if strings.Contains(errs, "[y/N]") {
		t.Errorf("it was asked again: %q", errs)
	}
	// A file of it that goes is fetched again.
	scoutCommand(t, ExitDone, "rm", hubModel)
	_, errs = runAs(t, hubRepo, "y\n", ExitDone) // the only one of its repository
	mustContain(t, errs, "Download 7.6 MB?")
}

// What a hub may have is offered, also to be finished; what no hub has is not.
func TestCanBeFetched(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{errors.New("some other failure"), false},
		{fmt.Errorf("opening: %w", &notHereError{"a/b", fs.ErrNotExist}), true},
		{&downloads.IncompleteError{Name: "a/b"}, true},
		{&downloads.IncompleteError{Name: "a/b", Lost: true}, false},
	} {
		if got := canBeFetched(test.err); got != test.want {
			t.Errorf("canBeFetched(%v) = %v", test.err, got)
		}
	}
}

// Names that mean nothing, or several things, are said so.
func TestRunFetchesNothing(t *testing.T) {
	r := hubWith(t)
	_, errs := runAs(t, "someone/Other-GGUF", "y\n", ExitError)
	mustContain(t, errs, "there is no repository someone/Other-GGUF")
	for _, path := range []string{"./nothing.gguf", "nothing.gguf"} {
		_, errs = runAs(t, path, "y\n", ExitError)
		if strings.Contains(errs, "looking for it") {
			t.Errorf("the hub was asked for a path: %q", errs)
		}
	}
	t.Setenv("HF_HUB_OFFLINE", "1")
	_, errs = runAs(t, hubModel, "y\n", ExitError)
	mustContain(t, errs, "HF_HUB_OFFLINE is set, so no hub is asked")
	t.Setenv("HF_HUB_OFFLINE", "")
	// Without a terminal nobody is asked, neither the person nor a hub.
	a := newTestApp(t, newFakeModel("hello"))
	a.openModel = a.files.open
	if code := a.run("run", hubModel, "Hi"); code != ExitError || strings.Contains(a.err.String(), "[y/N]") || r.Sent() != 0 {
		t.Errorf("exit code %d, %q", code, a.err.String())
	}
	a = newTestApp(t, newFakeModel("hello"))
	a.terminal("")
	a.openModel = a.files.open
	a.In = interrupting{a.signals, make(chan struct{})}
	if code := a.run("run", hubModel, "Hi"); code != ExitInterrupted {
		t.Errorf("exit code %d after Ctrl+C at the question\n%s", code, a.err.String())
	}
	if _, err := os.Stat(os.Getenv("SCOUT_MODELS") + "/manifests"); err == nil {
		t.Error("something was put into the store")
	}
}
