package prompt

import (
	"slices"

	"scout/engine/prompt/jinja"
)

// builtins are our own templates.
var builtins = map[string]func(w *writer, in *Input){
	"llama4":  llama4,
	"llama3":  llama3,
	"chatml":  chatML,
	"mistral": mistral,
}

// writer is what a built-in template writes to.
type writer struct {
	out jinja.Builder
	err error // the first
}

func (t *Template) renderBuiltin(in *Input) (jinja.Text, error) {
	w := &writer{}
	t.builtin(w, in)
	return w.out.Text(), w.err
}

// own writes text of the template.
func (w *writer) own(parts ...string) {
	for _, s := range parts {
		w.out.Trusted(s)
	}
}

// user writes user-supplied text.
func (w *writer) user(s string) { w.out.User(s) }

// content writes the pieces of a turn in order: text less the white space at its
// ends, and image for each picture.
func (w *writer) content(m Message, image string) {
	if !m.hasImages() {
		w.trimmed(m.Text())
		return
	}
	for _, p := range m.Parts {
		if p.Image != nil {
			w.own(image)
		} else {
			w.trimmed(p.Text)
		}
	}
}

// trimmed writes user-supplied text less the white space at its ends.
func (w *writer) trimmed(s string) { w.out.Write(jinja.User(s).Trim()) }

// json writes a value as JSON, in one line for indent < 0.
func (w *writer) json(v jinja.Value, indent int) {
	t, err := jinja.JSON(v, indent)
	w.fail(err)
	w.out.Write(t)
}

// jsonText writes user-supplied text as a JSON string.
func (w *writer) jsonText(s string) { w.json(jinja.User(s), -1) }

// arguments writes the arguments of a call as JSON.
func (w *writer) arguments(c ToolCall) {
	v, err := argumentsValue(c)
	w.fail(err)
	w.json(v, -1)
}

// call writes a call as JSON with this key for its arguments.
func (w *writer) call(c ToolCall, key string) {
	w.own(`{"name": `)
	w.jsonText(c.Name)
	w.own(`, "`, key, `": `)
	w.arguments(c)
	w.own("}")
}

// tools returns the tools as values.
func (w *writer) tools(in *Input) []jinja.Value {
	list, err := in.tools()
	if err != nil {
		w.fail(err)
		return nil
	}
	return list.Items
}

// fail keeps the first error.
func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// system returns the text of a system turn at the beginning, and the rest.
func (in *Input) system() (text string, found bool, rest []Message) {
	if len(in.Messages) > 0 && in.Messages[0].Role == System {
		return in.Messages[0].Text(), true, in.Messages[1:]
	}
	return "", false, in.Messages
}

// bos returns the text of the token that begins a sequence.
func (in *Input) bos(family string) string {
	if in.BOS != "" {
		return in.BOS
	}
	return family
}

// eos returns the text of the token that ends a sequence.
func (in *Input) eos(family string) string {
	if in.EOS != "" {
		return in.EOS
	}
	return family
}

// firstUser returns the index of the first user turn, -1 for none.
func firstUser(messages []Message) int {
	return slices.IndexFunc(messages, func(m Message) bool { return m.Role == User })
}

// lastUser returns the index of the last user turn, -1 for none.
func lastUser(messages []Message) int {
	for i := len(messages) - 1; i >= 0; i-- {
		if messages[i].Role == User {
			return i
		}
	}
	return -1
}
