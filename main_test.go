package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// asScout is set in the environment of a copy of this test that is to be scout.
const asScout = "SCOUT_TEST_AS_SCOUT"

func TestMain(m *testing.M) {
	if os.Getenv(asScout) != "" {
		main() // which exits
	}
	testscript.Main(m, map[string]func(){"scout": main})
}

// TestScripts runs the whole program as people and pipelines do. The scripts
// are testdata/script/*.txtar; beside testscript's own commands they have
//
//	exits CODE COMMAND ARGS...   run a command and expect this exit code
//	cut FROM BYTES TO            copy the first bytes of a file
//	size FILE BYTES              expect a file of this size
//
// and $MODELS and $PICTURES, folders of testdata.
func TestScripts(t *testing.T) {
	models, err := filepath.Abs(filepath.Join("testdata", "models"))
	if err != nil {
		t.Fatal(err)
	}
	pictures, err := filepath.Abs(filepath.Join("testdata", "tiny-scout", "images"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			env.Setenv("MODELS", models)
			env.Setenv("PICTURES", pictures)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"cut":   cut,
			"size":  size,
		},
	})
}

// exits runs a command and expects an exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	var failed *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &failed):
		code = failed.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if code != want {
		ts.Fatalf("exit code is %d, want %d", code, want)
	}
}

// cut copies the first bytes of a file.
func cut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: cut FROM BYTES TO")
	}
	whole, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	if n > len(whole) {
		ts.Fatalf("%s has %d bytes, want at least %d", args[0], len(whole), n)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), whole[:n], 0o600))
}

// size expects a file of a size.
func size(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: size FILE BYTES")
	}
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := strconv.FormatInt(info.Size(), 10); got != args[1] {
		ts.Fatalf("%s has %s bytes, want %s", args[0], got, args[1])
	}
}
