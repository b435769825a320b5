package sessions

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	// childEnv makes the test binary write into the store it names until it is
	// killed.
	childEnv = "SCOUT_SESSIONS_CHILD"
	// fullEnv makes the tests here run as often as a release wants, for an hour
	// or so.
	fullEnv = "SCOUT_SESSIONS_FULL"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		if err := writeUntilKilled(dir, os.Args[1]); err != nil {
			fmt.Println("error", err)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// writeUntilKilled talks in a session and tells standard output of everything
// that was acknowledged: "session ID", "safe N TEXT", "written N TEXT".
func writeUntilKilled(dir, id string) error {
	st, err := Open(dir)
	if err != nil {
		return err
	}
	s := st.New(nil)
	if id != "-" {
		if s, err = st.Open(id); err != nil {
			return err
		}
	}
	fmt.Println("session", s.ID())
	for i := 0; ; i++ {
		text := fmt.Sprintf("question-%d-%s", i, strings.Repeat("x", i*37%900))
		m, err := s.Append(s.Conversation().Head, Message{Role: User, Text: text})
		if err != nil {
			return err
		}
		fmt.Println("safe", m.ID, text)
		w, err := s.Begin(m.ID, sampleReply)
		if err != nil {
			return err
		}
		written := ""
		for j := range 6 {
			piece := fmt.Sprintf("piece-%d-%d,", i, j)
			if err := w.Write(piece); err != nil {
				return err
			}
			written += piece
			fmt.Println("written", w.ID(), written)
		}
		if _, err := w.End(sampleReply); err != nil {
			return err
		}
		fmt.Println("safe", w.ID(), written)
		if i%5 == 4 {
			if _, err := st.List(); err != nil {
				return err
			}
		}
	}
}

// TestKill kills a process that writes, at random times, and expects all that
// it was told to be safe, or written, to be there.
func TestKill(t *testing.T) {
	kills := 24
	if n, err := strconv.Atoi(os.Getenv(fullEnv)); err == nil && n > 1 {
		kills = n
	}
	dir := t.TempDir()
	st := must(Open(dir))(t)
	defer st.Close()
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	promised := map[int]string{}
	id := "-"
	torn, acknowledged := 0, 0
	for kill := range kills {
		if kill%40 == 0 {
			id, promised = "-", map[int]string{}
		}
		id = killOnce(t, dir, id, promised, rng)
		if id == "-" {
			continue // before anything was said
		}
		// One that was killed before it wrote left no session.
		c, err := st.Read(id)
		if err != nil && len(promised) > 0 {
			t.Fatalf("kill %d: %v", kill, err)
		}
		if err != nil {
			id = "-"
			continue
		}
		for n, want := range promised {
			if m, ok := c.Message(n); !ok || !strings.HasPrefix(m.Text, want) || m.Damaged {
				t.Fatalf("kill %d: message %d of %s is %+v, want %q; damage %v", kill, n, id, m, want, c.Damage)
			}
		}
		acknowledged = max(acknowledged, len(promised))
		for _, d := range c.Damage {
			if !d.Noted {
				torn++
			}
			if d.Missing > 0 {
				t.Fatalf("kill %d: %v", kill, d)
			}
		}
	}
	if acknowledged == 0 {
		t.Error("nothing was ever acknowledged: every process was killed too early")
	}
	t.Logf("%d kills, %d left a torn record, at most %d messages in a session", kills, torn, acknowledged)
}

// killOnce runs the writer for a random time and enters its promises.
func killOnce(t *testing.T, dir, id string, promised map[int]string, rng *rand.Rand) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], id)
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	first, _ := lines.ReadString('\n') // it is running from here on
	time.AfterFunc(time.Duration(rng.IntN(12_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
	rest, _ := io.ReadAll(lines)
	_ = cmd.Wait() // it was killed
	for line := range strings.Lines(first + string(rest)) {
		words := strings.Fields(line)
		if !strings.HasSuffix(line, "\n") || len(words) < 2 {
			continue // cut in the middle: not a promise
		}
		switch words[0] {
		case "session":
			id = words[1]
		case "safe", "written":
			n, err := strconv.Atoi(words[1])
			if err != nil || len(words) != 3 {
				t.Fatalf("the writer said %q", line)
			}
			promised[n] = words[2]
		default:
			t.Fatalf("the writer said %q", line)
		}
	}
	return id
}
