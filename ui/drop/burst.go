package drop

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// BurstSettles is how long nothing may be typed before a burst is over. People
	// who type fast leave about this long between two keys; a drop that is cut by a
	// network leaves less.
	BurstSettles = 50 * time.Millisecond

	burstWindow = 20 * time.Millisecond // in which the first characters of a burst come
	burstRunes  = 8                     // of them
)

// Burst notices a drop in terminals that type it key by key instead of pasting it: at
// least 8 characters within 20 ms that begin like a path. It takes no time and tells
// none; the caller says what was typed when. What was typed stays where it is typed
// until Take hands over a burst that is complete, to be read by Parse.
//
// The zero Burst is ready.
type Burst struct {
	text        strings.Builder
	runes       int
	first, last time.Time
	fast        bool // it is one
}

// Type is told of characters as they are typed; of enter as "\n", but only while
// Active.
func (b *Burst) Type(text string, at time.Time) {
	if b.runes > 0 && at.Sub(b.last) > b.patience() {
		b.Reset()
	}
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && (r != '\n' || !b.fast) }) {
		b.Reset()
		return
	}
	if b.runes == 0 {
		b.first = at
	}
	b.last = at
	before := b.runes
	b.runes += utf8.RuneCountInString(text)
	if b.text.Len()+len(text) <= mostBytes {
		b.text.WriteString(text)
	} else {
		b.fast = false
	}
	if before < burstRunes && b.runes >= burstRunes {
		b.fast = at.Sub(b.first) <= burstWindow && startsBurst(b.text.String())
	}
}

// patience is how long a burst waits for its next character.
func (b *Burst) patience() time.Duration {
	if b.fast {
		return BurstSettles
	}
	return burstWindow
}

// startsBurst says whether characters begin like a drop.
func startsBurst(s string) bool { return s[0] == '"' || s[0] == '\'' || startsPath(s) }

// Active says whether a burst is under way, so that an enter belongs to it and sends
// nothing.
func (b *Burst) Active(at time.Time) bool { return b.fast && at.Sub(b.last) <= BurstSettles }

// Take is the text of a burst that has ended, once.
func (b *Burst) Take(at time.Time) (text string, ok bool) {
	if !b.fast || b.Active(at) {
		return "", false
	}
	text = b.text.String()
	b.Reset()
	return text, true
}

// Reset forgets what was typed: another key was pressed, or the text was changed.
func (b *Burst) Reset() { *b = Burst{} }
