package app

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"scout/engine"
	"scout/sessions"
	"scout/ui/drop"
	"scout/ui/safetext"
	"scout/ui/talk"
)

// chip is a file that goes with the next message.
type chip struct {
	file          talk.File
	hash          string // of a picture's data
	width, height int    // of a picture
	tiles, tokens int
	problem       string // why the model cannot take it
}

// text is what the chip shows: what it is and what it costs.
func (c chip) text(n int) string {
	parts := []string{fmt.Sprintf("▣%d %s", n, safetext.Line(c.file.Name))}
	if c.width > 0 {
		parts = append(parts, fmt.Sprintf("%d×%d", c.width, c.height))
	} else {
		parts = append(parts, bytesText(int64(len(c.file.Data))))
	}
	if c.tiles > 0 {
		parts = append(parts, plural(c.tiles, "tile"))
	}
	if c.tokens > 0 {
		parts = append(parts, "≈"+countText(c.tokens)+" tok")
	}
	if c.problem != "" {
		parts = append(parts, "! "+c.problem)
	}
	return strings.Join(parts, " ")
}

// Messages about files.
type (
	droppedMsg struct {
		text     string // to be written, since it is no file
		chips    []chip
		thumbs   map[string]sight
		problems []string
		typed    bool   // it was not pasted: what is no file stays where it is
		line     string // what is written in the composer, if the paths came from there
		burst    bool   // line is what came key by key, as in a drop
	}
	pricedMsg struct {
		model talk.Model
		chips []chip
	}
	thumbsMsg map[string]sight
)

func (r *root) fileResult(msg tea.Msg) (tea.Cmd, bool) {
	switch msg := msg.(type) {
	case droppedMsg:
		r.dropped(msg)
		return tea.Batch(r.hang(msg.thumbs), r.priceChips()), true
	case copiedMsg:
		return r.copied(msg), true
	case answerDueMsg:
		return r.answerDue(msg), true
	case burstMsg:
		return r.burstOver(msg), true
	case viewedMsg:
		return r.viewed(msg), true
	case pricedMsg:
		for _, priced := range msg.chips {
			for i := range r.chips {
				if bytes.Equal(r.chips[i].file.Data, priced.file.Data) {
					r.chips[i] = priced
				}
			}
		}
		return nil, true
	case thumbsMsg:
		return r.hang(msg), true
	case sessionsMsg:
		if msg.err != nil {
			r.complain(msg.err)
		}
		if msg.query == msg.list.query {
			msg.list.set(msg.rows)
		}
		return nil, true
	case demoMsg:
		if msg.name == "" {
			r.loading = ""
			r.complain(errors.New("there is no model here: /model PATH opens a GGUF file"))
			return nil, true
		}
		return r.load(msg.name), true
	case completedMsg:
		if r.composer.text() == msg.before {
			r.composer.set(msg.after)
		}
		if msg.more != "" {
			r.say(msg.more)
		}
		return nil, true
	}
	return nil, false
}

// paste takes a pasted text: files that were dropped, or words.
func (r *root) paste(text string) tea.Cmd {
	if n := len(r.layers); n > 0 {
		r.layers[n-1].paste(text)
		return nil
	}
	if text == "" { // some terminals paste so what is no text
		return pasteCopied(r, "")
	}
	if !drop.Parse(text, r.config.Drop).Possible() {
		r.composer.paste(text)
		return nil
	}
	return r.lookUp(text, false, "")
}

