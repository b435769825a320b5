//go:build unix

package app

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// fullDisk lets no file of this process grow beyond limit bytes, as a disk that is full,
// until it is called again with 0.
func fullDisk(t *testing.T) func(limit uint64) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ) // an error is enough
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	set := func(limit uint64) {
		now := before
		if limit > 0 {
			now.Cur = limit
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &now); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { set(0); signal.Reset(syscall.SIGXFSZ) })
	return set
}

// TestDiskFull: from the n-th thing on that happens the disk takes only so many bytes
// more, until there is room again. All the while "not saved" stays in sight, whatever
// else is said, nothing that was typed or answered is lost, and afterwards it is saved.
func TestDiskFull(t *testing.T) {
	const steps = 5
	for n := range steps {
		for _, room := range []int64{0, 1, 60, 200} {
			t.Run(fmt.Sprintf("%d/%d", n, room), func(t *testing.T) { chatOnFullDisk(t, n, room) })
		}
	}
}

func chatOnFullDisk(t *testing.T, n int, room int64) {
	set := fullDisk(t)
	b := newRobot(t, 80, 24, nil)
	journal := filepath.Join(b.dir, b.r.talk.ID()+".jsonl")
	full, tried := false, false
	said := func(text string) {
		b.say2(text)
		tried = full
	}
	inSight := func(when string) {
		t.Helper()
		if tried { // or nobody has noticed yet
			b.until("not saved "+when, func() bool { return strings.Contains(b.text(), "· not saved ·") })
		}
	}
	for i, step := range []func(){
		func() { said("one"); inSight("after an answer") },
		func() { b.typed("/set temperature 0.5"); b.keys("enter"); inSight("behind another notice") },
		func() { said("two"); inSight("after another answer") },
		func() { b.keys("esc"); inSight("after esc"); said("three"); inSight("after a third") },
		func() { b.typed("a draft"); inSight("while something is typed") },
	} {
		if i == n {
			size := int64(0)
			if info, err := os.Stat(journal); err == nil {
				size = info.Size()
			}
			set(uint64(max(1, size+room)))
			full = true
		}
		step()
	}
	if want := n < 4; tried != want {
		t.Fatalf("that the disk was full was noticed: %v, want %v: this test sees nothing", tried, want)
	}
	if got := b.r.composer.text(); got != "a draft" {
		t.Errorf("the draft is %q", got)
	}
	set(0)
	b.keys("ctrl+c")
	said("four")
	b.until("saved", func() bool { return !b.r.talk.Unsaved() })
	b.r.refresh()
	if text := b.text(); strings.Contains(text, "not saved") {
		t.Errorf("all is saved, and the screen is\n%s", text)
	}
	c, err := b.r.store.Read(b.r.talk.ID())
	if err != nil {
		t.Fatal(err)
	}
	var saved []string
	for _, m := range c.Shown() {
		saved = append(saved, m.Text)
	}
	want := ""
	for _, question := range []string{"one", "two", "three", "four"} {
		want += question + "|Under the **window**.|"
	}
	if got := strings.Join(saved, "|") + "|"; got != want {
		t.Errorf("saved is %q, want %q", got, want)
	}
}
