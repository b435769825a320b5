//go:build unix

package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"

	"scout/sessions"
	"scout/ui/app"
	"scout/ui/talk"
)

// terminal is a terminal with a program in it: a pty, an emulator that draws what comes
// out of it, and all of that as it came.
type terminal struct {
	t         *testing.T
	pty, tty  *os.File
	emulator  *vt.SafeEmulator
	before    *term.State
	mu        sync.Mutex
	out       bytes.Buffer
	readers   sync.WaitGroup
	data      string // where the program keeps conversations
	beginning time.Time
}

func newScreen(t *testing.T, width, height int) *terminal {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		if os.Getenv("SCOUT_CI") != "" {
			t.Fatalf("this system has no pseudo-terminal: %v", err) // which CI promised
		}
		t.Skipf("this system has no pseudo-terminal: %v", err)
	}
	s := &terminal{t: t, pty: master, tty: slave, emulator: vt.NewSafeEmulator(width, height), data: t.TempDir()}
	if err := pty.Setsize(master, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		t.Fatal(err)
	}
	if s.before, err = term.GetState(slave.Fd()); err != nil {
		t.Fatal(err)
	}
	s.readers.Go(func() {
		buf := make([]byte, 32<<10)
		for {
			n, err := master.Read(buf)
			s.mu.Lock()
			s.out.Write(buf[:n])
			s.mu.Unlock()
			s.emulator.Write(buf[:n])
			if err != nil {
				return
			}
		}
	})
	go io.Copy(master, s.emulator) // what the terminal answers; ends with the emulator
	t.Cleanup(func() {
		slave.Close()
		master.Close()
		s.emulator.Close()
		s.readers.Wait()
	})
	return s
}

// start starts scout on the screen.
func (s *terminal) start(args ...string) *exec.Cmd {
	s.t.Helper()
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), asScout+"=1", "TERM=xterm-256color", "COLORTERM=truecolor", "NO_COLOR=", "ACCESSIBLE=",
		"XDG_DATA_HOME="+s.data, "XDG_CONFIG_HOME="+filepath.Join(s.data, "config"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.tty, s.tty, s.tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	s.beginning = time.Now()
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { cmd.Process.Kill() })
	return cmd
}

func (s *terminal) text() string { return s.emulator.String() }

// await waits until the screen shows a text.
func (s *terminal) await(text string) {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if strings.Contains(s.text(), text) {
			return
		}
	}
	s.t.Fatalf("%q is not on the screen:\n%s", text, s.text())
}

func (s *terminal) press(keys string) {
	s.t.Helper()
	if _, err := s.pty.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// exits waits for the end and expects an exit code.
func (s *terminal) exits(cmd *exec.Cmd, code int) {
	s.t.Helper()
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		s.t.Fatalf("it does not end; the screen is\n%s", s.text())
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		s.t.Errorf("exit code is %d, want %d; the screen is\n%s", got, code, s.text())
	}
}

var modeChange = regexp.MustCompile(`\x1b\[\?([\d;]+)([hl])|\x1b\[([<>=])[\d;]*u`)

// restored fails if the terminal is not as it was.
func (s *terminal) restored() {
	s.t.Helper()
	after, err := term.GetState(s.tty.Fd())
	if err != nil {
		s.t.Fatal(err)
	}
	if *after != *s.before {
		s.t.Errorf("the terminal's line discipline is %+v, was %+v", after, s.before)
	}
	time.Sleep(50 * time.Millisecond) // for what is on its way to the emulator
	s.mu.Lock()
	defer s.mu.Unlock()
	modes, keyboards := map[string]string{}, 0
	for _, m := range modeChange.FindAllStringSubmatch(s.out.String(), -1) {
		for _, mode := range strings.Split(m[1], ";") {
			modes[mode] = m[2]
		}
		switch m[3] {
		case ">":
			keyboards++
		case "<":
			keyboards--
		}
	}
	delete(modes, "")
	for mode, state := range modes {
		if want := map[bool]string{true: "h", false: "l"}[mode == "25"]; state != want {
			s.t.Errorf("mode %s is left at %q, want %q", mode, state, want)
		}
	}
	for _, mode := range []string{"1049", "2004", "1006"} {
		if modes[mode] == "" {
			s.t.Errorf("mode %s was never set: this test sees nothing", mode)
		}
	}
	if keyboards > 0 {
		s.t.Errorf("%d keyboard modes are left", keyboards)
	}
}

