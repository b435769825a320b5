package app

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"scout/engine"
	"scout/sessions"
	"scout/ui/safetext"
	"scout/ui/talk"
)

func leaveApp(r *root, _ string) tea.Cmd { return r.quit() }

// leaveTwice leaves at the second time, if nothing is written.
func leaveTwice(r *root, _ string) tea.Cmd {
	if !r.composer.empty() {
		return nil
	}
	if r.again("leave") {
		return r.quit()
	}
	r.say("Press ctrl+d again to leave.")
	return nil
}

// interrupt stops the reply, or clears what is written, or leaves at the second time.
func interrupt(r *root, _ string) tea.Cmd {
	switch {
	case r.loading != "" && r.stop != nil:
		r.stop()
		r.loading, r.stop = "", nil
		r.say("Loading is stopped.")
	case r.busy():
		r.talk.Stop()
		r.refresh()
	case !r.composer.empty():
		r.composer.take()
		r.say("Cleared: ↑ brings it back.")
	case r.again("leave"):
		return r.quit()
	default:
		r.say("Press ctrl+c again to leave.")
	}
	return nil
}

// stopOrEdit stops the reply; with nothing to stop, the second time in short order
// edits the last message.
func stopOrEdit(r *root, _ string) tea.Cmd {
	switch {
	case r.loading != "" && r.stop != nil, r.busy():
		return interrupt(r, "")
	case r.notice != "" && r.noticeBad:
		r.notice = ""
	case r.editing != 0:
		r.editing = 0
		r.composer.take()
		r.say("Not edited.")
	case r.composer.empty() && r.again("edit"):
		return edit(r, "")
	case r.composer.empty() && len(r.transcript.items) > 0:
		r.say("Press esc again to edit your last message.")
	}
	return nil
}

func beginNew(r *root, _ string) tea.Cmd { return r.openSession("") }

func rename(r *root, arg string) tea.Cmd {
	if r.talk == nil {
		r.complain(errNoTalk)
		return nil
	}
	if arg == "" {
		r.open(&question{title: "Title", text: safetext.Line(r.title), answer: func(r *root, text string) tea.Cmd { return rename2(r, text) }})
		return nil
	}
	return rename2(r, arg)
}

func rename2(r *root, title string) tea.Cmd {
	t := r.talk
	return func() tea.Msg { return saidMsg{"Renamed.", t.Rename(title)} }
}

// export writes the conversation to a file that must not be there yet.
func export(r *root, arg string) tea.Cmd {
	if r.talk == nil {
		r.complain(errNoTalk)
		return nil
	}
	format, path, _ := strings.Cut(arg, " ")
	if format != "md" && format != "json" {
		format, path = "md", arg
		if strings.HasSuffix(arg, ".json") {
			format = "json"
		}
	}
	c, store := r.talk.Conversation(), r.store
	if path = strings.TrimSpace(path); path == "" {
		path = "scout-" + c.ID + "." + format
	}
	return func() tea.Msg { return saidMsg{"Written to " + path + ".", exportTo(path, format, store, c)} }
}

// exportTo writes a conversation into a new file.
func exportTo(path, format string, store *sessions.Store, c *sessions.Conversation) (err error) {
	if format == "json" && store == nil {
		return errors.New("exporting as JSON: this conversation is not saved, so its files cannot be had: md works")
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("exporting: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if format == "md" {
		return sessions.ExportMarkdown(f, c)
	}
	missing, err := store.ExportJSON(f, c)
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("exported without %s, which could not be read", plural(len(missing), "file"))
	}
	return err
}

// searchHere goes to the last turn that holds a text, and with the same text again to
// the one before.
func searchHere(r *root, arg string) tea.Cmd {
	if arg == "" && len(r.found) > 0 {
		r.foundAt = (r.foundAt + len(r.found) - 1) % len(r.found)
		r.showFound()
		return nil
	}
	if arg == "" {
		r.open(&question{title: "Find in this conversation", answer: searchHere})
		return nil
	}
	r.found = nil
	for i, it := range r.transcript.items {
		if strings.Contains(strings.ToLower(it.turn.Text), strings.ToLower(arg)) {
			r.found = append(r.found, i)
		}
	}
	if len(r.found) == 0 {
		r.say(fmt.Sprintf("%q is not in this conversation; %s searches all of them.", arg, r.keyOf("/sessions")))
		return nil
	}
	r.foundAt = len(r.found) - 1
	r.showFound()
	return nil
}