// attachPath attaches what a command names.
func attachPath(r *root, arg string) tea.Cmd {
	if arg == "" {
		r.say("/image PATH attaches a file; dropping it on the terminal does too.")
		return nil
	}
	if !strings.HasPrefix(arg, "/") && !strings.HasPrefix(arg, "~") && !strings.ContainsAny(arg, `'"\`) {
		if whole, err := filepath.Abs(arg); err == nil { // pure, but for the working folder's name
			arg = whole
		}
	}
	return r.lookUp(arg, true, "")
}

// lookUp looks in the background whether a text names files, and reads them.
func (r *root) lookUp(text string, typed bool, line string) tea.Cmd {
	candidates := drop.Parse(text, r.config.Drop)
	painter := r.painter()
	return func() tea.Msg {
		msg := droppedMsg{text: text, typed: typed, line: line}
		pictures := map[string][]byte{}
		result := candidates.Resolve(drop.Disk{}, engine.SniffImage)
		if len(result.Files) == 0 {
			if result.Problem != "" {
				msg.problems = []string{result.Problem}
			} else if typed {
				msg.problems = []string{"there is no such file, and no such command"}
			}
			return msg
		}
		var attach []drop.File
		attach, msg.text, msg.problems = result.Split()
		for _, f := range attach {
			c, err := readChip(f)
			if err != nil {
				msg.text = strings.TrimSpace(msg.text + " " + f.Source)
				msg.problems = append(msg.problems, err.Error())
				continue
			}
			msg.chips = append(msg.chips, c)
			if c.file.Image {
				pictures[c.hash] = c.file.Data
			}
		}
		msg.thumbs = painter.thumbnails(pictures)
		return msg
	}
}

// readChip reads a file that was dropped.
func readChip(f drop.File) (chip, error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return chip{}, fmt.Errorf("attaching: %w", err)
	}
	defer file.Close() // nothing was written
	data, err := io.ReadAll(io.LimitReader(file, sessions.MostAttachment+1))
	switch {
	case err != nil:
		return chip{}, fmt.Errorf("attaching: %w", err)
	case len(data) > sessions.MostAttachment:
		return chip{}, fmt.Errorf("attaching %s: it is larger than %s", f.Path, bytesText(sessions.MostAttachment))
	}
	return newChip(talk.File{Name: filepath.Base(f.Path), Data: data, Image: f.Kind == drop.Image}), nil
}

// newChip is the chip of a file that was read. It takes as long as reading the file.
func newChip(f talk.File) chip {
	c := chip{file: f}
	if f.Image {
		c.hash = hashOf(f.Data)
		if config, _, err := image.DecodeConfig(bytes.NewReader(f.Data)); err == nil {
			c.width, c.height = config.Width, config.Height
		}
	}
	return c
}

// dropped takes what a paste turned out to be. Nothing of it is lost.
func (r *root) dropped(msg droppedMsg) {
	r.chips = append(r.chips, msg.chips...)
	switch {
	case msg.burst:
		r.composer.replaceLast(msg.line, msg.text)
	case msg.line != "" && len(msg.chips) > 0 && r.composer.text() == msg.line:
		r.composer.take()
	case !msg.typed && msg.text != "":
		r.composer.paste(msg.text)
	}
	if len(msg.problems) > 0 {
		r.complain(errors.New(strings.Join(msg.problems, "; ")))
	}
}

// priceChips asks the model, in the background, what the files would cost.
func (r *root) priceChips() tea.Cmd {
	if len(r.chips) == 0 || r.talk == nil || r.model == nil {
		return nil
	}
	t, m, chips := r.talk, r.model, append([]chip(nil), r.chips...)
	return func() tea.Msg {
		for i := range chips {
			c := &chips[i]
			c.tiles, c.tokens, c.problem = 0, 0, ""
			if c.file.Image {
				plan, err := m.Price(c.file.Data)
				switch {
				case errors.Is(err, engine.ErrNoTower):
					c.problem = "this model cannot see"
				case err != nil:
					c.problem = safetext.Line(err.Error())
				default:
					c.width, c.height, c.tiles, c.tokens = plan.SourceWidth, plan.SourceHeight, plan.Tiles, plan.Tokens
				}
				continue
			}
			if n, err := t.Price("", []talk.File{c.file}); err == nil {
				c.tokens = n
			}
		}
		return pricedMsg{m, chips}
	}
}

// detach removes a file that was to go with the message.
func detach(r *root, arg string) tea.Cmd {
	n, err := number(arg, len(r.chips))
	if err != nil || n < 1 || n > len(r.chips) {
		r.complain(fmt.Errorf("there is no file %s to remove", arg))
		return nil
	}
	r.chips = append(r.chips[:n-1:n-1], r.chips[n:]...)
	return nil
}

// completedMsg is a path that was completed.
type completedMsg struct{ before, after, more string }

// completePath completes the @path at the end of what is written.
func (r *root) completePath(text string) tea.Cmd {
	m, ok := drop.Mentions(text, len(text))
	if !ok {
		return nil
	}
	env := r.config.Drop
	return func() tea.Msg {
		found, err := drop.Complete(m, env, os.ReadDir)
		if err != nil {
			return saidMsg{err: err}
		}
		if len(found) == 0 {
			return saidMsg{text: "No file begins like that."}
		}
		if len(found) == 1 {
			return completedMsg{before: text, after: text[:m.Start] + found[0].Text + text[m.End:]}
		}
		var names []string
		for _, f := range found[:min(len(found), 12)] {
			names = append(names, safetext.Line(f.Name))
		}
		return completedMsg{before: text, after: text, more: strings.Join(names, "  ")}
	}
}
