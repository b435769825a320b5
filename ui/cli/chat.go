package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"syscall"

	"scout/engine"
	"scout/ui/safetext"
)

// chatHelp is what /help says.
const chatHelp = `/clear   begin a new conversation
/image   with the path of a picture after it: show it with the next message
/exit    leave (also Ctrl+D)
/help    this list
End a line with \ to go on in the next. Ctrl+C stops an answer; once more leaves.
A line that begins with a space is always sent as it is.
`

// chat is a conversation at a terminal, line by line.
type chat struct {
	app          *App
	generator    generator
	conversation []engine.Message
	sampling     engine.Sampling
	stats        bool
	price        func(image []byte) (engine.ImagePlan, error)
	pending      []*engine.Image // that go with the next message
	keep         *keeper

	lines <-chan inputLine
	armed bool // an interrupt has just been: the next one leaves
}

// inputLine is a line as it was typed, or the end of the input.
type inputLine struct {
	text string // without its line break
	err  error  // io.EOF or what reading failed with
}

// run talks until the person leaves. Interrupts stop an answer first.
func (c *chat) run(ctx context.Context, info engine.Info) error {
	done := make(chan struct{})
	defer close(done)
	c.lines = readLines(c.app.In, done)
	if err := c.app.printf("%s. /help lists the commands.\n", safetext.Line(cmp.Or(info.Name, "unnamed model"))); err != nil {
		return err
	}
	for {
		message, err := c.readMessage()
		if err != nil {
			return leaving(err)
		}
		if word, argument, ok := chatCommand(message); ok {
			leave, err := c.command(word, argument)
			if leave || err != nil {
				return err
			}
			continue
		}
		if strings.TrimSpace(message) == "" {
			continue
		}
		if err := c.turn(ctx, message); err != nil {
			return leaving(err)
		}
	}
}

