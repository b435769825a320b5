package sessions

import (
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Role is who speaks in a message.
type Role string

// The roles of a conversation. Others that a journal holds are kept as they are.
const (
	System    Role = "system"
	User      Role = "user"
	Assistant Role = "assistant"
	Tool      Role = "tool"
)

// Message is one turn. Messages form a tree: an edited question and a second
// answer are further children of the same parent.
type Message struct {
	ID          int          `json:"id"`               // unique in its session, from 1 on; a child's is greater than its parent's
	Parent      int          `json:"parent,omitempty"` // 0: nothing comes before it
	Role        Role         `json:"role"`
	Text        string       `json:"text"` // valid UTF-8
	Time        time.Time    `json:"time"` // when it was said, UTC
	Attachments []Attachment `json:"attachments,omitempty"`
	Reply       *Reply       `json:"reply,omitempty"` // of an answer: how it came about
	// Unfinished is an answer whose end was never recorded: the program ended
	// while it was written.
	Unfinished bool `json:"unfinished,omitempty"`
	// Damaged says that a part of the text was lost to damage, or all of it.
	Damaged bool `json:"damaged,omitempty"`
}

// Attachment names a file that belongs to a message. Its bytes are in the
// store, once, whoever refers to them.
type Attachment struct {
	Hash string `json:"hash"` // SHA-256 of the bytes, 64 lower-case hexadecimal digits
	Name string `json:"name"` // what the file was called
	Type string `json:"type"` // media type, such as image/png
	Size int64  `json:"size"` // bytes
}

// Reply is what it takes to get an answer again, and how it went.
type Reply struct {
	Model     Model     `json:"model"`
	Sampling  Sampling  `json:"sampling"`
	Setup     Setup     `json:"setup,omitzero"` // how the model was opened
	Placement []Place   `json:"placement,omitempty"`
	Engine    string    `json:"engine,omitempty"` // version of the program or server that answered
	Reason    string    `json:"reason,omitempty"` // why it ended; "" while it has not
	Stats     Stats     `json:"stats"`
	Measured  []Measure `json:"measured,omitempty"` // predicted against measured
}

// Model says which weights answered.
type Model struct {
	Name  string `json:"name"`
	Quant string `json:"quant,omitempty"` // such as Q4_K_M
	Hash  string `json:"hash,omitempty"`  // of the file, as whoever saves it computes it
	Path  string `json:"path,omitempty"`
}

// Setup is how a model was opened, as far as it may change what the model says. What
// is empty or 0 is not known.
type Setup struct {
	KV        string `json:"kv,omitempty"`        // element type of the cache
	Kernels   string `json:"kernels,omitempty"`   // the loops that multiplied
	Devices   string `json:"devices,omitempty"`   // what ran on something else than the processor
	Threads   int    `json:"threads,omitempty"`   // that ran them
	Tower     string `json:"tower,omitempty"`     // hash of the vision tower
	MostTiles int    `json:"max_tiles,omitempty"` // that a picture was cut into
}

// Sampling is how tokens were chosen. The names are the engine's.
type Sampling struct {
	Temperature      float32  `json:"temperature"`
	TopP             float32  `json:"top_p"`
	TopK             int      `json:"top_k"`
	MinP             float32  `json:"min_p"`
	RepeatPenalty    float32  `json:"repeat_penalty"`
	PresencePenalty  float32  `json:"presence_penalty"`
	FrequencyPenalty float32  `json:"frequency_penalty"`
	PenaltyWindow    int      `json:"penalty_window,omitempty"`
	Seed             uint64   `json:"seed"`
	MaxTokens        int      `json:"max_tokens,omitempty"`
	Stop             []string `json:"stop,omitempty"`
}

// Place is a part of a model and the device it was on.
type Place struct {
	Device string `json:"device"`
	Holds  string `json:"holds"` // in words, such as "experts of layers 0-13"
	Bytes  int64  `json:"bytes"`
}

// Stats counts one answer.
type Stats struct {
	PromptTokens int           `json:"prompt_tokens"`
	Reused       int           `json:"reused_tokens"`
	Generated    int           `json:"generated_tokens"`
	Prefill      time.Duration `json:"prefill_ns"`
	Decode       time.Duration `json:"decode_ns"`
	Context      int           `json:"context"`
}

// Measure is a figure that was predicted and then measured, in the same unit.
type Measure struct {
	Of        string  `json:"of"`
	Unit      string  `json:"unit"`
	Predicted float64 `json:"predicted"`
	Measured  float64 `json:"measured"`
}

// Origin is where a session was forked from.
type Origin struct {
	Session string `json:"session"`
	Message int    `json:"message,omitempty"` // the last one that was taken along
}

// Conversation is a session as it was at one moment: a copy that nobody else
// changes.
type Conversation struct {
	ID      string
	Title   string // as given, or made of the first question; "" if there is neither
	Titled  bool   // the title was given
	Created time.Time
	Updated time.Time // when something was last said or changed
	Origin  *Origin
	Pinned  bool
	Deleted time.Time // zero: it is not
	Head    int       // the message the conversation goes on after; 0 before the first
	// Messages in the order of their ids, so that a parent is before its children.
	Messages []Message
	// Damage is all that was found wrong in the journal, oldest first.
	Damage []Damage
	// Newer says that a newer version wrote records that this one does not know.
	// It can be read, as far as it is understood, and not be written.
	Newer bool
}

// Message is the message with that id.
func (c *Conversation) Message(id int) (Message, bool) {
	i, found := slices.BinarySearchFunc(c.Messages, id, func(m Message, id int) int { return m.ID - id })
	if !found {
		return Message{}, false
	}
	return c.Messages[i], true
}

// Path is the messages from the first to id, which is nil for an unknown id.
func (c *Conversation) Path(id int) []Message {
	var path []Message
	for id != 0 {
		m, ok := c.Message(id)
		if !ok {
			return nil
		}
		path = append(path, m)
		id = m.Parent // smaller than m.ID: this ends
	}
	slices.Reverse(path)
	return path
}

// Shown is the branch that the conversation goes on at.
func (c *Conversation) Shown() []Message { return c.Path(c.Head) }

// Children are the messages that answer or follow id, oldest first; of 0, the
// first messages.
func (c *Conversation) Children(id int) []Message {
	var children []Message
	for _, m := range c.Messages {
		if m.Parent == id {
			children = append(children, m)
		}
	}
	return children
}

// Leaf is the end of the branch that was last added to below id, or id itself.
func (c *Conversation) Leaf(id int) int {
	below := map[int]bool{id: true}
	leaf := id
	for _, m := range c.Messages {
		if below[m.Parent] && m.ID > id {
			below[m.ID] = true
			leaf = m.ID
		}
	}
	return leaf
}

// clone is a copy that shares nothing that is ever changed in place.
func (c *Conversation) clone() *Conversation {
	copied := *c
	copied.Messages = slices.Clone(c.Messages)
	copied.Damage = slices.Clone(c.Damage)
	return &copied
}

// titleRunes is the length of a title made of the first question: what a
// list has room for at 80 columns.
const titleRunes = 60

// setTitle makes a title of the first question, unless one was given.
func (c *Conversation) setTitle() {
	if c.Titled {
		return
	}
	for _, m := range c.Messages {
		if m.Role == User {
			if c.Title = firstWords(m.Text, titleRunes); c.Title != "" {
				return
			}
		}
	}
	c.Title = ""
}

// firstWords is the beginning of a text in one line, at most limit runes long.
func firstWords(text string, limit int) string {
	if len(text) > 16*limit {
		text = strings.ToValidUTF8(text[:16*limit], "") // the rest cannot matter
	}
	line := strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(line) <= limit {
		return line
	}
	cut := []rune(line)[:limit-1]
	if i := strings.LastIndexByte(string(cut), ' '); i > len(string(cut))/2 {
		return string(cut)[:i] + "…"
	}
	return string(cut) + "…"
}

// finite makes every number of a reply one that JSON can hold: a figure that
// is not a number is worth less than the answer it belongs to.
func (r *Reply) finite() {
	for _, f := range []*float32{
		&r.Sampling.Temperature, &r.Sampling.TopP, &r.Sampling.MinP, &r.Sampling.RepeatPenalty,
		&r.Sampling.PresencePenalty, &r.Sampling.FrequencyPenalty,
	} {
		if x := float64(*f); math.IsNaN(x) || math.IsInf(x, 0) {
			*f = 0
		}
	}
	r.Measured = slices.Clone(r.Measured)
	for i := range r.Measured {
		for _, f := range []*float64{&r.Measured[i].Predicted, &r.Measured[i].Measured} {
			if math.IsNaN(*f) || math.IsInf(*f, 0) {
				*f = 0
			}
		}
	}
}
