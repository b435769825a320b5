package sessions

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// exportFormat is how an exported session is known.
const exportFormat = "scout-session"

// exported is a session as one JSON object, with all that belongs to it.
type exported struct {
	Format   string    `json:"format"`
	Version  int       `json:"version"`
	ID       string    `json:"id"`
	Title    string    `json:"title,omitempty"` // if it was given
	Created  time.Time `json:"created"`
	Origin   *Origin   `json:"origin,omitempty"`
	Pinned   bool      `json:"pinned,omitempty"`
	Head     int       `json:"head"`
	Messages []Message `json:"messages"`
	// Attachments are the bytes, in base64, by their hash.
	Attachments map[string][]byte `json:"attachments,omitempty"`
	// Damage is what was wrong with the journal, for whoever reads this.
	Damage []string `json:"damage,omitempty"`
}

// ExportJSON writes a whole session, all branches and attachments, as one JSON
// object that Import reads. missing are the names of the attachments that could
// not be read: they are left out, and what refers to them stays.
func (st *Store) ExportJSON(w io.Writer, c *Conversation) (missing []string, err error) {
	out := exported{
		Format: exportFormat, Version: formatVersion, ID: c.ID, Created: c.Created, Origin: c.Origin,
		Pinned: c.Pinned, Head: c.Head, Messages: c.Messages, Attachments: map[string][]byte{},
	}
	if c.Titled {
		out.Title = c.Title
	}
	if out.Messages == nil {
		out.Messages = []Message{}
	}
	for _, d := range c.Damage {
		out.Damage = append(out.Damage, d.String())
	}
	for _, m := range c.Messages {
		for _, a := range m.Attachments {
			if _, done := out.Attachments[a.Hash]; done {
				continue
			}
			data, err := st.Attachment(a.Hash)
			if err != nil {
				missing = append(missing, a.Name)
				continue
			}
			out.Attachments[a.Hash] = data
		}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(out); err != nil {
		return missing, fmt.Errorf("sessions: exporting session %s: %w", c.ID, err)
	}
	slices.Sort(missing)
	return slices.Compact(missing), nil
}

// ExportMarkdown writes the branch that a conversation shows as Markdown:
// headings for who speaks, texts as they are, attachments by name, and under an
// answer what it takes to get it again.
func ExportMarkdown(w io.Writer, c *Conversation) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# %s\n\n%s, session %s\n", titleOr(c.Title), c.Created.Format("2006-01-02 15:04 MST"), c.ID)
	for _, m := range c.Shown() {
		fmt.Fprintf(b, "\n## %s\n\n", speaker(m))
		for _, a := range m.Attachments {
			fmt.Fprintf(b, "- attached: %s (%s, %d bytes, SHA-256 %s)\n", oneLine([]rune(a.Name)), oneLine([]rune(a.Type)), a.Size, a.Hash)
		}
		if len(m.Attachments) > 0 {
			b.WriteByte('\n')
		}
		if text := strings.Trim(m.Text, "\n"); text != "" {
			fmt.Fprintf(b, "%s\n", text)
		}
		for _, n := range notes(m) {
			fmt.Fprintf(b, "\n*%s*\n", n)
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("sessions: exporting session %s: %w", c.ID, err)
	}
	return nil
}

func titleOr(title string) string {
	if title == "" {
		return "Untitled"
	}
	return title
}

// speaker is the heading of a message.
func speaker(m Message) string {
	switch m.Role {
	case User:
		return "You"
	case Assistant:
		if m.Reply != nil && m.Reply.Model.Name != "" {
			return oneLine([]rune(strings.TrimSpace(m.Reply.Model.Name + " " + m.Reply.Model.Quant)))
		}
		return "Assistant"
	case System:
		return "System"
	case "":
		return "Lost"
	}
	return oneLine([]rune(string(m.Role)))
}

// notes are what is to be said under a message, a line each.
func notes(m Message) []string {
	var all []string
	if m.Damaged {
		all = append(all, "A part of this message was lost to damage of its file.")
	}
	if m.Unfinished {
		all = append(all, "This answer was interrupted.")
	}
	if r := m.Reply; r != nil {
		facts := []string{fmt.Sprintf("seed %d", r.Sampling.Seed), fmt.Sprintf("temperature %g", r.Sampling.Temperature)}
		if r.Stats.Generated > 0 {
			facts = append(facts, fmt.Sprintf("%d tokens", r.Stats.Generated))
		}
		if r.Stats.Generated > 1 && r.Stats.Decode > 0 {
			facts = append(facts, fmt.Sprintf("%.1f tok/s", float64(r.Stats.Generated-1)/r.Stats.Decode.Seconds()))
		}
		if r.Reason != "" {
			facts = append(facts, "ended by "+oneLine([]rune(r.Reason)))
		}
		all = append(all, strings.Join(facts, ", "))
	}
	return all
}
