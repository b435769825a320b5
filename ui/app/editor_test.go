package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEditorOf(t *testing.T) {
	for _, test := range []struct {
		chosen string
		env    []string
		want   string
	}{
		{"", nil, ""},
		{"", []string{"EDITOR=vi"}, "vi"},
		{"", []string{"EDITOR=vi", "VISUAL=code --wait"}, "code --wait"},
		{"nano", []string{"EDITOR=vi", "VISUAL=code"}, "nano"},
		{"", []string{"EDITOR= "}, ""},
	} {
		if got := editorOf(test.chosen, test.env); got != test.want {
			t.Errorf("of %q and %q: got %q, want %q", test.chosen, test.env, got, test.want)
		}
	}
}

// TestEditor writes a message in an editor: what is in the composer goes there, what
// is in the file comes back, and the file is gone.
func TestEditor(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	b.r.config.Editor = "an editor"
	b.typed("half a thought")
	msg, ok := openEditor(b.r, "")().(toWriteMsg)
	if !ok || strings.Join(msg.command, " ") != "an editor" {
		t.Fatalf("got %+v", msg)
	}
	if text, err := os.ReadFile(msg.file); err != nil || string(text) != "half a thought" {
		t.Errorf("the file has %q (%v)", text, err)
	}
	if err := os.WriteFile(msg.file, []byte("one\r\ntwo\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.r.Update(readWritten(msg.folder, msg.file, nil))
	if got := b.r.composer.text(); got != "one\ntwo" {
		t.Errorf("the composer has %q", got)
	}
	if _, err := os.Stat(msg.folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there (%v)", err)
	}
	if b.keys("up"); !strings.Contains(b.text()+b.r.composer.draft, "one") {
		t.Error("what was written is lost to the history")
	}
}

// TestEditorFails expects nothing to be lost by an editor that is not there or ends
// badly.
func TestEditorFails(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	b.typed("a thought")
	if cmd := openEditor(b.r, ""); cmd != nil || !b.r.noticeBad {
		t.Error("without an editor there is no complaint")
	}
	b.r.config.Editor = "x"
	msg := openEditor(b.r, "")().(toWriteMsg)
	b.r.Update(readWritten(msg.folder, msg.file, errors.New("exit status 1")))
	if b.r.composer.text() != "a thought" || !b.r.noticeBad {
		t.Errorf("the composer has %q, the notice is %q", b.r.composer.text(), b.r.notice)
	}
	gone := readWritten(t.TempDir(), filepath.Join(t.TempDir(), "none"), nil)
	b.r.Update(gone)
	if gone.err == nil || b.r.composer.text() != "a thought" {
		t.Errorf("error %v, the composer has %q", gone.err, b.r.composer.text())
	}
}

// TestReady says how much of a reply is given out, by what the person chose.
func TestReady(t *testing.T) {
	for _, test := range []struct{ announce, text, want string }{
		{"off", "half a sen", "half a sen"},
		{"end", "One. Two.", ""},
		{"sentence", "half a sen", ""},
		{"sentence", "One. Two! Th", "One. Two! "},
		{"", "One?\nTwo", "One?\n"},
		{"", "好。好", "好。"},
		{"", "3.14", ""},
	} {
		p := &plain{config: Config{Announce: test.announce}}
		if got := test.text[:p.ready(test.text)]; got != test.want {
			t.Errorf("%s, %q: got %q, want %q", test.announce, test.text, got, test.want)
		}
	}
}
