package prompt

import (
	"slices"
	"strings"
)

// Role is who speaks in a message.
type Role string

// The roles a template knows. Llama 4 writes Tool as "ipython".
const (
	System    Role = "system"
	User      Role = "user"
	Assistant Role = "assistant"
	Tool      Role = "tool"
)

// Message is one turn of a conversation.
type Message struct {
	Role      Role       `json:"role"`
	Content   string     `json:"content"`              // of a turn without Parts
	Parts     []Part     `json:"parts,omitempty"`      // in place of Content: text and pictures, in order
	ToolCalls []ToolCall `json:"tool_calls,omitempty"` // of an assistant turn
	Name      string     `json:"name,omitempty"`       // of the tool that answers, in a tool turn
}

// Part is a piece of a turn: a picture if there is one, else text.
type Part struct {
	Text  string `json:"text,omitempty"`
	Image *Image `json:"image,omitempty"`
}

// Image is a picture as it came. A template only decides where it stands.
type Image struct {
	Name string `json:"name,omitempty"` // for messages to people: the name of its file
	Data []byte `json:"-"`              // of its file; not to be changed
}

// Text is the text of the turn, without its pictures.
func (m Message) Text() string {
	if len(m.Parts) == 0 {
		return m.Content
	}
	var b strings.Builder
	for _, p := range m.Parts {
		if p.Image == nil {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

// Images are the pictures of the turn, in order.
func (m Message) Images() []*Image {
	var list []*Image
	for _, p := range m.Parts {
		if p.Image != nil {
			list = append(list, p.Image)
		}
	}
	return list
}

// hasImages is whether the turn is more than text.
func (m Message) hasImages() bool {
	return slices.ContainsFunc(m.Parts, func(p Part) bool { return p.Image != nil })
}

// ToolCall is a function call the assistant made.
type ToolCall struct {
	Name      string         `json:"name"`
	Arguments map[string]any `json:"arguments"`
}
