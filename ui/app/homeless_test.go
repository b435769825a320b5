package app

import (
	"errors"
	"strings"
	"testing"

	"scout/sessions"
)

// TestNotSaved: where conversations cannot be opened the app goes on, and says so for
// as long as it lasts.
func TestNotSaved(t *testing.T) {
	b := newRobot(t, 80, 24, func(c *Config) {
		c.OpenStore = func() (*sessions.Store, error) { return nil, errors.New("no such folder") }
	})
	b.say("Under the window.")
	b.settle()
	b.keys("esc")
	if text := b.text(); !strings.Contains(text, "· not saved ·") || !strings.Contains(text, "Under the window.") {
		t.Errorf("the screen is\n%s", text)
	}
	if saved := newRobot(t, 80, 24, nil); strings.Contains(saved.text(), "not saved") {
		t.Error("where they are saved it says that they are not")
	}
}