// leaving is the error a chat ends with when reading ended with err: running
// out of input is how one leaves.
func leaving(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// linesAhead is how many lines may wait for their turn. The terminal has to be
// read on while an answer is written: a Ctrl+C behind more than it can hold would
// never arrive.
const linesAhead = 4096

// readLines reads lines in the background, so that an interrupt is noticed
// while nothing is typed. The reading goroutine ends with the input or, after
// done is closed, with the next line: a read from a terminal cannot be taken
// back.
func readLines(r io.Reader, done <-chan struct{}) <-chan inputLine {
	lines := make(chan inputLine, linesAhead)
	go func() {
		defer close(lines)
		in := bufio.NewReader(r)
		for {
			text, err := in.ReadString('\n')
			if text == "" && err == nil {
				continue
			}
			var l inputLine
			if text != "" {
				l.text = strings.TrimRight(text, "\r\n")
			} else {
				l.err = err
			}
			select {
			case lines <- l:
			case <-done:
				return
			}
			if l.err != nil {
				return
			}
		}
	}()
	return lines
}

// readMessage prompts for a message and reads it, with the lines it goes on in.
func (c *chat) readMessage() (string, error) {
	var parts []string
	prompt := "> "
	for {
		if err := c.app.printf("%s", prompt); err != nil {
			return "", err
		}
		select {
		case s := <-c.app.interrupts:
			if c.armed || s == syscall.SIGTERM {
				return "", errors.Join(c.app.printf("\n"), errInterrupted)
			}
			c.armed = true
			if err := c.app.printf("\n(Ctrl+C again or Ctrl+D leaves)\n"); err != nil {
				return "", err
			}
			parts, prompt = nil, "> "
			continue
		case l, ok := <-c.lines:
			if !ok || l.err != nil {
				return "", errors.Join(c.app.printf("\n"), endOfLines(l.err))
			}
			c.armed = false
			if more, ok := strings.CutSuffix(l.text, `\`); ok {
				parts, prompt = append(parts, more), ". "
				continue
			}
			return strings.Join(append(parts, l.text), "\n"), nil
		}
	}
}

// endOfLines is why there are no more lines.
func endOfLines(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
		return io.EOF
	}
	return err
}

// commandWord is a line that is a command: a slash and letters, and a path for one
// of them. "/etc/hosts" and " /help" are not.
var commandWord = regexp.MustCompile(`^/(?:([a-z]+)\s*|(image)[ \t]+(.+))$`)

// chatCommand is the command a message consists of, without its slash.
func chatCommand(message string) (word, argument string, ok bool) {
	m := commandWord.FindStringSubmatch(message)
	if m == nil {
		return "", "", false
	}
	return m[1] + m[2], strings.TrimSpace(m[3]), true
}

// command carries out a command of the chat.
func (c *chat) command(word, argument string) (leave bool, err error) {
	switch word {
	case "exit":
		return true, nil
	case "clear":
		c.conversation, c.pending = instructions(c.conversation), nil
		c.keep.renew()
		return false, c.app.printf("(a new conversation)\n")
	case "image":
		return false, c.attach(argument)
	case "help":
		return false, c.app.printf("%s", chatHelp)
	}
	return false, c.app.printf("(no command /%s; /help lists them)\n", word)
}

// instructions is what /clear keeps of a conversation: the system message.
func instructions(conversation []engine.Message) []engine.Message {
	if len(conversation) > 0 && conversation[0].Role == engine.System {
		return conversation[:1]
	}
	return nil
}

// attach makes a picture part of the next message, if it is one that the model can
// look at.
func (c *chat) attach(path string) error {
	if path == "" {
		return c.app.printf("(/image takes the path of a picture)\n")
	}
	image, err := c.app.readImage(draggedPath(path))
	if err == nil {
		var plan engine.ImagePlan
		if plan, err = c.price(image.Data); err == nil {
			c.pending = append(c.pending, image)
			plan.Name = image.Name
			return c.app.printf("(%s; it goes with your next message)\n", seenLine(plan))
		}
	}
	if errors.Is(err, errInterrupted) {
		return err
	}
	return c.app.printf("(%s)\n", safetext.Line(hint(err)))
}

// draggedPath is a path as it was typed or as a terminal writes one that is dropped
// on it: in quotes, or with backslashes before spaces.
func draggedPath(typed string) string {
	for _, quote := range []string{`"`, "'"} {
		if inner, ok := strings.CutPrefix(typed, quote); ok && len(inner) > 1 && strings.HasSuffix(inner, quote) {
			return strings.TrimSuffix(inner, quote)
		}
	}
	if _, err := os.Stat(typed); err != nil {
		return strings.ReplaceAll(typed, `\ `, " ")
	}
	return typed
}

// turn sends a message and writes the answer. What cannot be answered is taken
// out of the conversation again and the chat goes on; an error means that it
// cannot.
func (c *chat) turn(ctx context.Context, message string) error {
	before := c.keep.asked(message, c.pending)
	asked := append(c.conversation, userMessage(message, c.pending))
	c.pending = nil
	ctx, stop := c.app.interruptible(ctx)
	out, err := answerTo(ctx, c.generator, asked, c.sampling, c.keep.answers(newTextReporter(c.app.Streams)))
	stop()
	if out.Text == "" {
		c.keep.back(before)
	}
	var full *engine.ContextError
	var image *engine.ImageError
	switch {
	case errors.As(err, &full):
		return c.app.printf("%s\n", tooLong(full, len(c.conversation) > 0))
	case errors.As(err, &image) || errors.Is(err, engine.ErrNoTower):
		return c.app.printf("(%s. The message was not sent.)\n", safetext.Line(hint(err)))
	case err != nil:
		return err
	}
	if out.Text != "" {
		c.conversation = append(asked, engine.Message{Role: engine.Assistant, Content: out.Text})
	}
	c.armed = out.Reason == interrupted
	if err := c.app.printf("%s", endNote(out.Reason)); err != nil {
		return err
	}
	if c.armed {
		if err := c.dropTypedAhead(); err != nil {
			return err
		}
	}
	if c.stats {
		c.app.note("%s", statsLine(out, c.sampling))
	}
	return nil
}

// tooLong says what to do about a message that does not fit.
func tooLong(e *engine.ContextError, history bool) string {
	if len(e.Images) > 0 {
		return fmt.Sprintf("(With this message the conversation would be %d tokens long, %d of them for %s, and there is room for %d. The message was not sent, nor its pictures. "+
			"Start with other flags: %s. /clear begins anew.)", e.Need, e.ImageTokens(), plural(len(e.Images), "picture"), e.Have, overflowAdvice(e))
	}
	if history {
		return fmt.Sprintf("(The conversation is full: with this message it would be %d tokens long, and there is room for %d. "+
			"The message was not sent. /clear begins anew; start with --ctx for more room.)", e.Need, e.Have)
	}
	return fmt.Sprintf("(This message would take %d tokens, and there is room for %d. It was not sent. "+
		"Shorten it, or the --system prompt, or start with --ctx for more room.)", e.Need, e.Have)
}

// dropTypedAhead forgets lines that were typed or pasted while the answer that
// has just been stopped was written: who stops an answer wants the next one
// no less stopped.
func (c *chat) dropTypedAhead() error {
	for dropped := 0; ; dropped++ {
		select {
		case l := <-c.lines:
			if l.err == nil {
				continue
			}
			return l.err
		default:
			if dropped == 0 {
				return nil
			}
			return c.app.printf("(%s typed meanwhile dropped)\n", plural(dropped, "line"))
		}
	}
}

// endNote says why an answer ended, where that is not plain.
func endNote(r engine.Reason) string {
	switch r {
	case interrupted:
		return "(stopped)\n"
	case engine.TokenLimit:
		return "(stopped at --max-tokens)\n"
	case engine.ContextFull:
		return "(the context is full: /clear begins a new conversation)\n"
	}
	return ""
}
