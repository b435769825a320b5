package app

import (
	"strings"
	"testing"
	"time"
)

// TestBurst: a drop that comes key by key is a drop; what was written before stays, and
// enter inside of it sends nothing.
func TestBurst(t *testing.T) {
	for _, c := range []struct {
		name, before, after string
		quoted              bool
		enter               bool
		want                string
	}{
		{name: "a path"},
		{name: "in quotes", quoted: true},
		{name: "with enter", enter: true},
		{name: "behind words", before: "Look at ", want: "Look at "},
		{name: "before words", after: " please", want: " please"},
	} {
		b := newRobot(t, 80, 24, nil)
		path := b.file("photo.png")
		if c.quoted {
			path = "'" + path + "' "
		}
		now := clock
		b.r.now = func() time.Time { return now }
		b.typed(c.before)
		now = now.Add(time.Second)
		b.typed(path)
		if c.enter {
			b.send(keyNamed("enter"))
		}
		if c.after != "" { // written while the disk is asked
			msg := b.r.burstOver(burstMsg{b.r.keys})
			now = now.Add(time.Second)
			b.typed(c.after)
			b.do(msg)
		}
		b.until(c.name, func() bool { return len(b.r.chips) == 1 })
		if got := b.r.composer.text(); got != c.want || len(b.r.talk.Turns()) != 0 {
			t.Errorf("%s: %q is written, %d are sent", c.name, got, len(b.r.talk.Turns()))
		}
	}
}

// TestBurstGoesOn: what has come of a drop so far is not taken for all of it.
func TestBurstGoesOn(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	path := b.file("photo.png")
	b.typed(path[:len(path)-4])
	early := burstMsg{b.r.keys}
	b.typed(path[len(path)-4:])
	if b.r.burstOver(early) != nil {
		t.Error("it is taken before its end")
	}
	b.until("a chip", func() bool { return len(b.r.chips) == 1 })
	if got := b.r.composer.text(); got != "" {
		t.Errorf("%q is written", got)
	}
}

// TestBurstFolder: that a folder cannot be attached is said, and its path stays.
func TestBurstFolder(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	b.typed(b.dir)
	b.until("told", func() bool { return b.r.noticeBad })
	if got := b.r.composer.text(); got != b.dir || len(b.r.chips) != 0 {
		t.Errorf("%q is written, the notice is %q", got, b.r.notice)
	}
}

// TestNoBurst: what is no drop stays as it was typed, and enter sends it.
func TestNoBurst(t *testing.T) {
	for _, c := range []struct {
		name, text string
		pause      time.Duration // between two keys
	}{
		{"a path that is not there", "/no/such/file.png", 0},
		{"a path in words", "see /etc/passwd", 0},
		{"words", "hello, how are you?", 0},
		{"a path that is typed by hand", "", 80 * time.Millisecond},
	} {
		b := newRobot(t, 80, 24, nil)
		if c.text == "" {
			c.text = b.file("photo.png")
		}
		now := clock
		b.r.now = func() time.Time { return now }
		for _, key := range c.text {
			now = now.Add(c.pause)
			b.typed(string(key))
		}
		now = now.Add(time.Second)
		b.settle()
		time.Sleep(60 * time.Millisecond) // the burst is over by then
		b.settle()
		if got := b.r.composer.text(); got != c.text || len(b.r.chips) != 0 || b.r.noticeBad {
			t.Errorf("%s: %q is written, %d chips, notice %q", c.name, got, len(b.r.chips), b.r.notice)
		}
	}
}

// TestCommandAtOnce: a command that another program types is a command.
func TestCommandAtOnce(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	b.typed("/theme paper")
	b.keys("enter")
	b.until("the theme", func() bool { return b.r.theme.Name == "paper" })
	b.typed("/sessionss")
	b.keys("enter")
	if !strings.Contains(b.r.notice, "no command") || strings.Contains(b.r.composer.text(), "\n") {
		t.Errorf("the notice is %q", b.r.notice)
	}
}
