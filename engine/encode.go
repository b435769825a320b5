package engine

import (
	"fmt"
	"time"

	"scout/engine/prompt"
)

// chooseTemplate is the file's own chat template, or the built-in one of its
// architecture when it has none or one that cannot be used; that is then a
// warning of the model.
func (m *Model) chooseTemplate() *prompt.Template {
	builtin, _ := prompt.Builtin(builtinTemplates[m.model.Config.Architecture])
	if m.info.Template == "" {
		return builtin
	}
	t, err := prompt.Parse(m.info.Template)
	if err != nil {
		m.info.Warnings = append(m.info.Warnings, fmt.Sprintf("the file's chat template cannot be used, the built-in one is: %v", err))
		return builtin
	}
	return t
}

// builtinTemplates is the template of each architecture for files without one.
// The llama family has had several; Llama 3's is what its instruct models use.
var builtinTemplates = map[string]string{"llama4": "llama4", "llama": "llama3", "qwen2": "chatml"}

// Encode is the token ids of a conversation as the model's template lays it out,
// ending where the assistant is to answer. Special tokens inside the messages
// stay text.
func (m *Model) Encode(conv []Message) ([]int32, error) {
	in := prompt.Input{Messages: conv, Specials: m.tok.Specials(), AddGenerationPrompt: true, Now: time.Now()}
	bos, hasBOS := m.tok.BOS()
	if hasBOS {
		in.BOS = m.Piece(bos)
	}
	if eos, ok := m.tok.EOS(); ok {
		in.EOS = m.Piece(eos)
	}
	parts, err := m.template.Render(in)
	if err != nil {
		return nil, fmt.Errorf("engine: laying out the conversation: %w", err)
	}
	ids := m.tok.Encode(parts, true)
	if hasBOS && m.tok.AddBOS() && (len(ids) == 0 || ids[0] != bos) {
		ids = append([]int32{bos}, ids...)
	}
	return ids, nil
}
