package talk

import (
	"errors"
	"fmt"
	"slices"

	"scout/sessions"
)

// Edit says something else in place of a message of the person's, as a branch beside
// it, and has that answered. The files of the message stay with it. It is ErrBusy
// while a reply is written.
func (t *Talk) Edit(id int, text string) error {
	t.mu.Lock()
	var keep []sessions.Attachment
	if n := t.tree.find(id); n != nil {
		keep = n.Attachments
	}
	t.mu.Unlock()
	return t.EditFiles(id, text, keep, nil)
}

// EditFiles is Edit with other files: those of the message's that are kept, and new
// ones after them.
func (t *Talk) EditFiles(id int, text string, keep []sessions.Attachment, files []File) error {
	w, err := prepare(text, files)
	if err != nil && (!errors.Is(err, ErrNothing) || len(keep) == 0) {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.ready(); err != nil {
		return err
	}
	n := t.tree.find(id)
	switch {
	case n == nil:
		return fmt.Errorf("talk: editing message %d: %w", id, ErrNotFound)
	case n.Role != sessions.User:
		return fmt.Errorf("talk: editing message %d: it is by %q, and only what you said can be edited", id, n.Role)
	}
	for _, a := range keep {
		if !slices.Contains(n.Attachments, a) {
			return fmt.Errorf("talk: editing message %d: the file %s: %w", id, a.Name, ErrNotFound)
		}
	}
	w.Edits = id
	t.say(w, n.parent, keep)
	return nil
}

// ready is whether a reply can be begun at once.
func (t *Talk) ready() error {
	if err := t.free(); err != nil {
		return err
	}
	if t.model == nil {
		return ErrNoModel
	}
	return nil
}

// Regenerate answers the last question of the shown branch once more, beside the
// reply that is there and with a seed that no reply to it has had; or for the first
// time, if it has got no reply.
func (t *Talk) Regenerate() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.ready(); err != nil {
		return err
	}
	back := t.tree.head
	after := back
	if after.isReply() {
		after = after.first().parent
	}
	if !after.asks() {
		return ErrNothing
	}
	t.start(&job{after: t.instruct(after), back: back, fresh: true})
	return nil
}

// asks is whether n, or what it stands under, is something to answer.
func (n *node) asks() bool {
	for n.Role == sessions.System {
		n = n.parent
	}
	return !n.isRoot() && !n.isReply()
}

// Continue goes on with the last reply of the shown branch if it is cut: stopped, at
// its limit of tokens, failed, or left by the end of the program. The model is given
// the text so far as its own, and what it adds is saved as a message after it; Turns
// shows them as one. It is ErrWhole for a reply that the model ended, and
// ErrContinue or ErrContinuePictures where the engine has no way to do it.
func (t *Talk) Continue() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.ready(); err != nil {
		return err
	}
	head := t.tree.head
	switch {
	case !head.isReply():
		return ErrNothing
	case !head.cut():
		return ErrWhole
	}
	if head.whole() != "" {
		if _, ok := t.model.(Encoder); !ok {
			return ErrContinue
		}
		for n := head; !n.isRoot(); n = n.parent {
			if slices.ContainsFunc(n.Attachments, isImage) {
				return ErrContinuePictures
			}
		}
	}
	t.start(&job{after: head, back: head})
	return nil
}
