package talk

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"scout/engine"
	"scout/sessions"
)

// The media types of attachments. Pictures have this and their format.
const (
	imageType = "image/"
	textType  = "text/plain"
)

// attachment describes a file as the session will know it, if it is one that can
// go with a message.
func attachment(f File) (sessions.Attachment, error) {
	a := sessions.Attachment{Name: strings.ToValidUTF8(f.Name, "\uFFFD"), Type: textType, Size: int64(len(f.Data))}
	if len(f.Data) > sessions.MostAttachment {
		return a, fmt.Errorf("talk: attaching %s: it is %d bytes long, want at most %d", a.Name, len(f.Data), sessions.MostAttachment)
	}
	if f.Image {
		if _, err := engine.NewImage(a.Name, f.Data); err != nil {
			return a, fmt.Errorf("talk: attaching: %w", err)
		}
		format, _ := engine.SniffImage(f.Data)
		a.Type = imageType + strings.ToLower(format)
	} else if i := bytes.IndexByte(f.Data, 0); i >= 0 {
		return a, fmt.Errorf("talk: attaching %s: it is not text: byte %d of it is 0", a.Name, i)
	}
	sum := sha256.Sum256(f.Data)
	a.Hash = hex.EncodeToString(sum[:])
	return a, nil
}

func isImage(a sessions.Attachment) bool { return strings.HasPrefix(a.Type, imageType) }

// fenced is a text file as the model is shown it: its name, and its text between
// fences that nothing in it closes.
func fenced(name string, data []byte) string {
	name = strings.Join(strings.Fields(name), " ")
	text := strings.ToValidUTF8(string(data), "\uFFFD")
	fence := strings.Repeat("`", max(3, longestRun(text, '`')+1))
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return "File " + name + ":\n" + fence + language(name) + "\n" + text + fence + "\n\n"
}

// language is what stands after an opening fence: the ending of the file's name,
// if it is plain.
func language(name string) string {
	ending := strings.TrimPrefix(path.Ext(name), ".")
	for _, r := range ending {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return ""
		}
	}
	return ending
}

