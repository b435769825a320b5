package talk

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"scout/engine"
	"scout/sessions"
)

// childEnv makes the test binary talk in the store it names until it is killed.
const childEnv = "SCOUT_TALK_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		fmt.Println("error", talkUntilKilled(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// talkUntilKilled talks, and tells standard output what is to be safe: "asked N" when
// the model begins to answer question N, and "answered N" when the next is asked.
func talkUntilKilled(dir string) error {
	st, err := sessions.Open(dir)
	if err != nil {
		return err
	}
	m := newFake()
	m.script = func(call int, _ string, _ engine.Sampling) []step {
		if call > 0 {
			fmt.Println("answered", call-1)
		}
		fmt.Println("asked", call)
		steps := []step{{read: 1}}
		for i := range 20 {
			steps = append(steps, step{wait: 50 * time.Microsecond, text: fmt.Sprintf("word-%d ", i)})
		}
		return append(steps, step{done: engine.EndOfTurn})
	}
	k, err := Open(Options{Store: st, Model: m})
	if err != nil {
		return err
	}
	fmt.Println("session", k.ID())
	for i := range 10_000 {
		if err := k.Send(fmt.Sprintf("question-%d", i), nil); err != nil {
			return err
		}
	}
	for k.Wait(context.Background()) {
	}
	return k.Close()
}

// TestKill kills a process that talks, at random moments, and expects what was asked and
// answered by then to be there when the session is opened again.
func TestKill(t *testing.T) {
	answer := ""
	for i := range 20 {
		answer += fmt.Sprintf("word-%d ", i)
	}
	most := 0
	for range 8 {
		st, dir := testStore(t)
		id, asked, answered := killOnce(t, dir)
		if asked == 0 {
			continue
		}
		k, err := Open(Options{Store: st, Session: id})
		must(t, err)
		turns := k.Turns()
		for i := range asked {
			if 2*i >= len(turns) || turns[2*i].Text != fmt.Sprintf("question-%d", i) {
				t.Fatalf("question %d of %d is not in %s", i, asked, said(turns))
			}
		}
		for i := range answered {
			if 2*i+1 >= len(turns) || turns[2*i+1].Text != answer || turns[2*i+1].Unfinished {
				t.Fatalf("answer %d of %d is not in %s", i, answered, said(turns))
			}
		}
		if last := turns[len(turns)-1]; !strings.HasPrefix(answer, last.Text) && last.Role == sessions.Assistant {
			t.Errorf("the last answer is %q", last.Text)
		}
		must(t, k.Close())
		most = max(most, answered)
	}
	if most == 0 {
		t.Error("nothing was ever answered: every process was killed too early")
	}
}

// killOnce runs a process that talks, and kills it.
func killOnce(t *testing.T, dir string) (id string, asked, answered int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := bufio.NewReader(out)
	var heard strings.Builder
	for range 1 + rand.IntN(30) {
		line, _ := lines.ReadString('\n')
		heard.WriteString(line)
	}
	time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond) // to somewhere between two promises
	_ = cmd.Process.Kill()
	rest, _ := io.ReadAll(lines)
	_ = cmd.Wait() // it was killed
	heard.Write(rest)
	for line := range strings.Lines(heard.String()) {
		word, arg, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		n, _ := strconv.Atoi(arg)
		switch {
		case !strings.HasSuffix(line, "\n"): // cut in the middle: not a promise
		case word == "session":
			id = arg
		case word == "asked":
			asked = n + 1
		case word == "answered":
			answered = n + 1
		default:
			t.Fatalf("the process said %q", line)
		}
	}
	return id, asked, answered
}

// TestManyGoroutines calls everything from several goroutines at once, and expects the
// session to have what the talk says it has.
func TestManyGoroutines(t *testing.T) {
	st, _ := testStore(t)
	m := newFake()
	m.script = func(_ int, told string, p engine.Sampling) []step {
		return []step{{read: 1}, {text: reply(told, p.Seed)}, {text: " and"}, {text: " so on"}, {done: engine.EndOfTurn}}
	}
	k := begun(t, Options{Store: st, Model: m})
	other := newFake("other")
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(g), 1))
			for i := range 120 {
				id := 1 + rng.IntN(20)
				switch rng.IntN(14) {
				case 0, 1, 2:
					if err := k.Send(fmt.Sprintf("q%d-%d", g, i), nil); err != nil {
						t.Error(err)
					}
				case 3:
					k.Stop()
				case 4:
					k.Resume()
				case 5:
					_ = k.Edit(id, "edited") // it may be busy
				case 6:
					_ = k.Regenerate()
				case 7:
					_ = k.Show(id)
				case 8:
					_ = k.Continue()
				case 9:
					k.SetSystem(fmt.Sprint("system ", g))
				case 10:
					k.SetSampling(engine.Sampling{Temperature: 1, Stop: []string{"x"}})
				case 11:
					_ = k.SetModel([]Model{m, other}[rng.IntN(2)], sessions.Model{Name: "x"})
				case 12:
					k.Unqueue(0)
				}
				if turns := k.Turns(); len(turns) > 0 {
					k.Branches(turns[len(turns)-1].ID)
				}
				k.LiveText()
				k.Live()
				k.Notice()
				k.Queue()
				k.Conversation()
				time.Sleep(time.Duration(rng.IntN(200)) * time.Microsecond)
			}
		})
	}
	all.Wait()
	k.Stop()
	must(t, k.Close())
	want := k.Conversation()
	got, err := st.Read(k.ID())
	must(t, err)
	if len(want.Messages) < 20 || len(got.Messages) != len(want.Messages) || got.Head != want.Head {
		t.Fatalf("saved are %d messages up to %d, want %d up to %d", len(got.Messages), got.Head, len(want.Messages), want.Head)
	}
	for i, w := range want.Messages {
		if g := got.Messages[i]; g.ID != w.ID || g.Parent != w.Parent || g.Text != w.Text || g.Role != w.Role || g.Unfinished != w.Unfinished || !g.Time.Equal(w.Time) && w.Role != sessions.Assistant {
			t.Errorf("saved is %+v, want %+v", g, w)
		}
	}
	if m.opened != m.closed || other.opened != other.closed {
		t.Errorf("of %d and %d sequences %d and %d were closed", m.opened, other.opened, m.closed, other.closed)
	}
}
