package prompt

import (
	"slices"
	"strings"

	"scout/engine/prompt/jinja"
)

// mistral is the layout of Mistral's models with the tekken tokenizer. Where
// the vocabulary has a token for the system prompt it is that of version 7,
// otherwise version 3, in which the system text goes before the last user
// message. Later turns of role system are laid out as user turns; Mistral has
// no place for them.
func mistral(w *writer, in *Input) {
	w.own(in.bos("<s>"))
	system, _, rest := in.system()
	v7 := slices.Contains(in.Specials, "[SYSTEM_PROMPT]")
	if v7 && system != "" {
		w.own("[SYSTEM_PROMPT]")
		w.user(system)
		w.own("[/SYSTEM_PROMPT]")
		system = ""
	}
	ids := callIDs(rest)
	last := lastUser(rest)
	if last < 0 && system != "" { // nothing to put it before
		rest = append([]Message{{Role: User, Content: system}}, rest...)
		ids = append([][]string{nil}, ids...)
		system = ""
	}
	for i, m := range rest {
		switch {
		case m.Role == Assistant && len(m.ToolCalls) > 0:
			w.mistralCalls(m, ids[i])
			w.own(in.eos("</s>"))
		case m.Role == Assistant:
			w.user(m.Text())
			w.own(in.eos("</s>"))
		case m.Role == Tool:
			w.mistralResult(m, ids[i][0], slices.Contains(in.Specials, "[TOOL_CONTENT]"))
		default:
			if i == last {
				w.mistralTools(in)
			}
			w.own("[INST]")
			if i == last && system != "" {
				w.user(system)
				w.own("\n\n")
			}
			w.user(m.Text())
			w.own("[/INST]")
		}
	}
}

// mistralTools writes the schemas before the last user message.
func (w *writer) mistralTools(in *Input) {
	if len(in.Tools) == 0 {
		return
	}
	w.own("[AVAILABLE_TOOLS]")
	w.json(&jinja.List{Items: w.tools(in)}, -1)
	w.own("[/AVAILABLE_TOOLS]")
}

func (w *writer) mistralCalls(m Message, ids []string) {
	if strings.TrimSpace(m.Text()) != "" {
		w.user(m.Text())
	}
	w.own("[TOOL_CALLS][")
	for i, c := range m.ToolCalls {
		if i > 0 {
			w.own(", ")
		}
		w.own(`{"name": `)
		w.jsonText(c.Name)
		w.own(`, "arguments": `)
		w.arguments(c)
		w.own(`, "id": "`, ids[i], `"}`)
	}
	w.own("]")
}

// mistralResult writes a result: in version 3 as JSON, from version 7 on, which
// has a token for it, after the id of the call.
func (w *writer) mistralResult(m Message, id string, separate bool) {
	w.own("[TOOL_RESULTS]")
	if separate {
		w.own(id, "[TOOL_CONTENT]")
		w.user(m.Text())
	} else {
		w.own(`{"content": `)
		w.jsonText(m.Text())
		w.own(`, "call_id": "`, id, `"}`)
	}
	w.own("[/TOOL_RESULTS]")
}
