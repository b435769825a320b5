//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"scout/sessions"
)

// tmuxWait is how long the screen may take to show what is waited for.
const tmuxWait = 30 * time.Second

// tmux is a shell in a terminal of tmux, a server of its own.
type tmux struct {
	t      *testing.T
	socket string
	env    []string
}

// newTmux starts a shell in which "scout" is this program.
func newTmux(t *testing.T, width, height int) *tmux {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("SCOUT_CI") != "" {
			t.Fatalf("there is no tmux: %v", err) // which CI promised
		}
		t.Skipf("there is no tmux: %v", err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "tmux") // short: the path of a socket has a limit
	if err != nil {
		t.Fatal(err)
	}
	x := &tmux{t: t, socket: filepath.Join(dir, "s")}
	x.env = append(os.Environ(), "TERM=xterm-256color", "NO_COLOR=", "ACCESSIBLE=", "ENV=", "PS1=$ ",
		"XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+filepath.Join(dir, "config"), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"))
	t.Cleanup(func() {
		_ = x.command("kill-server").Run() // it may have ended
		os.RemoveAll(dir)
	})
	x.run("new-session", "-d", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height), "sh")
	x.run("set-option", "-g", "status", "off")
	x.run("set-option", "-g", "window-size", "manual")
	x.run("resize-window", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height))
	x.shell("scout() { " + asScout + "=1 '" + self + "' \"$@\"; }")
	return x
}

func (x *tmux) command(args ...string) *exec.Cmd {
	cmd := exec.Command("tmux", append([]string{"-f", os.DevNull, "-S", x.socket}, args...)...)
	cmd.Env = x.env
	return cmd
}

// run runs a command of tmux and gives what it writes.
func (x *tmux) run(args ...string) string {
	x.t.Helper()
	out, err := x.command(args...).CombinedOutput()
	if err != nil {
		x.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// keys presses keys by tmux's names; typed types a text.
func (x *tmux) keys(names ...string) { x.t.Helper(); x.run(append([]string{"send-keys"}, names...)...) }
func (x *tmux) typed(text string)    { x.t.Helper(); x.run("send-keys", "-l", text) }
func (x *tmux) shell(line string)    { x.t.Helper(); x.typed(line); x.keys("Enter") }
func (x *tmux) text() string         { x.t.Helper(); return x.run("capture-pane", "-p") }
func (x *tmux) ask(what string) string {
	x.t.Helper()
	return strings.TrimSpace(x.run("display-message", "-p", what))
}

// pasted pastes a text as a terminal does, bracketed if the program asked for that.
func (x *tmux) pasted(text string) {
	x.t.Helper()
	x.run("set-buffer", "-b", "p", text)
	x.run("paste-buffer", "-p", "-b", "p")
}

// until waits until something is so of the screen.
func (x *tmux) until(what string, so func(screen string) bool) {
	x.t.Helper()
	for end := time.Now().Add(tmuxWait); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if so(x.text()) {
			return
		}
	}
	x.t.Fatalf("not yet: %s; the screen is\n%s", what, x.text())
}

func (x *tmux) await(text string) {
	x.t.Helper()
	x.until(text, func(screen string) bool { return strings.Contains(screen, text) })
}

// modes is the state of the terminal that a program may change and has to give back.
func (x *tmux) modes() string {
	x.t.Helper()
	file := filepath.Join(filepath.Dir(x.socket), "stty")
	os.Remove(file)
	x.shell("stty -g > '" + file + ".new' && mv '" + file + ".new' '" + file + "'")
	var state []byte
	for end := time.Now().Add(tmuxWait); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var err error
		if state, err = os.ReadFile(file); err == nil {
			break
		}
	}
	if len(state) == 0 {
		x.t.Fatalf("the shell does not answer; the screen is\n%s", x.text())
	}
	return strings.TrimSpace(string(state)) + x.ask(" screen #{alternate_on} cursor #{cursor_flag} keypad #{keypad_flag} #{keypad_cursor_flag}"+
		" mouse #{mouse_any_flag} #{mouse_sgr_flag} origin #{origin_flag} wrap #{wrap_flag} insert #{insert_flag}")
}

// finished is the line under a reply.
var finished = regexp.MustCompile(`tokens · [\d.]+ tok/s\n`)

// idle is whether the app's screen says that nothing is being written.
func idle(screen string) bool { return strings.Contains(screen, "\n ○ ") }

// answered waits for the answer to a question.
func (x *tmux) answered(question string) {
	x.t.Helper()
	x.until("an answer to "+question, func(s string) bool {
		_, after, ok := strings.Cut(s, "  "+question+"\n")
		return ok && finished.MatchString(after) && idle(s)
	})
}

