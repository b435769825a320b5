package prompt

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"scout/engine/prompt/jinja"
)

// Input is what a template lays out.
type Input struct {
	Messages []Message
	// Tools are the functions the model may call, each as chat APIs write them:
	// {"type": "function", "function": {"name": ..., "description": ..., "parameters": JSON schema}}.
	Tools []map[string]any
	// BOS and EOS are the text of the tokens that begin and end a sequence; ""
	// for a model without, and then a built-in template takes its family's.
	BOS, EOS string
	// Specials are the texts that the tokenizer reads as one token wherever it
	// looks for special tokens. One of a single byte cannot be kept out of
	// user-supplied text.
	Specials []string
	// AddGenerationPrompt ends the prompt with the opening of an assistant turn.
	AddGenerationPrompt bool
	// Now is what templates take for the date; the zero value is the current time.
	Now time.Time
}

// A Template lays out conversations. Several goroutines may use it at once.
type Template struct {
	parsed  *jinja.Template            // of a file
	builtin func(w *writer, in *Input) // or one of our own
}

// Parse reads the Jinja source of a model file (tokenizer.chat_template).
func Parse(source string) (*Template, error) {
	t, err := jinja.Parse(source)
	if err != nil {
		return nil, fmt.Errorf("prompt: parse chat template: %w", err)
	}
	return &Template{parsed: t}, nil
}

// Builtin returns a template of our own: "llama4", "llama3" (3.1 and later),
// "chatml" or "mistral". Of any other name there is none, and what is returned
// then fails to render.
func Builtin(name string) (*Template, bool) {
	f, ok := builtins[name]
	return &Template{builtin: f}, ok
}

// A RefusedError is a template's refusal of a conversation it was not made
// for, such as two user turns in a row.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string {
	return fmt.Sprintf("prompt: the chat template refuses the conversation: %s", e.Reason)
}

// Render lays out a conversation. Joined, the parts are the text the template
// made; special tokens are to be looked for within each part only (see the
// package comment). No part is empty. Errors are a *RefusedError or wrap one of
// package jinja's.
func (t *Template) Render(in Input) (parts []string, err error) {
	if in.Now.IsZero() {
		in.Now = time.Now()
	}
	var text jinja.Text
	switch {
	case t == nil || t.builtin == nil && t.parsed == nil:
		err = errors.New("prompt: there is no chat template")
	case t.builtin != nil:
		text, err = t.renderBuiltin(&in)
	default:
		text, err = t.renderJinja(&in)
	}
	if err != nil {
		return nil, err
	}
	return split(text, in.Specials), nil
}

// size is about how many bytes a conversation has; limits grow with it.
func (in *Input) size() (int, error) {
	messages, err := json.Marshal(in.Messages)
	if err != nil {
		return 0, fmt.Errorf("prompt: tool call arguments: %w", err)
	}
	tools, err := json.Marshal(in.Tools)
	if err != nil {
		return 0, fmt.Errorf("prompt: tools: %w", err)
	}
	return len(messages) + len(tools), nil
}
