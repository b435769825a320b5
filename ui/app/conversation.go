package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"scout/sessions"
	"scout/ui/talk"
)

// openFirst opens the store and the conversation to begin with.
func (r *root) openFirst() tea.Cmd {
	openStore, options, held := r.config.OpenStore, r.options(r.config.Session), r.opened
	return func() tea.Msg {
		var failed error
		if openStore != nil {
			store, err := openStore()
			if err != nil {
				failed = fmt.Errorf("this conversation is not saved: %w", err)
			}
			options.Store = store
			held.mu.Lock()
			held.store = store
			held.mu.Unlock()
		}
		msg := openTalk(options)
		msg.err = errors.Join(failed, msg.err)
		return msg
	}
}

func (r *root) options(session string) talk.Options {
	return talk.Options{
		Store: r.store, Session: session, Model: r.model, Ref: r.ref, Engine: r.config.Version,
		System: r.config.System, Sampling: r.config.Sampling,
	}
}

// openTalk opens a conversation; a new one where the session cannot be had.
func openTalk(o talk.Options) talkOpenedMsg {
	t, err := talk.Open(o)
	if err != nil && o.Session != "" {
		var second error
		o.Session = ""
		if t, second = talk.Open(o); second != nil {
			err = errors.Join(err, second)
		}
	}
	return talkOpenedMsg{talk: t, store: o.Store, err: err}
}

// openSession leaves the conversation for another one: session is its id, empty for a
// new one.
func (r *root) openSession(session string) tea.Cmd {
	if r.opening {
		return nil
	}
	r.opening = true
	old, options := r.talk, r.options(session)
	if old != nil {
		options.Sampling = old.Sampling()
	}
	return func() tea.Msg {
		var failed error
		if old != nil {
			failed = old.Close()
		}
		msg := openTalk(options)
		msg.err = errors.Join(failed, msg.err)
		return msg
	}
}

func (r *root) talkOpened(msg talkOpenedMsg) tea.Cmd {
	r.opening = false
	if msg.store != nil {
		r.store = msg.store
	}
	if msg.err != nil {
		r.complain(msg.err)
	}
	if msg.talk == nil {
		return nil
	}
	r.talk, r.failed, r.editing = msg.talk, "", 0
	r.opened.hold(r.talk, r.model)
	r.transcript.set(nil)
	r.transcript.end()
	left := r.takeDown()
	clear(r.unsaved)
	r.refresh()
	if r.model != nil { // which may have come while the talk was opened
		if m, _ := r.talk.Model(); m == nil {
			return tea.Batch(r.wait(0), r.setModel(r.current, r.model, r.ref), left, r.drawThumbs())
		}
	}
	return tea.Batch(r.wait(0), left, r.drawThumbs())
}

// wait waits until the talk has changed, and a moment before that.
func (r *root) wait(first time.Duration) tea.Cmd {
	t, ctx := r.talk, r.ctx
	return func() tea.Msg {
		time.Sleep(first)
		return talkChangedMsg{t, t.Wait(ctx)}
	}
}

// load opens a model in the background.
func (r *root) load(name string) tea.Cmd {
	if r.stop != nil {
		r.stop()
	}
	ctx, stop := context.WithCancel(r.ctx)
	r.loading, r.stop, r.since, r.expect = name, stop, r.now(), 0
	load := r.config.Load
	return func() tea.Msg {
		m, ref, err := load(ctx, name)
		return modelMsg{name, m, ref, err}
	}
}

func (r *root) modelLoaded(msg modelMsg) tea.Cmd {
	late := msg.name != r.loading
	if !late {
		r.loading, r.stop = "", nil
	}
	if msg.err == nil && !late {
		r.undo = nil
	}
	switch {
	case errors.Is(msg.err, context.Canceled):
		if r.loading == "" {
			return r.undoSetting()
		}
		return nil
	case msg.err != nil:
		r.complain(r.couldNot(msg.name, msg.err))
		if r.model == nil {
			return r.lookAround()
		}
		return r.undoSetting()
	case late: // another one was chosen meanwhile
		return closeModel(msg.model)
	case r.talk == nil || r.opening:
		r.model, r.ref, r.current = msg.model, msg.ref, msg.name
		r.opened.hold(r.talk, r.model)
		return nil
	}
	return r.setModel(msg.name, msg.model, msg.ref)
}

func closeModel(m talk.Model) tea.Cmd {
	return func() tea.Msg { return saidMsg{err: m.Close()} }
}

// setModel makes a model answer, and closes the one before it.
func (r *root) setModel(name string, m talk.Model, ref sessions.Model) tea.Cmd {
	t := r.talk
	if r.config.SamplingFor != nil && !r.sampled {
		t.SetSampling(r.config.SamplingFor(ref))
	}
	return func() tea.Msg {
		old, _ := t.Model()
		err := t.SetModel(m, ref)
		if err == nil && old != nil && old != m {
			err = old.Close()
		}
		return modelSetMsg{name, m, ref, err}
	}
}

