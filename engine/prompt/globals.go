package prompt

import (
	"errors"
	"fmt"

	"scout/engine/prompt/jinja"
)

// renderJinja runs the file's template with the variables that transformers'
// apply_chat_template gives it.
func (t *Template) renderJinja(in *Input) (jinja.Text, error) {
	size, err := in.size()
	if err != nil {
		return jinja.Text{}, err
	}
	globals, err := in.globals()
	if err != nil {
		return jinja.Text{}, err
	}
	text, err := t.parsed.Render(globals, jinja.DefaultLimits(size))
	if raised := (*jinja.RaisedError)(nil); errors.As(err, &raised) {
		return text, &RefusedError{raised.Message}
	}
	if err != nil {
		return text, fmt.Errorf("prompt: render chat template: %w", err)
	}
	return text, nil
}

// globals are the template's variables. Those that do not apply are None, as
// templates ask "tools is not none"; a missing BOS or EOS is undefined.
func (in *Input) globals() (map[string]jinja.Value, error) {
	messages, err := in.messages()
	if err != nil {
		return nil, err
	}
	g := map[string]jinja.Value{
		"messages":              messages,
		"tools":                 nil,
		"documents":             nil,
		"add_generation_prompt": in.AddGenerationPrompt,
		"strftime_now": jinja.Function("strftime_now", func(args []jinja.Value) (jinja.Value, error) {
			if len(args) == 1 {
				if format, ok := args[0].(jinja.Text); ok {
					return jinja.Trusted(jinja.Strftime(in.Now, format.String())), nil
				}
			}
			return nil, errors.New("strftime_now needs a format")
		}),
	}
	if len(in.Tools) > 0 {
		tools, err := in.tools()
		if err != nil {
			return nil, err
		}
		g["tools"] = tools
	}
	if in.BOS != "" {
		g["bos_token"] = jinja.Trusted(in.BOS)
	}
	if in.EOS != "" {
		g["eos_token"] = jinja.Trusted(in.EOS)
	}
	return g, nil
}

// messages are the turns in the form of chat APIs.
func (in *Input) messages() (*jinja.List, error) {
	ids := callIDs(in.Messages)
	list := &jinja.List{}
	for i, m := range in.Messages {
		d := &jinja.Dict{}
		d.Set(jinja.Trusted("role"), roleText(m.Role))
		d.Set(jinja.Trusted("content"), m.contentValue())
		if m.Name != "" {
			d.Set(jinja.Trusted("name"), jinja.User(m.Name))
		}
		if m.Role == Tool {
			d.Set(jinja.Trusted("tool_call_id"), jinja.Trusted(ids[i][0]))
		}
		if len(m.ToolCalls) > 0 {
			calls, err := toolCalls(m.ToolCalls, ids[i])
			if err != nil {
				return nil, fmt.Errorf("prompt: message %d: %w", i, err)
			}
			d.Set(jinja.Trusted("tool_calls"), calls)
		}
		list.Items = append(list.Items, d)
	}
	return list, nil
}

// contentValue is the content of a turn: text, or with pictures a list of parts,
// each with a type.
func (m Message) contentValue() jinja.Value {
	if !m.hasImages() {
		return jinja.User(m.Text())
	}
	list := &jinja.List{}
	for _, p := range m.Parts {
		d := &jinja.Dict{}
		if p.Image != nil {
			d.Set(jinja.Trusted("type"), jinja.Trusted("image"))
		} else {
			d.Set(jinja.Trusted("type"), jinja.Trusted("text"))
			d.Set(jinja.Trusted("text"), jinja.User(p.Text))
		}
		list.Items = append(list.Items, d)
	}
	return list
}

// roleText is a role as a template sees it: the program's own when it is one
// of the four, for templates make special tokens of it.
func roleText(r Role) jinja.Text {
	switch r {
	case System, User, Assistant, Tool:
		return jinja.Trusted(string(r))
	}
	return jinja.User(string(r))
}

func toolCalls(calls []ToolCall, ids []string) (*jinja.List, error) {
	list := &jinja.List{}
	for i, c := range calls {
		arguments, err := argumentsValue(c)
		if err != nil {
			return nil, err
		}
		function := &jinja.Dict{}
		function.Set(jinja.Trusted("name"), jinja.User(c.Name))
		function.Set(jinja.Trusted("arguments"), arguments)
		d := &jinja.Dict{}
		d.Set(jinja.Trusted("id"), jinja.Trusted(ids[i]))
		d.Set(jinja.Trusted("type"), jinja.Trusted("function"))
		d.Set(jinja.Trusted("function"), function)
		list.Items = append(list.Items, d)
	}
	return list, nil
}

// argumentsValue is the arguments of a call, an empty dictionary for none.
func argumentsValue(c ToolCall) (jinja.Value, error) {
	if c.Arguments == nil {
		return &jinja.Dict{}, nil
	}
	v, err := jinja.FromGo(c.Arguments, nil)
	if err != nil {
		return nil, fmt.Errorf("arguments of %q: %w", c.Name, err)
	}
	return v, nil
}

// callIDs numbers the calls and says which call a tool turn answers: the first
// unanswered call of its name since the last assistant turn with calls, or
// else the first unanswered one. Messages carry no ids, but Mistral's templates
// insist on them, with nine letters or digits.
func callIDs(messages []Message) [][]string {
	type call struct{ id, name string }
	var open []call
	n := 0
	newID := func() string {
		n++
		return fmt.Sprintf("call%05d", n)
	}
	ids := make([][]string, len(messages))
	for i, m := range messages {
		if len(m.ToolCalls) > 0 {
			open = nil
		}
		for _, c := range m.ToolCalls {
			open = append(open, call{newID(), c.Name})
			ids[i] = append(ids[i], open[len(open)-1].id)
		}
		if m.Role != Tool || len(m.ToolCalls) > 0 {
			continue
		}
		answered := 0
		for j, c := range open {
			if c.name == m.Name {
				answered = j
				break
			}
		}
		if len(open) == 0 {
			open = append(open, call{newID(), m.Name})
		}
		ids[i] = []string{open[answered].id}
		open = append(open[:answered:answered], open[answered+1:]...)
	}
	return ids
}
