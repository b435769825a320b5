package talk

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"scout/sessions"
)

// waiting is a prompt of the queue, ready to be said.
type waiting struct {
	Prompt
	files []sessions.Attachment // of Files
}

// waits is whether a prompt of the queue is not held.
func (t *Talk) waits() bool {
	return slices.ContainsFunc(t.queue, func(w waiting) bool { return !w.Held })
}

// Send says something. It is answered at once, or, while a reply is being written or
// there is no model yet, put into the queue. Prompts of the queue that are held are
// passed by. An error is about the message itself, and then it was neither said nor
// queued; everything later is told by Failure and TakeBack.
func (t *Talk) Send(text string, files []File) error {
	w, err := prepare(text, files)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch err := t.free(); {
	case errors.Is(err, ErrClosed):
		return err
	case err != nil || t.model == nil:
		t.queue = append(t.queue, w)
		t.notify()
	default:
		t.say(w, t.tree.head, nil)
	}
	return nil
}

// prepare makes a prompt ready to be said, if it can be.
func prepare(text string, files []File) (waiting, error) {
	w := waiting{Prompt: Prompt{Text: text, Files: slices.Clone(files)}}
	if strings.TrimSpace(text) == "" && len(files) == 0 {
		return w, ErrNothing
	}
	if len(text) > sessions.MostAttachment { // which is more than any context holds
		return w, fmt.Errorf("talk: the message is %d bytes long, want at most %d: attach it as a file", len(text), sessions.MostAttachment)
	}
	for _, f := range files {
		a, err := attachment(f)
		if err != nil {
			return w, err
		}
		w.files = append(w.files, a)
	}
	return w, nil
}

// say makes a prompt a message after another, with files that are in the store already
// besides its own, to be answered next.
func (t *Talk) say(w waiting, after *node, keep []sessions.Attachment) {
	back := t.tree.head
	for i, a := range w.files {
		if _, known := t.files[a.Hash]; !known {
			t.files[a.Hash] = w.Files[i].Data
		}
		t.saver.add(op{kind: opAttach, file: a, data: w.Files[i].Data})
	}
	files := append(slices.Clone(keep), w.files...)
	n := t.message(t.instruct(after), sessions.Message{Role: sessions.User, Text: strings.ToValidUTF8(w.Text, "\uFFFD"), Attachments: files})
	t.start(&job{after: n, back: back, prompt: &w.Prompt})
}

// Stop stops the reply that is being written and keeps what there is of it. Prompts
// that wait are held from then on: who stops wants nothing to begin by itself. Resume
// goes on with them, Unqueue takes them out, and Send passes them by.
func (t *Talk) Stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.halt()
	t.notify()
}

// halt is Stop with the lock held.
func (t *Talk) halt() {
	t.hold()
	for _, j := range []*job{t.running, t.next} {
		if j != nil {
			j.stop()
		}
	}
	if t.running != nil {
		t.live.phase = Stopping
	}
}

// hold makes what waits in the queue wait for Resume.
func (t *Talk) hold() {
	for i := range t.queue {
		t.queue[i].Held = true
	}
}

// Resume goes on with the prompts that Stop or a failure has held.
func (t *Talk) Resume() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.queue {
		t.queue[i].Held = false
	}
	t.rouse()
	t.notify()
}

// Queue is the texts of the prompts that wait, the next one first; see Prompts.
func (t *Talk) Queue() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	texts := make([]string, 0, len(t.queue))
	for _, w := range t.queue {
		texts = append(texts, w.Text)
	}
	return texts
}

// Prompts is the prompts that wait, the next one first. They are in memory only,
// until they are said; after Close they are still here.
func (t *Talk) Prompts() []Prompt {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]Prompt, 0, len(t.queue))
	for _, w := range t.queue {
		list = append(list, w.Prompt)
	}
	return list
}

// Unqueue takes a prompt out of the queue, the first being 0. It returns its text, and
// whether there was one.
func (t *Talk) Unqueue(i int) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i < 0 || i >= len(t.queue) {
		return "", false
	}
	text := t.queue[i].Text
	t.queue = slices.Delete(t.queue, i, i+1)
	t.notify()
	return text, true
}
