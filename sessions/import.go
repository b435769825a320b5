package sessions

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// mostImport is the largest file that is imported, in bytes.
const mostImport = 512 << 20

// Import makes a new session of an exported one, or of a list of messages with
// "role" and "content" as other programs write it, alone or as "messages" of an
// object. The session gets an id of its own. After an error there is none.
func (st *Store) Import(r io.Reader) (id string, err error) {
	data, err := io.ReadAll(io.LimitReader(r, mostImport+1))
	if err == nil && len(data) > mostImport {
		err = fmt.Errorf("it is larger than %d MiB", mostImport>>20)
	}
	var in *exported
	if err == nil {
		in, err = parseImport(data)
	}
	if err == nil {
		id, err = st.adopt(in)
	}
	if err != nil {
		return "", fmt.Errorf("sessions: importing: %w", err)
	}
	return id, nil
}

// chatMessage is a message as most programs write it.
type chatMessage struct {
	Role    Role            `json:"role"`
	Content json.RawMessage `json:"content"`
}

// parseImport reads any of the forms of Import.
func parseImport(data []byte) (*exported, error) {
	data = bytes.TrimPrefix(bytes.TrimSpace(data), []byte("\xef\xbb\xbf"))
	var list []chatMessage
	if bytes.HasPrefix(data, []byte("[")) {
		if err := json.Unmarshal(data, &list); err != nil {
			return nil, notJSON(err)
		}
		return fromChat(list, "")
	}
	var kind struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
		Title   string `json:"title"`
	}
	if err := json.Unmarshal(data, &kind); err != nil {
		return nil, notJSON(err)
	}
	if kind.Format == exportFormat {
		if kind.Version > formatVersion {
			return nil, fmt.Errorf("it has version %d, this program reads up to %d", kind.Version, formatVersion)
		}
		var in exported
		if err := json.Unmarshal(data, &in); err != nil {
			return nil, notJSON(err)
		}
		return &in, checkImport(&in)
	}
	var chat struct {
		Messages []chatMessage `json:"messages"`
	}
	if err := json.Unmarshal(data, &chat); err != nil {
		return nil, notJSON(err)
	}
	return fromChat(chat.Messages, kind.Title)
}

var errNoMessages = errors.New(`it has no messages, want an exported session or a list of {"role": …, "content": …}`)

func notJSON(err error) error { return fmt.Errorf("it is no JSON of a conversation: %w", err) }

// fromChat makes a conversation of a plain list of messages.
func fromChat(list []chatMessage, title string) (*exported, error) {
	if len(list) == 0 {
		return nil, errNoMessages
	}
	in := &exported{Title: title}
	for i, m := range list {
		text, err := chatText(m.Content)
		if err != nil {
			return nil, fmt.Errorf("message %d: %w", i+1, err)
		}
		if m.Role == "" {
			return nil, fmt.Errorf("message %d has no role", i+1)
		}
		in.Messages = append(in.Messages, Message{ID: i + 1, Parent: i, Role: m.Role, Text: text})
	}
	in.Head = len(list)
	return in, nil
}

// chatText is the text of a message: a string, or a list of parts that are
// text.
func chatText(content json.RawMessage) (string, error) {
	var text string
	if json.Unmarshal(content, &text) == nil { // null too: no text
		return text, nil
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal(content, &parts); err != nil {
		return "", fmt.Errorf("its content is neither text nor a list of parts")
	}
	var b strings.Builder
	for _, p := range parts {
		if p.Type != "text" {
			return "", fmt.Errorf("it has a part of type %q, want text", p.Type)
		}
		b.WriteString(p.Text)
	}
	return b.String(), nil
}

// checkImport says what of an exported session cannot be.
func checkImport(in *exported) error {
	if len(in.Messages) == 0 {
		return errNoMessages
	}
	known := map[int]bool{0: true}
	for i, m := range in.Messages {
		if why := misplaced(m.ID, m.Parent); why != "" {
			return fmt.Errorf("message %d of the file %s", i+1, why)
		}
		if known[m.ID] || !known[m.Parent] {
			return fmt.Errorf("message %d of the file has the id %d twice, or follows %d before it was said", i+1, m.ID, m.Parent)
		}
		known[m.ID] = true
		if len(m.Text) > mostText {
			return tooLong(len(m.Text))
		}
		for _, a := range m.Attachments {
			if !hashShape.MatchString(a.Hash) {
				return fmt.Errorf("message %d of the file: attachment %q has the hash %q, want 64 hexadecimal digits", i+1, a.Name, a.Hash)
			}
		}
	}
	for hash, data := range in.Attachments {
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != hash {
			return fmt.Errorf("attachment %q is damaged: its bytes have another hash", hash)
		}
	}
	return nil
}

// adopt writes an imported session.
func (st *Store) adopt(in *exported) (id string, err error) {
	for hash, data := range in.Attachments {
		if err := st.keep(hash, data); err != nil {
			return "", err
		}
	}
	s := st.New(in.Origin)
	if !in.Created.IsZero() {
		s.begin.Time = in.Created.UTC()
		s.state.Created = s.begin.Time
	}
	if err := s.fill(in.Messages, in.Head, in.Title, in.Pinned); err != nil {
		s.abandon()
		return "", err
	}
	return s.ID(), s.Close()
}

// Fork makes a new session of a conversation's messages up to one, which it
// leaves as it is. Attachments are shared.
func (st *Store) Fork(c *Conversation, at int) (*Session, error) {
	path := c.Path(at)
	if len(path) == 0 {
		return nil, fmt.Errorf("sessions: forking session %s at message %d: %w", c.ID, at, ErrNotFound)
	}
	title := ""
	if c.Titled {
		title = c.Title
	}
	s := st.New(&Origin{Session: c.ID, Message: at})
	if err := s.fill(path, at, title, false); err != nil {
		s.abandon()
		return nil, err
	}
	return s, nil
}

// fill copies messages into a new session, parents before children, with ids
// from 1 on, and saves it.
func (s *Session) fill(messages []Message, head int, title string, pinned bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := map[int]int{0: 0}
	for _, m := range messages {
		ids[m.ID] = len(ids)
		m.ID, m.Parent = ids[m.ID], ids[m.Parent]
		if err := s.add(&record{Message: &m}); err != nil {
			return err
		}
	}
	if to, known := ids[head]; known && to != s.state.Head {
		if err := s.add(&record{Head: &to}); err != nil {
			return err
		}
	}
	if title = strings.Join(strings.Fields(title), " "); title != "" {
		if runes := []rune(title); len(runes) > mostTitle {
			title = string(runes[:mostTitle])
		}
		if err := s.add(&record{Title: &title}); err != nil {
			return err
		}
	}
	if pinned {
		if err := s.add(&record{Pinned: &pinned}); err != nil {
			return err
		}
	}
	return s.sync()
}

// abandon takes a session away whose first saving failed.
func (s *Session) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	name := s.state.ID + journalEnding
	if s.journal.file != nil {
		s.journal.file.Close()
	} else if info, err := s.store.disk.stat(name); err != nil || info.Size() > 0 {
		return // not made, or not by us
	}
	_ = s.store.disk.remove(name) // the error that matters is another
}