// TestScreen lives a short life in the app: start, the demo, a question, a picture, a
// theme, help, the end.
func TestScreen(t *testing.T) {
	s := newScreen(t, 80, 24)
	scout := s.start()
	s.await("No model is open yet")
	s.press("\r")
	s.await("is ready")
	s.press("Tell me a story")
	s.await("Tell me a story")
	s.press("\r")
	s.await("tok/s · ")
	s.await("tokens ·")
	picture, err := filepath.Glob(filepath.Join("testdata", "tiny-scout", "images", "*.png"))
	if err != nil || len(picture) == 0 {
		t.Fatalf("no picture in testdata: %v", err)
	}
	path, err := filepath.Abs(picture[0])
	if err != nil {
		t.Fatal(err)
	}
	s.press("\x1b[200~'" + path + "'\x1b[201~")
	s.await("▣1 " + filepath.Base(path))
	s.await("≈")
	s.press("What is this?\r")
	s.await("▣1 " + filepath.Base(path) + " ")
	s.press("\x14") // ctrl+t
	s.await("paper")
	s.press("\x1b[B\r")
	s.await("❯ Ask something")
	s.press("?")
	s.await("Keys and commands")
	s.press("\x1b")
	s.await("❯ Ask something")
	if err := pty.Setsize(s.pty, &pty.Winsize{Cols: 60, Rows: 16}); err != nil {
		t.Fatal(err)
	}
	s.emulator.Resize(60, 16)
	s.await("❯ Ask something")
	s.press("\x03")
	s.await("Press ctrl+c again to leave")
	s.press("\x03")
	s.exits(scout, 0)
	s.restored()
}

// TestScreenTerminated: kill saves, restores the terminal, and exits with 143.
func TestScreenTerminated(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP} {
		t.Run(name, func(t *testing.T) {
			s := newScreen(t, 80, 24)
			scout := s.start("chat", "demo")
			s.await("is ready")
			s.press("Remember me\r")
			s.await("tokens ·")
			s.press("a draft")
			s.await("a draft")
			if err := scout.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			s.exits(scout, 128+int(signal))
			s.restored()
			if !strings.Contains(s.text(), "not sent: a draft") {
				t.Errorf("the draft is lost; the screen is\n%s", s.text())
			}
			store, err := sessions.Open(filepath.Join(s.data, "scout", "sessions"))
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			list, err := store.List()
			if err != nil || len(list) != 1 || list[0].Title != "Remember me" || list[0].Messages != 2 {
				t.Errorf("saved are %+v, %v", list, err)
			}
		})
	}
}

// TestScreenPanic: the terminal is restored after a panic in a command, too.
func TestScreenPanic(t *testing.T) {
	s := newScreen(t, 80, 24)
	a, err := app.New(app.Config{
		Load: func(context.Context, string) (talk.Model, sessions.Model, error) {
			panic("on purpose")
		},
		Models: func() []app.ModelEntry { return []app.ModelEntry{{Name: "none"}} },
		In:     s.tty, Out: s.tty, Environ: []string{"TERM=xterm-256color"},
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(context.Background()) }()
	s.await("No model is open yet")
	s.press("\r")
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "panic") {
			t.Errorf("got %v, want a panic", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end")
	}
	s.restored()
}

// TestScreenPlain: plain mode answers, and writes no escape sequence.
func TestScreenPlain(t *testing.T) {
	s := newScreen(t, 80, 24)
	scout := s.start("chat", "demo", "--plain")
	s.await("You:")
	s.press("Tell me a story\r")
	s.await("Reply:")
	s.press("/quit\r")
	s.exits(scout, 0)
	s.mu.Lock()
	defer s.mu.Unlock()
	if out := s.out.String(); strings.Contains(out, "\x1b") || strings.Count(out, "You: ") < 2 {
		t.Errorf("wrote %q", out)
	}
}
