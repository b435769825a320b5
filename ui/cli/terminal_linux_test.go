package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestChatAtATerminal talks to a process through a pseudo-terminal: the keys
// arrive as bytes, Ctrl+C as the signal that the terminal makes of it.
func TestChatAtATerminal(t *testing.T) {
	keyboard, screen := openTerminal(t)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "run", "m")
	cmd.Env = append(os.Environ(), endlessAnswer+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = screen, screen, screen
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() }) // for a test that failed on the way
	screen.Close()

	var seen bytes.Buffer
	from := 0 // of seen, what the step before has not looked at
	for _, s := range []struct{ expect, keys string }{
		{"/help lists the commands.\r\n> ", "Hi\n"},
		{"word word ", "\x03"},
		{"\r\n(stopped)\r\n> ", "/help\n"},
		{"Ctrl+D)\r\n", "\x04"},
	} {
		if err := readUntil(keyboard, &seen, from, s.expect); err != nil {
			t.Fatalf("waiting for %q: %v; the screen shows %q", s.expect, err, tail(seen.String()))
		}
		from = seen.Len()
		if _, err := io.WriteString(keyboard, s.keys); err != nil {
			t.Fatal(err)
		}
	}
	io.Copy(&seen, keyboard) // ends with an error when the process has closed its side
	if err := cmd.Wait(); err != nil {
		t.Errorf("leaving with Ctrl+D: %v; the screen shows %q", err, tail(seen.String()))
	}
	if i := strings.Index(seen.String(), "\x1b"); i >= 0 {
		t.Errorf("an escape byte on the screen, at %d of %q", i, tail(seen.String()))
	}
}

// readUntil reads until text has come, at from or later.
func readUntil(r io.Reader, seen *bytes.Buffer, from int, text string) error {
	b := make([]byte, 4096)
	for !strings.Contains(seen.String()[from:], text) {
		n, err := r.Read(b)
		seen.Write(b[:n])
		if err != nil {
			return err
		}
	}
	return nil
}

// openTerminal makes a pseudo-terminal: the side of the person and the side of
// the program (pty(7)).
func openTerminal(t *testing.T) (keyboard, screen *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		if os.Getenv("SCOUT_CI") != "" {
			t.Fatalf("CI promises pseudo-terminals: %v", err)
		}
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { keyboard.Close() })
	fd := int(keyboard.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	return keyboard, screen
}