// modelAgainMsg is a model that waits for a reply to end.
type modelAgainMsg struct{ modelSetMsg }

func (r *root) modelSet(msg modelSetMsg) tea.Cmd {
	switch {
	case errors.Is(msg.err, talk.ErrBusy):
		r.say("The model changes when this reply is done.")
		r.opened.await(msg.model)
		return tea.Tick(busyTick, func(time.Time) tea.Msg { return modelAgainMsg{msg} })
	case msg.err != nil:
		r.complain(msg.err)
	case msg.model != nil:
		if !r.problemStands() {
			r.say(msg.ref.Name + " answers from now on.")
		}
	}
	r.model, r.ref, r.current = msg.model, msg.ref, msg.name
	r.dropOffer(msg.name)
	foresee := r.foresee()
	r.opened.await(nil)
	r.opened.hold(r.talk, r.model)
	r.refresh()
	return tea.Batch(foresee, r.priceChips())
}

// letGo closes a model that waited and is not wanted any more.
func (r *root) letGo(m talk.Model) tea.Cmd {
	r.opened.await(nil)
	return closeModel(m)
}

// enter sends what is written, or does what it commands.
func (r *root) enter() tea.Cmd {
	text := r.composer.text()
	switch {
	case strings.HasPrefix(text, "/") && !strings.Contains(text, "\n"):
		return r.command(text)
	case strings.TrimSpace(text) == "" && len(r.chips) == 0:
		if r.model == nil && r.loading == "" {
			return r.loadDemo()
		}
		return nil
	case r.talk == nil:
		r.say("One moment: the conversation is being opened.")
		return nil
	}
	return r.send()
}

// send says what is written.
func (r *root) send() tea.Cmd {
	t, chips, edits := r.talk, r.chips, r.editing
	text := r.composer.take()
	var keep []sessions.Attachment
	for _, it := range r.transcript.items {
		if it.turn.ID == edits {
			keep = it.turn.Files
		}
	}
	r.chips, r.editing = nil, 0
	r.notice = ""
	r.transcript.end()
	if r.model == nil && r.loading == "" {
		r.say("It waits for a model: " + r.keyOf("/model") + " chooses one.")
	}
	mentioned := r.mentioned(text)
	return func() tea.Msg {
		more, err := mentioned(chips)
		if err != nil {
			return sentMsg{text: text, chips: chips, err: err}
		}
		var files []talk.File
		for _, c := range append(chips[:len(chips):len(chips)], more...) {
			files = append(files, c.file)
		}
		if edits != 0 {
			err = t.EditFiles(edits, text, keep, files)
		} else {
			err = t.Send(text, files)
		}
		return sentMsg{text, chips, more, err}
	}
}

// loadDemo opens the model that is always there.
func (r *root) loadDemo() tea.Cmd {
	models := r.config.Models
	r.loading, r.since = "…", r.now()
	return func() tea.Msg {
		entries := models()
		if len(entries) == 0 {
			return demoMsg{}
		}
		return demoMsg{entries[0].Name}
	}
}

// demoMsg is the name of the model that is always there, empty if there is none.
type demoMsg struct{ name string }

// quit saves and ends.
func (r *root) quit() tea.Cmd {
	if r.ending {
		return nil
	}
	r.ending = true
	r.layers = nil
	r.cancel()
	t := r.talk
	return func() tea.Msg {
		if t != nil {
			t.Stop() // Run closes it, and says what could not be saved
		}
		return endedMsg{}
	}
}

// hold notes what is to be closed in the end.
func (o *opened) hold(t *talk.Talk, m talk.Model) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.talk, o.model = t, m
}

// await notes a model that waits for a reply to end; nil: none does.
func (o *opened) await(m talk.Model) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.next = m
}

// shut closes all that is open, and waits for it, but not for longer than limit.
func (r *root) shut(limit time.Duration) error {
	r.cancel()
	o := r.opened
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.done {
		return nil
	}
	o.done = true
	result := make(chan error, 1)
	go func() {
		var errs []error
		if o.talk != nil {
			errs = append(errs, o.talk.Close())
		}
		if o.model != nil {
			errs = append(errs, o.model.Close())
		}
		if o.next != nil && o.next != o.model {
			errs = append(errs, o.next.Close())
		}
		if o.pulls != nil {
			errs = append(errs, o.pulls.Close())
		}
		if o.store != nil {
			errs = append(errs, o.store.Close())
		}
		result <- errors.Join(errs...)
	}()
	select {
	case err := <-result:
		return err
	case <-time.After(limit):
		return fmt.Errorf("app: closing: not done within %v: the end of the conversation may not be saved", limit)
	}
}

// unsent is what was typed and never said.
func (r *root) unsent() []string {
	var texts []string
	if r.talk != nil {
		texts = r.talk.Queue()
	}
	if text := strings.TrimSpace(r.composer.whole()); text != "" {
		texts = append(texts, text)
	}
	return texts
}