func (r *root) showFound() {
	if at := r.found[r.foundAt]; at < len(r.transcript.items) {
		r.transcript.show(at)
		r.say(fmt.Sprintf("%d of %d; %s goes to the one before.", r.foundAt+1, len(r.found), r.keyOf("/search")))
	}
}

func retry(r *root, _ string) tea.Cmd {
	return r.talking(func() error { r.transcript.end(); return r.talk.Regenerate() })
}

func goOn(r *root, _ string) tea.Cmd {
	return r.talking(func() error { r.transcript.end(); return r.talk.Continue() })
}

// edit takes a message of the person's into the composer, to be said differently.
func edit(r *root, arg string) tea.Cmd {
	var mine []talk.Turn
	for _, it := range r.transcript.items {
		if it.turn.Role == sessions.User {
			mine = append(mine, it.turn)
		}
	}
	n, err := number(arg, len(mine))
	if err != nil || n < 1 || n > len(mine) {
		r.complain(fmt.Errorf("there is no message %s to edit: you have sent %d", arg, len(mine)))
		return nil
	}
	r.composer.remember(r.composer.whole())
	r.composer.set(mine[n-1].Text)
	r.editing = mine[n-1].ID
	r.say("enter answers it anew beside the old one, esc leaves it.")
	return nil
}

// branch shows another version at the last place where there are several.
func branch(r *root, arg string) tea.Cmd {
	for i := len(r.transcript.items) - 1; i >= 0; i-- {
		turn := r.transcript.items[i].turn
		if turn.Siblings < 2 {
			continue
		}
		n, err := number(arg, turn.Sibling%turn.Siblings+1)
		if err != nil || n < 1 || n > turn.Siblings {
			r.complain(fmt.Errorf("there are versions 1 to %d here, not %s", turn.Siblings, arg))
			return nil
		}
		return r.talking(func() error {
			ids := r.talk.Branches(turn.ID)
			if n > len(ids) {
				return talk.ErrNotFound
			}
			return r.talk.Show(ids[n-1])
		})
	}
	r.say("There is one version only: /retry and /edit make more.")
	return nil
}

// copyReply copies the last reply, or a block of code in it.
func copyReply(r *root, arg string) tea.Cmd {
	i := r.lastReply()
	if i < 0 {
		r.say("There is no reply to copy yet.")
		return nil
	}
	it := r.transcript.items[i]
	n, err := number(arg, 0)
	if err != nil {
		r.complain(err)
		return nil
	}
	text, what := it.turn.Text, "The reply"
	if n > 0 {
		r.transcript.draw(i) // which reads it, if nobody has looked yet
		blocks := it.doc.Code()
		if n > len(blocks) {
			r.complain(fmt.Errorf("there is no block %d: the last reply has %s of code", n, plural(len(blocks), "block")))
			return nil
		}
		text, what = blocks[n-1].Text, "Block "+strconv.Itoa(n)
	}
	r.say(fmt.Sprintf("%s is copied (%s).", what, bytesText(int64(len(text)))))
	return tea.SetClipboard(text)
}

func unqueue(r *root, arg string) tea.Cmd {
	n, err := number(arg, len(r.queue))
	return r.talking(func() error {
		if err != nil {
			return err
		}
		text, ok := r.talk.Unqueue(n - 1)
		if !ok {
			return errors.New("no message is waiting")
		}
		r.composer.remember(r.composer.whole())
		r.composer.set(text)
		return nil
	})
}

func resume(r *root, _ string) tea.Cmd {
	return r.talking(func() error { r.talk.Resume(); return nil })
}

func setSystem(r *root, arg string) tea.Cmd {
	return r.talking(func() error {
		r.talk.SetSystem(arg)
		return nil
	})
}

// setting is a number of the sampling that can be set.
type setting struct {
	name      string
	low, high float64
	get       func(*engine.Sampling) float64
	set       func(*engine.Sampling, float64)
}

