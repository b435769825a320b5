package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMention: a file that a message names by @path goes with it, once; what is no
// file stays a word.
func TestMention(t *testing.T) {
	b := newRobot(t, 80, 30, nil)
	path := b.file("photo.png")
	b.typed("Is @" + path + " like @" + path + "? Ask @someone at @" + filepath.Dir(path) + ".")
	b.keys("enter")
	b.settle()
	turn := b.r.talk.Turns()[0]
	if len(turn.Files) != 1 || turn.Files[0].Name != "photo.png" || !strings.HasPrefix(turn.Text, "Is @"+path) {
		t.Errorf("sent %+v", turn)
	}
}

// TestMentionUnreadable: a file that is there and cannot be read is not left out
// silently: the message comes back.
func TestMentionUnreadable(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	path := b.file("photo.png")
	if err := os.Truncate(path, 65<<20); err != nil {
		t.Fatal(err)
	}
	b.typed("What is @" + path + "?")
	b.keys("enter")
	b.until("back", func() bool { return !b.r.composer.empty() })
	if len(b.r.talk.Turns()) != 0 || !b.r.noticeBad {
		t.Errorf("said %q, the notice is %q", b.turns(), b.r.notice)
	}
}

// TestThumbsAgain: the pictures of a conversation that is opened again are drawn.
func TestThumbsAgain(t *testing.T) {
	b := newRobot(t, 80, 30, nil)
	b.typed("What is @" + b.file("photo.png") + "?")
	b.keys("enter")
	b.settle()
	id := b.r.talk.ID()
	b.keys("ctrl+n")
	b.until("new", func() bool { return !b.r.opening && len(b.r.transcript.items) == 0 })
	clear(b.r.thumbs)
	b.do(b.r.openSession(id))
	b.until("a picture", func() bool { return len(b.r.thumbs) == 1 && strings.Contains(b.text(), "▀") })
}
