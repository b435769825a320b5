package prompt

// chatML is the layout of Qwen2 and of many fine-tunes of other models, with
// Qwen2.5's convention for tools: schemas in tags in the system turn, calls in
// tags, and results in tags in a user turn that consecutive results share. It
// adds no system sentence of its own.
func chatML(w *writer, in *Input) {
	w.own(in.BOS)
	text, found, rest := in.system()
	if found || len(in.Tools) > 0 {
		w.own("<|im_start|>system\n")
		w.user(text)
		w.chatMLTools(in, text != "")
		w.own("<|im_end|>\n")
	}
	for i, m := range rest {
		if m.Role == Tool {
			first := i == 0 || rest[i-1].Role != Tool
			last := i == len(rest)-1 || rest[i+1].Role != Tool
			w.chatMLResult(m, first, last)
			continue
		}
		w.own("<|im_start|>")
		w.out.Write(roleText(m.Role))
		w.own("\n")
		w.user(m.Text())
		for j, c := range m.ToolCalls {
			if j > 0 || m.Text() != "" {
				w.own("\n")
			}
			w.own("<tool_call>\n")
			w.call(c, "arguments")
			w.own("\n</tool_call>")
		}
		w.own("<|im_end|>\n")
	}
	if in.AddGenerationPrompt {
		w.own("<|im_start|>assistant\n")
	}
}

// chatMLTools writes the schemas, after a blank line if there is text before.
// The wording is ours, the tags are Qwen's.
func (w *writer) chatMLTools(in *Input, after bool) {
	if len(in.Tools) == 0 {
		return
	}
	if after {
		w.own("\n\n")
	}
	w.own("# Tools\n\nYou may call one or more of these functions. Their signatures, one a line:\n<tools>")
	for _, t := range w.tools(in) {
		w.own("\n")
		w.json(t, -1)
	}
	w.own("\n</tools>\n\nFor each call write a JSON object with the function's name and arguments between tags:\n" +
		"<tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call>")
}

func (w *writer) chatMLResult(m Message, first, last bool) {
	if first {
		w.own("<|im_start|>user")
	}
	w.own("\n<tool_response>\n")
	w.user(m.Text())
	w.own("\n</tool_response>")
	if last {
		w.own("<|im_end|>\n")
	}
}
