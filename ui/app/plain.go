package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"scout/sessions"
	"scout/ui/safetext"
	"scout/ui/talk"
)

// plain is the app without a screen: lines, one after the other, of which none is ever
// changed, without an escape sequence. It is what screen readers and terminals that
// cannot do more can follow.
type plain struct {
	config Config
	out    io.Writer
	talk   *talk.Talk
	store  *sessions.Store
	model  talk.Model
	failed error    // of writing
	early  []string // lines that came while a reply was written
	over   bool     // the input has ended
}

// stillWorking is how often a long silence is said to be one.
const stillWorking = 30 * time.Second

// runPlain runs until the input or ctx ends, or the person leaves.
func (a *App) runPlain(ctx context.Context) (err error) {
	p := &plain{config: a.config, out: a.config.Out}
	ctx, stop, signalled := untilSignal(ctx)
	defer stop()
	defer func() {
		err = errors.Join(err, p.close())
		if s := signalled(); s != 0 && err == nil {
			err = &SignalError{s}
		} else if s != 0 {
			err = errors.Join(&SignalError{s}, err)
		}
	}()
	if err := p.begin(ctx); err != nil {
		return err
	}
	lines := readLines(ctx, a.config.In)
	for {
		p.printf("You: ")
		select {
		case line, ok := <-lines:
			if !ok || !p.take(ctx, lines, line) || p.failed != nil {
				return p.failed
			}
			for len(p.early) > 0 {
				line, p.early = p.early[0], p.early[1:]
				p.printf("You: %s\n", safetext.Line(line))
				if !p.take(ctx, lines, line) {
					return p.failed
				}
			}
			if p.over {
				return p.failed
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// begin opens what is talked with.
func (p *plain) begin(ctx context.Context) error {
	p.printf("scout %s. Type a message and press enter. An empty line stops a reply. /help lists commands, /quit leaves.\n", safetext.Line(p.config.Version))
	if p.config.OpenStore != nil {
		store, err := p.config.OpenStore()
		if err != nil {
			p.printf("This conversation is not saved: %s\n", safetext.Line(err.Error()))
		}
		p.store = store
	}
	opened := openTalk(talk.Options{
		Store: p.store, Session: p.config.Session, Engine: p.config.Version, System: p.config.System, Sampling: p.config.Sampling,
	})
	if p.talk = opened.talk; p.talk == nil {
		return fmt.Errorf("app: %w", opened.err)
	}
	if opened.err != nil {
		p.printf("%s\n", safetext.Line(opened.err.Error()))
	}
	name := p.config.Model
	if entries := p.config.Models(); name == "" && len(entries) > 0 {
		name = entries[0].Name
	}
	if name != "" {
		p.load(ctx, name)
	}
	return nil
}

func (p *plain) load(ctx context.Context, name string) {
	p.printf("Opening %s.\n", safetext.Line(name))
	m, ref, err := p.config.Load(ctx, name)
	if err != nil {
		p.printf("It could not be opened: %s\n", safetext.Line(err.Error()))
		return
	}
	if p.config.SamplingFor != nil {
		p.talk.SetSampling(p.config.SamplingFor(ref))
	}
	if err := p.talk.SetModel(m, ref); err != nil {
		p.printf("%s\n", safetext.Line(errors.Join(err, m.Close()).Error()))
		return
	}
	old := p.model
	if p.model = m; old != nil {
		if err := old.Close(); err != nil {
			p.printf("%s\n", safetext.Line(err.Error()))
		}
	}
	p.printf("%s answers.\n", safetext.Line(ref.Name))
}

// take does what a line says; more is whether to go on.
func (p *plain) take(ctx context.Context, lines <-chan string, line string) (more bool) {
	line = strings.TrimSpace(line)
	name, arg, _ := strings.Cut(line, " ")
	arg = strings.TrimSpace(arg)
	var err error
	switch {
	case line == "":
		return true
	case !strings.HasPrefix(line, "/"):
		err = p.talk.Send(line, nil)
	case name == "/quit" || name == "/bye" || name == "/exit" || name == "/q":
		return false
	case name == "/help":
		p.printf("/model NAME: who answers. /retry: answer once more. /continue: go on with a cut reply. /new: begin a conversation. /system TEXT: the system prompt. /quit: leave.\n")
		return true
	case name == "/model" && arg != "":
		p.load(ctx, arg)
		return true
	case name == "/model":
		here := 0
		for _, m := range p.config.Models() {
			if !m.Away { // what could be downloaded, scout fit and scout quants list
				here++
				p.printf("%d. %s, %s\n", here, safetext.Line(m.Name), safetext.Line(m.Note))
			}
		}
		return true
	case name == "/retry":
		err = p.talk.Regenerate()
	case name == "/continue":
		err = p.talk.Continue()
	case name == "/system":
		p.talk.SetSystem(arg)
		return true
	case name == "/new":
		p.renew()
		return true
	default:
		p.printf("There is no command %s here: /help lists them.\n", safetext.Line(name))
		return true
	}
	if err != nil {
		p.printf("%s\n", safetext.Line(err.Error()))
		return true
	}
	p.answer(ctx, lines)
	return true
}

// renew begins a conversation.
func (p *plain) renew() {
	_, ref := p.talk.Model()
	err := p.talk.Close()
	opened := openTalk(talk.Options{
		Store: p.store, Model: p.model, Ref: ref, Engine: p.config.Version, System: p.config.System, Sampling: p.talk.Sampling(),
	})
	if err = errors.Join(err, opened.err); err != nil {
		p.printf("%s\n", safetext.Line(err.Error()))
	}
	if opened.talk != nil {
		p.talk = opened.talk
		p.printf("A new conversation.\n")
	}
}

// answer writes a reply down as it comes. An empty line stops it; others have their
// turn after it.
func (p *plain) answer(ctx context.Context, lines <-chan string) {
	changed, done := make(chan struct{}), make(chan struct{})
	defer close(done)
	watch, cancel := context.WithCancel(ctx)
	defer cancel()
	t := p.talk
	go func() {
		for t.Wait(watch) {
			select {
			case changed <- struct{}{}:
			case <-done:
				return
			}
		}
	}()
	p.printf("Reply: ")
	var filter safetext.Filter
	written, rest, silence := 0, "", time.NewTicker(stillWorking)
	defer silence.Stop()
	for {
		turns := t.Turns()
		live := t.Live().Phase != talk.Idle
		if n := len(turns) - 1; n >= 0 && turns[n].Role == sessions.Assistant && len(turns[n].Text) > written {
			if ready := p.ready(turns[n].Text[written:]); ready > 0 {
				p.printf("%s", filter.Write(turns[n].Text[written:written+ready]))
				written += ready
			}
			rest = turns[n].Text[written:]
			silence.Reset(stillWorking)
		}
		if !live || p.failed != nil {
			break
		}
		select {
		case <-changed:
		case <-silence.C:
			p.printf("(still working) ")
		case line, ok := <-lines:
			switch {
			case !ok:
				p.over, lines = true, nil
			case strings.TrimSpace(line) == "" || strings.TrimSpace(line) == "/stop":
				t.Stop()
			default:
				p.early = append(p.early, line)
			}
		case <-ctx.Done():
			t.Stop()
			ctx = context.WithoutCancel(ctx) // said once
		}
	}
	p.printf("%s%s\n", filter.Write(rest), filter.Flush())
	if notice := t.Notice(); notice != "" {
		p.printf("%s\n", safetext.Line(notice))
	}
}

// ready is how many bytes of a text that is still being written are given out by now,
// as the person wants to hear it.
func (p *plain) ready(text string) int {
	switch p.config.Announce {
	case "off":
		return len(text)
	case "end":
		return 0
	}
	end := 0
	for _, mark := range []string{". ", "! ", "? ", "\n", "。"} {
		if i := strings.LastIndex(text, mark); i >= 0 {
			end = max(end, i+len(mark))
		}
	}
	return end
}

// close saves and closes everything.
func (p *plain) close() error {
	var errs []error
	if p.talk != nil {
		errs = append(errs, p.talk.Close())
	}
	if p.model != nil {
		errs = append(errs, p.model.Close())
	}
	if p.store != nil {
		errs = append(errs, p.store.Close())
	}
	return errors.Join(errs...)
}

func (p *plain) printf(format string, args ...any) {
	if p.failed == nil {
		_, p.failed = fmt.Fprintf(p.out, format, args...)
	}
}

// readLines reads lines until the input or ctx ends.
func readLines(ctx context.Context, in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		reader := bufio.NewReader(in)
		for {
			line, err := reader.ReadString('\n')
			if line != "" {
				select {
				case lines <- line:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return lines
}
