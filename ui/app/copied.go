package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"scout/engine"
	"scout/sessions"
	"scout/ui/clipboard"
	"scout/ui/talk"
)

const (
	// copyTime is how long the programs that read the clipboard may take: PowerShell
	// takes seconds to begin with.
	copyTime = 10 * time.Second
	// answerTime is how long the terminal may take for its next answer: it may have to
	// ask the person first.
	answerTime = 30 * time.Second
	// mostAsked is the most that is read from a terminal, in bytes: that takes a while.
	mostAsked = 16 << 20
)

// Messages of the clipboard.
type (
	// copiedMsg is what the clipboard of the system holds.
	copiedMsg struct {
		content clipboard.Content
		err     error
	}
	// answerDueMsg is that the terminal should have answered.
	answerDueMsg struct{ reading, answers int }
)

// asking is a reading of the clipboard that the terminal has.
type asking struct {
	*clipboard.Reading
	n       int // of the readings
	answers int // that came
}

// pasteCopied takes what was copied: a picture or files as chips, text as text.
func pasteCopied(r *root, _ string) tea.Cmd {
	if r.asking != nil {
		r.say("The terminal is being asked for the clipboard: esc gives up.")
		return nil
	}
	native := r.config.Clipboard
	if (native.Remote || !native.Here()) && r.terminal.clipboard {
		return r.ask()
	}
	ctx := r.ctx
	return func() tea.Msg {
		ctx, stop := context.WithTimeout(ctx, copyTime)
		defer stop()
		content, err := native.Read(ctx, sessions.MostAttachment)
		return copiedMsg{content, err}
	}
}

// copied takes what the clipboard of the system holds. Where it cannot be read, the
// terminal may be able to.
func (r *root) copied(msg copiedMsg) tea.Cmd {
	var missing *clipboard.MissingError
	nowhere := errors.Is(msg.err, clipboard.ErrNowhere)
	switch {
	case msg.err == nil:
		return r.take(msg.content)
	case r.terminal.clipboard && (nowhere || errors.As(msg.err, &missing)):
		return r.ask()
	case nowhere && r.config.Clipboard.Remote:
		r.complain(errors.New("the clipboard is on your own machine, and this terminal does not hand it over SSH (kitty and Ghostty do): copy the file here and drop its path"))
	case nowhere:
		r.complain(fmt.Errorf("%w: drop a file's path instead", msg.err))
	default:
		r.complain(msg.err)
	}
	return nil
}

// take takes what was copied.
func (r *root) take(c clipboard.Content) tea.Cmd {
	switch {
	case len(c.Picture) > 0:
		return r.takePicture(c.Picture)
	case c.Files != "":
		return r.lookUp(c.Files, false, "")
	case c.Text != "":
		return r.paste(c.Text)
	}
	r.say("Nothing is copied that can be pasted: no picture, no file and no text.")
	return nil
}

// takePicture makes a copied picture a chip, in the background: it has to be read.
func (r *root) takePicture(data []byte) tea.Cmd {
	painter, now := r.painter(), r.now()
	return func() tea.Msg {
		format, ok := engine.SniffImage(data)
		if !ok {
			return saidMsg{err: fmt.Errorf("what was copied is no picture that can be read%s: PNG and JPEG can", map[bool]string{true: ", but " + format}[format != ""])}
		}
		name := "clipboard " + now.Format("15:04") + "." + strings.ToLower(format)
		c := newChip(talk.File{Name: name, Data: data, Image: true})
		return droppedMsg{chips: []chip{c}, thumbs: painter.thumbnails(map[string][]byte{c.hash: data})}
	}
}

// ask asks the terminal for the clipboard.
func (r *root) ask() tea.Cmd {
	r.asked++
	reading, request := clipboard.NewReading(fmt.Sprintf("scout%d", r.asked), mostAsked)
	r.asking = &asking{Reading: reading, n: r.asked}
	r.say("The terminal is asked for the clipboard. It may ask you first.")
	return tea.Batch(tea.Raw(request), r.awaitAnswer())
}

func (r *root) awaitAnswer() tea.Cmd {
	msg := answerDueMsg{r.asking.n, r.asking.answers}
	return tea.Tick(answerTime, func(time.Time) tea.Msg { return msg })
}

// answerDue gives up if no answer came meanwhile.
func (r *root) answerDue(msg answerDueMsg) tea.Cmd {
	switch {
	case r.asking == nil || r.asking.n != msg.reading:
		return nil
	case r.asking.answers > msg.answers:
		return r.awaitAnswer()
	}
	r.asking = nil
	r.complain(errors.New("the terminal did not answer with its clipboard: try again, or drop the file's path"))
	return nil
}

// sequence takes a sequence of the terminal that nobody else knows.
func (r *root) sequence(s string) tea.Cmd {
	if r.asking == nil {
		return nil
	}
	next, done, err := r.asking.Take(s)
	r.asking.answers++
	switch {
	case err != nil:
		r.asking = nil
		r.complain(err)
	case done:
		content := r.asking.Content()
		r.asking, r.notice = nil, ""
		return r.take(content)
	}
	return raw(next)
}

// torn is a sequence that a slow network brought in parts: what begins it comes as
// something unknown, the rest as keys.
type torn struct {
	text string
	last time.Time
}

const (
	mostTorn = 16 << 10        // bytes of a sequence that is put together again
	tornTime = 5 * time.Second // that the rest of one may be late
)

// tear takes the beginning of a sequence.
func (r *root) tear(begin string) {
	if r.asking != nil && strings.HasPrefix(begin, "\x1b]") {
		r.torn = torn{begin, r.now()}
	}
}

// mend takes the rest of a torn sequence, which comes as keys; taken is that a key was
// of it.
func (r *root) mend(k tea.KeyPressMsg) (cmd tea.Cmd, taken bool) {
	name := k.String()
	if r.torn.text == "" || r.now().Sub(r.torn.last) > tornTime {
		r.torn = torn{}
		if r.asking == nil || name != "esc" {
			return nil, false
		}
		// The person gives up, or it is the first byte of a sequence.
		r.asking = nil
		r.torn = torn{"\x1b", r.now()}
		r.say("Nothing is pasted.")
		return nil, true
	}
	switch {
	case name == "alt+\\":
		k.Text = "\x1b\\"
	case name == "ctrl+g":
		k.Text = "\x07"
	case len(k.Text) != 1 || r.torn.text == "\x1b" && k.Text != "]" || len(r.torn.text) > mostTorn:
		r.torn = torn{}
		return nil, false
	}
	r.torn = torn{r.torn.text + k.Text, r.now()}
	if k.Text != "\x1b\\" && k.Text != "\x07" {
		return nil, true
	}
	whole := r.torn.text
	r.torn = torn{}
	return r.sequence(whole), true
}
