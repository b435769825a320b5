package clipboard

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// ModeQuery is the sequence that asks a terminal whether it knows of OSC 5522: whether
// it has the mode that announces pastes that way (DECRQM of the private mode 5522). A
// terminal that does not answers 0, or not at all.
const ModeQuery = "\x1b[?5522$p"

// Mode is the number of that mode, as it stands in the answer.
const Mode = 5522

// Reading is a reading of the clipboard that the terminal has, by OSC 5522
// (https://sw.kovidgoyal.net/kitty/clipboard/, "Reading data from the system
// clipboard"): first the list of types, for which nobody is asked, then the best of
// them, for which the terminal may ask the person.
type Reading struct {
	id      string
	most    int
	want    string // the type that was asked for; listing: the list
	begun   bool   // the terminal has said OK
	data    []byte
	content Content
}

// listing asks for the list of types.
const listing = "."

// NewReading begins a reading of at most most bytes. id tells its answers from those to
// others: letters and digits. request is what the terminal is to be sent.
func NewReading(id string, most int) (r *Reading, request string) {
	r = &Reading{id: id, most: most}
	return r, r.ask(listing)
}

// ask is the request for a type.
func (r *Reading) ask(mediaType string) string {
	r.want, r.begun, r.data = mediaType, false, nil
	return "\x1b]5522;type=read:id=" + r.id + ";" + base64.StdEncoding.EncodeToString([]byte(mediaType)) + "\x1b\\"
}

// Content is what was read.
func (r *Reading) Content() Content { return r.content }

// Take takes a sequence that the terminal sent. One that is not an answer to this
// reading changes nothing. next is what the terminal is to be sent now, if not empty;
// done is that the reading is over, with Content or with err.
func (r *Reading) Take(sequence string) (next string, done bool, err error) {
	a, ok := parseAnswer(sequence)
	if !ok || a.id != "" && a.id != r.id {
		return "", false, nil
	}
	switch a.status {
	case "OK":
		r.begun = true
		return "", false, nil
	case "DATA":
		if err := r.add(a); err != nil {
			return "", true, fmt.Errorf("clipboard: reading from the terminal: %w", err)
		}
		return "", false, nil
	case "DONE":
		return r.end()
	}
	return "", true, fmt.Errorf("clipboard: reading from the terminal: %w", refusal(a.status))
}

// add takes a piece of data. Of what was not asked for nothing is kept.
func (r *Reading) add(a answer) error {
	if !r.begun {
		return errors.New("data came before they were announced")
	}
	if a.mediaType != r.want {
		return nil
	}
	data, err := decode(a.payload)
	if err != nil {
		return fmt.Errorf("a piece of %s: %w", r.want, err)
	}
	if len(r.data)+len(data) > r.most {
		return fmt.Errorf("%w: more than %d bytes", ErrTooLarge, r.most)
	}
	r.data = append(r.data, data...)
	return nil
}

// end is that all of a type has come.
func (r *Reading) end() (next string, done bool, err error) {
	if r.want != listing {
		if len(r.data) > 0 {
			r.content = as(r.want, r.data)
		}
		return "", true, nil
	}
	best := bestOf(strings.Fields(string(r.data)))
	if best == "" {
		return "", true, nil
	}
	return r.ask(best), false, nil
}

// refusal is what an error code of the protocol means to the person.
func refusal(code string) error {
	switch code {
	case "EPERM":
		return errors.New("it was not allowed to: say yes when the terminal asks, or see its settings for the clipboard")
	case "ENOSYS":
		return errors.New("the terminal cannot")
	case "EBUSY":
		return errors.New("the clipboard is in use: try again")
	}
	return errors.New("the terminal failed at it")
}

// answer is an answer of the terminal.
type answer struct{ id, status, mediaType, payload string }

// mostSequence is longer than an answer can be: 4096 bytes in base 64, and what stands
// before them.
const mostSequence = 16 << 10

// parseAnswer reads an answer to a reading.
func parseAnswer(sequence string) (a answer, ok bool) {
	body, ok := strings.CutPrefix(sequence, "\x1b]5522;")
	if !ok || len(sequence) > mostSequence {
		return answer{}, false
	}
	for _, end := range []string{"\x1b\\", "\x07", "\x9c"} {
		if rest, cut := strings.CutSuffix(body, end); cut {
			body = rest
			break
		}
	}
	meta, payload, _ := strings.Cut(body, ";")
	a.payload = payload
	reads := false
	for field := range strings.SplitSeq(meta, ":") {
		key, value, _ := strings.Cut(field, "=")
		switch key {
		case "type":
			reads = value == "read"
		case "id":
			a.id = value
		case "status":
			a.status = value
		case "mime":
			data, err := decode(value)
			if err != nil {
				return answer{}, false
			}
			a.mediaType = string(data)
		}
	}
	return a, reads && a.status != ""
}

// decode reads base 64, with or without the signs that fill it up.
func decode(s string) ([]byte, error) {
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
}
