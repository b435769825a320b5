package engine

import "scout/engine/prompt"

// A conversation is a list of messages, oldest first. The types are those of
// package prompt, which renders them; callers use them from here.
type (
	// Message is one turn.
	Message = prompt.Message
	// Role is who speaks.
	Role = prompt.Role
	// ToolCall is a call the assistant made in an earlier turn.
	ToolCall = prompt.ToolCall
	// Part is a piece of a turn, text or a picture.
	Part = prompt.Part
	// Image is a picture's file.
	Image = prompt.Image
)

// The roles of a conversation.
const (
	System    = prompt.System
	User      = prompt.User
	Assistant = prompt.Assistant
	Tool      = prompt.Tool
)
