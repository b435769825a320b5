package prompt

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
	Content   string     `json:"content"`
	ToolCalls []ToolCall `json:"tool_calls,omitempty"` // of an assistant turn
	Name      string     `json:"name,omitempty"`       // of the tool that answers, in a tool turn
}

// ToolCall is a function call the assistant made.
type ToolCall struct {
	Name      string         `json:"name"`
	Arguments map[string]any `json:"arguments"`
}
