package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"scout/engine"
)

// progressAfter is how long reading a prompt takes before it is worth a line:
// shorter waits need no explanation.
const progressAfter = 500 * time.Millisecond

// progress shows, on one line of a terminal, how much of the prompt has been
// read. It uses no escape sequence, only spaces and going back to the start of
// the line. The zero value shows nothing.
type progress struct {
	w     io.Writer // nil shows nothing
	width int       // of the line that is on the screen
}

// newProgress shows progress on standard error if a person is watching it.
func (s Streams) newProgress() *progress {
	if s.ErrTerminal && !s.Dumb {
		return &progress{w: s.Err}
	}
	return &progress{}
}

// update shows the state of an answer.
func (p *progress) update(s engine.Stats) {
	if p.w == nil {
		return
	}
	if s.TilesDone < s.Tiles && s.Generated == 0 {
		p.show(fmt.Sprintf("looking at the pictures: %d of %s", s.TilesDone, plural(s.Tiles, "tile")))
		return
	}
	if s.Prefill < progressAfter || s.Generated > 0 || s.PromptDone >= s.PromptTokens {
		return
	}
	p.show(fmt.Sprintf("reading the prompt: %d of %d tokens, %s tok/s",
		s.PromptDone, s.PromptTokens, formatRate(s.PrefillPerSecond())))
}

// clear takes the line away, so that text can begin where it was.
func (p *progress) clear() {
	if p.w != nil && p.width > 0 {
		p.show("")
	}
}

// show puts line in the place of the one shown before.
func (p *progress) show(line string) {
	blank := strings.Repeat(" ", max(0, p.width-len(line)))
	p.width = len(line)
	end := ""
	if line == "" {
		end = "\r"
	}
	_, _ = fmt.Fprintf(p.w, "\r%s%s%s", line, blank, end) // a lost progress line is no loss
}