func realSetting(name string, low, high float64, at func(*engine.Sampling) *float32) setting {
	return setting{name, low, high,
		func(s *engine.Sampling) float64 { return float64(*at(s)) },
		func(s *engine.Sampling, v float64) { *at(s) = float32(v) }}
}

func wholeSetting(name string, at func(*engine.Sampling) *int) setting {
	return setting{name, 0, 1 << 30,
		func(s *engine.Sampling) float64 { return float64(*at(s)) },
		func(s *engine.Sampling, v float64) { *at(s) = int(v) }}
}

var settings = []setting{
	realSetting("temperature", 0, 10, func(s *engine.Sampling) *float32 { return &s.Temperature }),
	realSetting("top-p", 0, 1, func(s *engine.Sampling) *float32 { return &s.TopP }),
	wholeSetting("top-k", func(s *engine.Sampling) *int { return &s.TopK }),
	realSetting("min-p", 0, 1, func(s *engine.Sampling) *float32 { return &s.MinP }),
	realSetting("repeat-penalty", 0, 10, func(s *engine.Sampling) *float32 { return &s.RepeatPenalty }),
	realSetting("presence-penalty", -10, 10, func(s *engine.Sampling) *float32 { return &s.PresencePenalty }),
	realSetting("frequency-penalty", -10, 10, func(s *engine.Sampling) *float32 { return &s.FrequencyPenalty }),
	wholeSetting("max-tokens", func(s *engine.Sampling) *int { return &s.MaxTokens }),
}

// set sets a number of the sampling, or says all of them.
func set(r *root, arg string) tea.Cmd {
	if r.talk == nil {
		r.complain(errNoTalk)
		return nil
	}
	sampling := r.talk.Sampling()
	words := strings.Fields(strings.ReplaceAll(arg, "=", " "))
	if len(words) == 0 {
		var all []string
		for _, s := range settings {
			all = append(all, s.name+" "+strconv.FormatFloat(s.get(&sampling), 'g', 6, 32))
		}
		r.say(strings.Join(all, "  "))
		return nil
	}
	name := strings.ReplaceAll(words[0], "_", "-")
	if name == "seed" && len(words) == 2 {
		return seed(r, words[1])
	}
	i := slices.IndexFunc(settings, func(s setting) bool { return s.name == name || name == "temp" && s.name == "temperature" })
	if i < 0 {
		r.complain(fmt.Errorf("there is no setting %s: /set alone lists them", words[0]))
		return nil
	}
	s := settings[i]
	if len(words) != 2 {
		r.say(s.name + " is " + strconv.FormatFloat(s.get(&sampling), 'g', 6, 32))
		return nil
	}
	v, err := strconv.ParseFloat(words[1], 64)
	if err != nil || !(v >= s.low && v <= s.high) {
		r.complain(fmt.Errorf("%s is %s, want %g to %g", s.name, words[1], s.low, s.high))
		return nil
	}
	s.set(&sampling, v)
	r.talk.SetSampling(sampling)
	r.sampled = true
	r.say(s.name + " is " + words[1] + " from the next reply on.")
	return nil
}

func seed(r *root, arg string) tea.Cmd {
	if r.talk == nil {
		r.complain(errNoTalk)
		return nil
	}
	sampling := r.talk.Sampling()
	if arg == "" {
		r.say(fmt.Sprintf("The seed is %d%s.", sampling.Seed, map[bool]string{true: ", each reply draws its own"}[sampling.Seed == 0]))
		return nil
	}
	n, err := strconv.ParseUint(arg, 10, 64)
	if err != nil {
		r.complain(fmt.Errorf("the seed is %q, want a whole number, 0 or more", arg))
		return nil
	}
	sampling.Seed = n
	r.talk.SetSampling(sampling)
	r.sampled = true
	r.say("The seed is " + arg + " from the next reply on.")
	return nil
}

func scrollBy(pages int) func(*root, string) tea.Cmd {
	return func(r *root, _ string) tea.Cmd {
		r.transcript.scroll(pages * max(1, r.transcript.height-2))
		return nil
	}
}

func toTop(r *root, _ string) tea.Cmd { r.transcript.top(); return nil }
func toEnd(r *root, _ string) tea.Cmd { r.transcript.end(); return nil }