// longestRun is how often b comes at most in a row.
func longestRun(s string, b byte) (longest int) {
	run := 0
	for i := range len(s) {
		if s[i] != b {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// fetcher gets the bytes of an attachment.
type fetcher func(sessions.Attachment) ([]byte, error)

// conversation is what the model is told of messages, oldest first: the last system
// prompt, if it is not empty, and then what was said. partial is the text of the
// replies at the end, if the last message is one: what it is to go on with.
//
// Speakers take turns, since templates want it: a question that got no answer
// goes with the next one, and a reply without a word is left out.
func conversation(path []sessions.Message, fetch fetcher) (told []engine.Message, partial string, err error) {
	system := ""
	for _, m := range path {
		switch {
		case m.Role == sessions.System:
			system = m.Text
			continue
		case m.Role == "", m.Role == sessions.Assistant && m.Text == "":
			continue // lost to damage, or nothing was said
		}
		next, err := message(m, fetch)
		if err != nil {
			return nil, "", err
		}
		told = append(told, next)
	}
	told = Joined(told)
	if n := len(told) - 1; n >= 0 && told[n].Role == engine.Assistant {
		partial = told[n].Content
		told = told[:n]
	}
	if system != "" {
		told = slices.Insert(told, 0, engine.Message{Role: engine.System, Content: system})
	}
	return told, partial, nil
}

// Joined is a conversation in which speakers take turns, as models were trained:
// what one said in several messages, such as a question that was asked again before it
// was answered, is one turn.
func Joined(conversation []engine.Message) []engine.Message {
	var turns []engine.Message
	for _, next := range conversation {
		if n := len(turns) - 1; n >= 0 && turns[n].Role == next.Role && joins(next.Role) {
			turns[n] = join(turns[n], next)
			continue
		}
		turns = append(turns, next)
	}
	return turns
}

func joins(r engine.Role) bool { return r == engine.User || r == engine.Assistant }

// join makes one turn of two of the same speaker. A reply goes on in the middle of a
// word, a question begins anew.
func join(a, b engine.Message) engine.Message {
	between := "\n\n"
	if a.Role == engine.Assistant {
		between = ""
	}
	if len(a.Parts) == 0 && len(b.Parts) == 0 {
		a.Content += between + b.Content
		return a
	}
	parts := append(pieces(a), engine.Part{Text: between})
	return engine.Message{Role: a.Role, Parts: append(parts, pieces(b)...)}
}

// pieces is what a turn consists of.
func pieces(m engine.Message) []engine.Part {
	if len(m.Parts) == 0 {
		return []engine.Part{{Text: m.Content}}
	}
	return slices.Clone(m.Parts)
}

// message is what the model is told of one message: its pictures, then its text
// files, then its text.
func message(m sessions.Message, fetch fetcher) (engine.Message, error) {
	told := engine.Message{Role: engine.Role(m.Role)}
	var text strings.Builder
	for _, a := range m.Attachments {
		data, err := fetch(a)
		if err != nil {
			return told, &AttachmentError{Message: m.ID, Name: a.Name, Err: err}
		}
		if isImage(a) {
			told.Parts = append(told.Parts, engine.Part{Image: &engine.Image{Name: a.Name, Data: data}})
		} else {
			text.WriteString(fenced(a.Name, data))
		}
	}
	text.WriteString(m.Text)
	switch {
	case len(told.Parts) == 0:
		told.Content = text.String()
	case text.Len() > 0:
		told.Parts = append(told.Parts, engine.Part{Text: text.String()})
	}
	return told, nil
}

// AttachmentError is that a file of a message cannot be read any more, so that the
// model cannot be told what was said.
type AttachmentError struct {
	Message int // its id
	Name    string
	Err     error
}

func (e *AttachmentError) Error() string {
	return fmt.Sprintf("talk: reading %s, which belongs to message %d: %v; edit that message, or go on from before it", e.Name, e.Message, e.Err)
}

func (e *AttachmentError) Unwrap() error { return e.Err }

// fetch gets an attachment from memory or from the store. It is the worker's.
func (t *Talk) fetch(a sessions.Attachment) ([]byte, error) {
	t.mu.Lock()
	data, ok := t.files[a.Hash]
	t.mu.Unlock()
	if ok {
		return data, nil
	}
	if t.store == nil {
		return nil, sessions.ErrNotFound
	}
	data, err := t.store.Attachment(a.Hash)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.files[a.Hash] = data
	t.mu.Unlock()
	return data, nil
}

// forget lets go of attachments that are in the store and in none of the messages,
// so that no more of them are in memory than the branch has.
func (t *Talk) forget(path []sessions.Message) {
	if t.store == nil {
		return
	}
	used := map[string]bool{}
	for _, m := range path {
		for _, a := range m.Attachments {
			used[a.Hash] = true
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for hash := range t.files {
		if !used[hash] && !t.saver.needs(hash) {
			delete(t.files, hash)
		}
	}
}

// Price says how many tokens a message would take, its files included, without what
// the model's template puts around it: nothing is run. It is worked out by the
// calling goroutine, which takes a moment for a long text.
func (t *Talk) Price(text string, files []File) (tokens int, err error) {
	m, _ := t.Model()
	if m == nil {
		return 0, ErrNoModel
	}
	var all strings.Builder
	for _, f := range files {
		if !f.Image {
			all.WriteString(fenced(f.Name, f.Data))
			continue
		}
		plan, err := m.Price(f.Data)
		if err != nil {
			return 0, fmt.Errorf("talk: pricing %s: %w", f.Name, err)
		}
		tokens += plan.Tokens
	}
	all.WriteString(text)
	return tokens + len(m.Tokenize(all.String(), false)), nil
}
