package prompt

// llamaStyle is what tells the layouts of Llama 3 and Llama 4 apart.
type llamaStyle struct {
	bos, headerStart, headerEnd, eot string
	image                            string // where a picture stands; empty: nowhere
}

var (
	llama4Style = llamaStyle{"<|begin_of_text|>", "<|header_start|>", "<|header_end|>", "<|eot|>", "<|image|>"}
	llama3Style = llamaStyle{"<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", ""}
)

// toolInstructions ask for a call as Llama's JSON convention has it. The
// wording is ours.
const toolInstructions = `You can call the functions below. To call one, answer with nothing but a JSON object of the form {"name": function name, "parameters": object with the name and value of each argument}. Do not use variables.

`

// header opens a turn. Llama writes the role of a tool as ipython.
func (w *writer) header(s llamaStyle, r Role) {
	w.own(s.headerStart)
	if r == Tool {
		w.own("ipython")
	} else {
		w.out.Write(roleText(r))
	}
	w.own(s.headerEnd, "\n\n")
}

// llama4 is the layout of Llama 4 with the JSON convention for tools of the
// release's template: the schemas go before the first user message.
func llama4(w *writer, in *Input) {
	s := llama4Style
	w.own(in.bos(s.bos))
	text, found, rest := in.system()
	if found || len(in.Tools) > 0 {
		w.header(s, System)
		if len(in.Tools) > 0 {
			w.own("Environment: ipython\n")
		}
		w.trimmed(text)
		w.own(s.eot)
	}
	w.llamaTurns(s, in, rest, func(m Message) {
		w.own("<|python_start|>")
		w.trimmed(m.Text())
		w.own("<|python_end|>")
		for _, c := range m.ToolCalls {
			w.call(c, "parameters")
		}
	})
}

// llama3 is the layout of Llama 3.1 and later, whose system turn always says
// when the model's knowledge ends and what day it is.
func llama3(w *writer, in *Input) {
	s := llama3Style
	w.own(in.bos(s.bos))
	text, _, rest := in.system()
	w.header(s, System)
	if len(in.Tools) > 0 {
		w.own("Environment: ipython\n")
	}
	w.own("Cutting Knowledge Date: December 2023\n")
	w.own("Today Date: ", in.Now.Format("02 Jan 2006"), "\n\n")
	w.trimmed(text)
	w.own(s.eot)
	w.llamaTurns(s, in, rest, func(m Message) {
		for i, c := range m.ToolCalls {
			if i > 0 {
				w.own("; ")
			}
			w.call(c, "parameters")
		}
	})
}

// llamaTurns writes the turns after the system turn and the opening of the
// answer. calls writes the body of an assistant turn that calls tools.
func (w *writer) llamaTurns(s llamaStyle, in *Input, turns []Message, calls func(m Message)) {
	withTools := -1
	if len(in.Tools) > 0 {
		withTools = firstUser(turns)
	}
	for i, m := range turns {
		w.header(s, m.Role)
		if i == withTools {
			w.llamaTools(in)
		}
		switch {
		case m.Role == Assistant && len(m.ToolCalls) > 0:
			calls(m)
		case m.Role == Tool:
			w.jsonText(m.Text())
		default:
			w.content(m, s.image)
		}
		w.own(s.eot)
	}
	if in.AddGenerationPrompt {
		w.header(s, Assistant)
	}
}

// llamaTools writes the schemas, each followed by a blank line.
func (w *writer) llamaTools(in *Input) {
	w.own(toolInstructions)
	for _, t := range w.tools(in) {
		w.json(t, 4)
		w.own("\n\n")
	}
}