// TestTmux lives a whole life of the app in tmux: a question, a picture, a reply that is
// stopped, an edit, a theme, another size, the end. Afterwards the terminal is as it was.
func TestTmux(t *testing.T) {
	x := newTmux(t, 80, 24)
	before := x.modes()
	x.shell("scout chat demo; echo exit=$?")
	x.await("is ready")
	if during := x.ask("#{alternate_on} #{mouse_any_flag}"); during != "1 1" {
		t.Errorf("in the app the screen and the mouse are %q: this test sees nothing", during)
	}
	x.typed("Tell me a story")
	x.keys("Enter")
	x.answered("Tell me a story")
	picture, err := filepath.Abs(filepath.Join("testdata", "tiny-scout", "images", "01-red-circle.png"))
	if err != nil {
		t.Fatal(err)
	}
	x.pasted("'" + picture + "'")
	x.await("▣1 01-red-circle.png")
	x.await("≈")
	x.typed("What is this?")
	x.keys("Enter")
	x.answered("What is this?")
	x.typed("/set temperature 8") // so that it does not come to an end soon
	x.keys("Enter")
	x.await("temperature")
	x.typed("Count to a million")
	x.keys("Enter", "Escape")
	time.Sleep(200 * time.Millisecond) // a key right behind escape is one with alt
	x.until("the end of a reply", func(s string) bool { return strings.Contains(s, "  Count to a million\n") && idle(s) })
	x.typed("/set temperature 0")
	x.keys("Enter")
	x.await("temperature is 0")
	x.typed("/edit")
	x.keys("Enter")
	x.await("❯ Count to a million")
	x.keys("C-u")
	x.await("❯ Ask something")
	x.typed("Count to two")
	x.keys("Enter")
	x.answered("Count to two")
	x.keys("C-t")
	x.await("paper")
	x.keys("Down", "Enter")
	x.await("❯ Ask something")
	for _, size := range [][2]int{{60, 16}, {130, 40}, {30, 8}, {80, 24}} {
		x.run("resize-window", "-x", fmt.Sprint(size[0]), "-y", fmt.Sprint(size[1]))
		want := "❯ Ask something"
		if size[0] < 40 {
			want = "Too small: 30×8"
		}
		x.await(want)
	}
	x.typed("/quit")
	x.keys("Enter")
	x.await("exit=0")
	if after := x.modes(); after != before {
		t.Errorf("the terminal is %s\nwas             %s", after, before)
	}
}

// TestTmuxKilled kills the app while it writes: the conversation is there again as far
// as the journal had it, and can be gone on with.
func TestTmuxKilled(t *testing.T) {
	x := newTmux(t, 100, 40)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(x.socket)
	folder := filepath.Join(dir, "scout", "sessions")
	for try := range 20 {
		os.RemoveAll(folder)
		pidFile := filepath.Join(dir, fmt.Sprint("pid", try))
		x.shell("clear; sh -c 'echo $$ > " + pidFile + "; exec env " + asScout + "=1 " + self + " chat demo'")
		x.await("is ready")
		x.typed("/set temperature 8") // so that it does not come to an end soon
		x.keys("Enter")
		x.await("temperature is 8")
		x.typed("Count to a million")
		x.keys("Enter")
		seen := x.inJournal(folder)
		text, err := os.ReadFile(pidFile)
		if err != nil {
			t.Fatal(err)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		x.await("Killed")
		x.typed("stty sane; echo $((6*7)) modes") // which nobody has given back
		x.keys("C-j")
		x.await("42 modes")
		reply := lastReply(t, folder)
		if !strings.HasPrefix(reply.Text, seen) || seen == "" {
			t.Fatalf("the journal had %q, afterwards there is %q", seen, reply.Text)
		}
		if !reply.Unfinished {
			continue // it was too late
		}
		x.shell("clear; scout chat demo -c; echo exit=$?")
		x.await("left unfinished: /continue goes on")
		x.await("Count to a million")
		words := strings.Fields(strings.ToValidUTF8(reply.Text, ""))
		for _, word := range words[max(0, len(words)-3):] {
			if ascii(word) {
				x.await(word)
			}
		}
		x.typed("/quit")
		x.keys("Enter")
		x.await("exit=0")
		return
	}
	t.Error("in 20 tries no reply was still being written when it was killed")
}

// inJournal waits until the journal has some of a reply, and gives it.
func (x *tmux) inJournal(folder string) string {
	x.t.Helper()
	for end := time.Now().Add(tmuxWait); time.Now().Before(end); time.Sleep(time.Millisecond) {
		journals, _ := filepath.Glob(filepath.Join(folder, "*.jsonl")) // the pattern is well formed
		for _, journal := range journals {
			data, err := os.ReadFile(journal)
			if err != nil || strings.Count(string(data), "\n") < 5 {
				continue
			}
			copied := x.t.TempDir()
			if err := os.WriteFile(filepath.Join(copied, filepath.Base(journal)), data, 0o600); err != nil {
				x.t.Fatal(err)
			}
			if m := lastReply(x.t, copied); m.Text != "" {
				return m.Text
			}
		}
	}
	x.t.Fatalf("nothing is saved; the screen is\n%s", x.text())
	return ""
}

// lastReply is the last reply in a folder of one conversation.
func lastReply(t *testing.T, folder string) (last sessions.Message) {
	t.Helper()
	store, err := sessions.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	list, err := store.List()
	if err != nil || len(list) != 1 {
		t.Fatalf("the conversations are %+v, %v", list, err)
	}
	c, err := store.Read(list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range c.Shown() {
		if m.Role == sessions.Assistant {
			last = m
		}
	}
	return last
}

func ascii(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune("*_`#<>|[]\\&", c) }) < 0
}
