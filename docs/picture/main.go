// Command picture makes docs/chat.svg, the picture in README.md: it builds scout,
// runs it in a terminal of its own, says something to the demo model, and draws the
// screen as it is then. Run it anywhere in the repository:
//
//	go run ./docs/picture
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// The terminal's size in cells.
const (
	columns = 92
	rows    = 30
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

func run() error {
	root, err := repository()
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "picture-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	program := filepath.Join(scratch, "scout")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir, build.Stderr = root, os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building scout: %w", err)
	}
	t, err := start(program, scratch)
	if err != nil {
		return err
	}
	defer t.stop()
	if err := t.play(script(filepath.Join(root, "testdata", "tiny-scout", "images"))); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return os.WriteFile(filepath.Join(root, "docs", "chat.svg"), draw(t.screen), 0o644)
}

// repository is the folder that go.mod is in.
func repository() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("finding the repository: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// step is something to type once a text is on the screen.
type step struct{ await, keys string }

// script is what happens before the picture is taken. A dropped file arrives as a
// paste of its path.
func script(pictures string) []step {
	return []step{
		{"chat with the demo model", "\r"},
		{"is ready", "Who are you?\r"},
		{"43 tokens", "\x1b[200~" + filepath.Join(pictures, "06-red-circle-blue-square.png") + "\x1b[201~"},
		{"1 tile", "What is in this picture?\r"},
		{"blue square", "And what is a router?"},
		{"And what is a router?", ""},
	}
}

// terminal is a program in a terminal that nobody sees.
type terminal struct {
	cmd    *exec.Cmd
	file   *os.File
	mu     sync.Mutex
	screen *vt.Emulator
}

func start(program, scratch string) (*terminal, error) {
	t := &terminal{cmd: exec.Command(program), screen: vt.NewEmulator(columns, rows)}
	t.cmd.Env = append(os.Environ(), "TERM=xterm-256color", "COLORTERM=truecolor", "NO_COLOR=",
		"XDG_DATA_HOME="+scratch, "XDG_CONFIG_HOME="+scratch, "XDG_CACHE_HOME="+scratch)
	var err error
	if t.file, err = pty.StartWithSize(t.cmd, &pty.Winsize{Cols: columns, Rows: rows}); err != nil {
		return nil, fmt.Errorf("starting scout in a terminal: %w", err)
	}
	go t.show()
	go t.answer()
	return t, nil
}

// show puts what the program writes on the screen.
func (t *terminal) show() {
	buffer := make([]byte, 64<<10)
	for {
		n, err := t.file.Read(buffer)
		t.mu.Lock()
		_, _ = t.screen.Write(buffer[:n]) // into memory
		t.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// answer hands the program what the terminal says to its questions.
func (t *terminal) answer() {
	buffer := make([]byte, 4<<10)
	for {
		n, err := t.screen.Read(buffer)
		if err != nil {
			return
		}
		if _, err := t.file.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (t *terminal) stop() {
	_ = t.cmd.Process.Kill() // it may have ended
	_ = t.cmd.Wait()
	t.file.Close()
}

// play types what the steps say.
func (t *terminal) play(steps []step) error {
	for _, s := range steps {
		if err := t.await(s.await); err != nil {
			return err
		}
		if _, err := t.file.WriteString(s.keys); err != nil {
			return err
		}
	}
	return nil
}

// await waits for a text on the screen, and for the screen to come to rest.
func (t *terminal) await(text string) error {
	const patience = 30 * time.Second
	before := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(400 * time.Millisecond) {
		t.mu.Lock()
		now := t.screen.String()
		t.mu.Unlock()
		if strings.Contains(now, text) && now == before {
			return nil
		}
		before = now
	}
	return fmt.Errorf("after %v %q is not on the screen:\n%s", patience, text, before)
}
