package app

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textarea"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"scout/ui/safetext"
)

// A paste of more than this is shown as a chip and sent whole.
const (
	bigPasteLines = 8
	bigPasteRunes = 1000
)

// composer is where the person writes: several lines, what was written before, and
// long pastes as chips.
type composer struct {
	area    textarea.Model
	history []string // what was sent or cleared, oldest first
	at      int      // in history; len(history): the draft
	draft   string   // what was being written when history was entered
	pastes  []string // by the number in their chip, from 1 on
}

func newComposer() composer {
	area := textarea.New()
	area.Prompt, area.ShowLineNumbers, area.CharLimit = "❯ ", false, 0
	area.SetPromptFunc(2, func(info textarea.PromptInfo) string {
		if info.LineNumber == 0 {
			return "❯ "
		}
		return "  "
	})
	area.EndOfBufferCharacter = ' '
	area.MaxHeight, area.MinHeight, area.DynamicHeight = 8, 1, true
	area.MaxContentHeight = 1 << 20 // texts are limited by what a model can read, not here
	area.SetVirtualCursor(false)
	area.KeyMap = composerKeys(area.KeyMap)
	area.Focus()
	return composer{area: area}
}

// composerKeys leaves those keys to the app that it has other uses for.
func composerKeys(k textarea.KeyMap) textarea.KeyMap {
	k.InsertNewline = key.NewBinding(key.WithKeys("shift+enter", "alt+enter", "ctrl+j"))
	k.LineNext = key.NewBinding(key.WithKeys("down"))
	k.LinePrevious = key.NewBinding(key.WithKeys("up"))
	k.SelectAll = key.NewBinding(key.WithDisabled())
	k.Paste = key.NewBinding(key.WithDisabled())
	k.PageUp = key.NewBinding(key.WithDisabled())
	k.PageDown = key.NewBinding(key.WithDisabled())
	k.DeleteCharacterForward = key.NewBinding(key.WithKeys("delete"))
	k.TransposeCharacterBackward = key.NewBinding(key.WithDisabled())
	k.InputEnd = key.NewBinding(key.WithKeys("alt+>"))
	k.InputBegin = key.NewBinding(key.WithKeys("alt+<"))
	return k
}

// style dresses the composer.
func (c *composer) style(s *styles) {
	state := textarea.StyleState{
		Base: lipgloss.NewStyle(), Text: s.text, CursorLine: s.text, EndOfBuffer: s.muted,
		Placeholder: s.muted, Prompt: s.accent, Selection: s.selected,
	}
	c.area.SetStyles(textarea.Styles{
		Focused: state, Blurred: state, Cursor: textarea.CursorStyle{Color: s.theme.Accent, Shape: tea.CursorBar, Blink: true},
	})
}

func (c *composer) resize(width, height int) {
	c.area.MaxHeight = max(1, min(8, height/3))
	c.area.Placeholder = "Ask something, or type / for commands"
	if width < 60 {
		c.area.Placeholder = "Ask something"
	}
	c.area.SetWidth(width)
}

// text is what is written, chips and all.
func (c *composer) text() string { return c.area.Value() }

func (c *composer) empty() bool { return c.area.Value() == "" }

// set replaces what is written.
func (c *composer) set(text string) {
	c.area.SetValue(text)
	c.area.MoveToEnd()
	c.at = len(c.history)
}

// replaceLast puts a text in the place of the last other one, if that is still written.
func (c *composer) replaceLast(old, text string) {
	written := c.area.Value()
	if i := strings.LastIndex(written, old); i >= 0 && old != "" {
		c.area.SetValue(written[:i] + text + written[i+len(old):])
		c.area.MoveToEnd()
	}
}

// whole is what is written, with the pastes in the place of their chips.
func (c *composer) whole() string {
	text := c.area.Value()
	for i, paste := range c.pastes {
		text = strings.ReplaceAll(text, chipOf(i+1, paste), paste)
	}
	return text
}

// take is whole, kept in the history, and leaves the composer empty.
func (c *composer) take() string {
	text := c.whole()
	c.remember(text)
	c.area.Reset()
	c.pastes = nil
	return text
}

// remember puts a text into the history.
func (c *composer) remember(text string) {
	if strings.TrimSpace(text) != "" && (len(c.history) == 0 || c.history[len(c.history)-1] != text) {
		c.history = append(c.history, text)
	}
	c.at, c.draft = len(c.history), ""
}

// paste inserts a pasted text: long ones as a chip.
func (c *composer) paste(text string) {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	text = safetext.Text(text)
	if strings.Count(text, "\n") >= bigPasteLines || utf8.RuneCountInString(text) > bigPasteRunes {
		c.pastes = append(c.pastes, text)
		text = chipOf(len(c.pastes), text)
	}
	c.area.InsertString(text)
}

// chipOf is what stands for the n-th long paste.
func chipOf(n int, paste string) string {
	return fmt.Sprintf("[paste %d: %s, %d bytes]", n, plural(strings.Count(paste, "\n")+1, "line"), len(paste))
}

// older shows what was written before, if the cursor is in the first line.
func (c *composer) older() bool {
	if info := c.area.LineInfo(); c.area.Line() > 0 || info.RowOffset > 0 || c.at == 0 {
		return false
	}
	if c.at == len(c.history) {
		c.draft = c.area.Value()
	}
	c.at--
	c.area.SetValue(c.history[c.at])
	c.area.MoveToBegin()
	return true
}

// newer goes back towards the draft, if the cursor is in the last line.
func (c *composer) newer() bool {
	info := c.area.LineInfo()
	if c.area.Line() < c.area.LineCount()-1 || info.RowOffset < info.Height-1 || c.at >= len(c.history) {
		return false
	}
	c.at++
	text := c.draft
	if c.at < len(c.history) {
		text = c.history[c.at]
	}
	c.area.SetValue(text)
	c.area.MoveToEnd()
	return true
}

// lines is the composer as it is drawn.
func (c *composer) lines(width int) []string {
	var out []string
	for _, line := range strings.Split(c.area.View(), "\n") {
		out = append(out, cut(line, width))
	}
	return out
}
