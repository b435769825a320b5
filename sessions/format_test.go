package sessions

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the journal of this version in testdata anew")

// TestFormat holds what is written today against the journal that was written
// when the format was made, byte for byte, and expects that one to be read for
// ever.
func TestFormat(t *testing.T) {
	name := filepath.Join("testdata", "format-1.jsonl")
	today, _ := sampleJournal(t)
	if *update {
		if err := os.WriteFile(name, today, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	s, ended := loadState("sample", data, 0)
	if len(s.Damage) > 0 || !ended || s.Newer {
		t.Errorf("damage %v, ended %v, newer %v", s.Damage, ended, s.Newer)
	}
	if s.Title != "kitchen plan" || !s.Pinned || s.Head != 5 {
		t.Errorf("got %+v", s.Conversation)
	}
	wantTexts(t, s.Messages, "Where does the sink go? 世界", "Under the window.", "Look", "I see.", "And {\"n\":1} \n the oven?")
	if !bytes.Equal(today, data) {
		t.Errorf("what is written now differs from %s: if older versions still understand it, run with -update, or else raise formatVersion", name)
	}
}
