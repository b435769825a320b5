package app

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"scout/ui/drop"
)

// burstMsg is that nothing was typed for a moment after so many keys.
type burstMsg struct{ keys int }

// burstKey takes a key that writes, so that a drop which the terminal types key by key
// is noticed. taken is that the key belongs to one and does nothing else.
func (r *root) burstKey(name string, k tea.KeyPressMsg) (cmd tea.Cmd, taken bool) {
	now := r.now()
	text := k.Text
	if k.Mod&^tea.ModShift != 0 {
		text = ""
	}
	if name == "enter" && r.burst.Active(now) && !r.commanding() {
		text, taken = "\n", true
		r.composer.area.InsertString(text)
	}
	r.burst.Type(text, now)
	r.keys++
	if !r.burst.Active(now) {
		return nil, taken
	}
	msg := burstMsg{r.keys}
	return tea.Tick(drop.BurstSettles, func(time.Time) tea.Msg { return msg }), taken
}

// commanding is whether what is written looks like a command, known or not: it may well
// have been pasted, or typed by another program.
func (r *root) commanding() bool {
	name, _, _ := strings.Cut(r.composer.text(), " ")
	return strings.HasPrefix(name, "/") && !strings.ContainsAny(name[1:], "/.")
}

// burstOver looks up what came in a burst, if no key came since. What is no file stays
// where it was typed.
func (r *root) burstOver(msg burstMsg) tea.Cmd {
	if msg.keys != r.keys {
		return nil
	}
	text, ok := r.burst.Take(r.now().Add(drop.BurstSettles + 1))
	if !ok || r.commanding() || !drop.Parse(text, r.config.Drop).Possible() {
		return nil
	}
	look := r.lookUp(text, false, text)
	return func() tea.Msg {
		found, ok := look().(droppedMsg)
		if !ok {
			return nil
		}
		found.burst = true
		return found
	}
}
