package prompt

import (
	"strings"
	"testing"
)

var (
	noteTool = map[string]any{"type": "function", "function": map[string]any{
		"name": "note", "parameters": map[string]any{
			"type":       "object",
			"required":   []string{"b"},
			"properties": map[string]any{"type": map[string]any{"type": "string"}, "b": map[string]any{"type": "integer"}},
		},
	}}
	noteTalk = []Message{
		{Role: System, Content: " Sys\n"},
		{Role: User, Content: " Hi "},
		{Role: Assistant, Content: " Hello\n"},
		{Role: User, Content: " Note it "},
		{Role: Assistant, ToolCalls: []ToolCall{
			{Name: "note", Arguments: map[string]any{"b": 1, "a": "<x>\n"}},
			{Name: "note"},
		}},
		{Role: Tool, Name: "note", Content: `say "ok"`},
		{Role: Tool, Name: "note", Content: "2"},
		{Role: Assistant, Content: "Done"},
	}
)

const noteJSON = `{"type": "function", "function": {"name": "note", "parameters": {"type": "object", "properties": {"b": {"type": "integer"}, "type": {"type": "string"}}, "required": ["b"]}}}`

// noteIndented is noteJSON as json.dumps(indent=4) writes it.
const noteIndented = `{
    "type": "function",
    "function": {
        "name": "note",
        "parameters": {
            "type": "object",
            "properties": {
                "b": {
                    "type": "integer"
                },
                "type": {
                    "type": "string"
                }
            },
            "required": [
                "b"
            ]
        }
    }
}`

// TestBuiltins spells out every layout with all kinds of turns.
func TestBuiltins(t *testing.T) {
	for _, test := range []struct {
		name, builtin string
		in            Input
		want          string
	}{
		{"llama4, tools", "llama4", Input{Messages: noteTalk, Tools: []map[string]any{noteTool}, AddGenerationPrompt: true},
			"<|begin_of_text|><|header_start|>system<|header_end|>\n\nEnvironment: ipython\nSys<|eot|>" +
				"<|header_start|>user<|header_end|>\n\n" + toolInstructions + noteIndented + "\n\nHi<|eot|>" +
				"<|header_start|>assistant<|header_end|>\n\nHello<|eot|>" +
				"<|header_start|>user<|header_end|>\n\nNote it<|eot|>" +
				"<|header_start|>assistant<|header_end|>\n\n<|python_start|><|python_end|>" +
				`{"name": "note", "parameters": {"a": "<x>\n", "b": 1}}{"name": "note", "parameters": {}}<|eot|>` +
				"<|header_start|>ipython<|header_end|>\n\n" + `"say \"ok\""<|eot|>` +
				"<|header_start|>ipython<|header_end|>\n\n" + `"2"<|eot|>` +
				"<|header_start|>assistant<|header_end|>\n\nDone<|eot|>" +
				"<|header_start|>assistant<|header_end|>\n\n"},
		{"llama4, nothing", "llama4", Input{BOS: "<B>"}, "<B>"},
		{"llama4, tools without a system turn", "llama4", Input{Tools: []map[string]any{noteTool}, Messages: []Message{{Role: User, Content: "x"}}},
			"<|begin_of_text|><|header_start|>system<|header_end|>\n\nEnvironment: ipython\n<|eot|>" +
				"<|header_start|>user<|header_end|>\n\n" + toolInstructions + noteIndented + "\n\nx<|eot|>"},
		{"llama3, tools", "llama3", Input{Messages: noteTalk, Tools: []map[string]any{noteTool}, AddGenerationPrompt: true},
			"<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\n" +
				"Cutting Knowledge Date: December 2023\nToday Date: 05 Mar 2026\n\nSys<|eot_id|>" +
				"<|start_header_id|>user<|end_header_id|>\n\n" + toolInstructions + noteIndented + "\n\nHi<|eot_id|>" +
				"<|start_header_id|>assistant<|end_header_id|>\n\nHello<|eot_id|>" +
				"<|start_header_id|>user<|end_header_id|>\n\nNote it<|eot_id|>" +
				"<|start_header_id|>assistant<|end_header_id|>\n\n" +
				`{"name": "note", "parameters": {"a": "<x>\n", "b": 1}}; {"name": "note", "parameters": {}}<|eot_id|>` +
				"<|start_header_id|>ipython<|end_header_id|>\n\n" + `"say \"ok\""<|eot_id|>` +
				"<|start_header_id|>ipython<|end_header_id|>\n\n" + `"2"<|eot_id|>` +
				"<|start_header_id|>assistant<|end_header_id|>\n\nDone<|eot_id|>" +
				"<|start_header_id|>assistant<|end_header_id|>\n\n"},
		{"llama3, always a system turn", "llama3", Input{Messages: []Message{{Role: User, Content: "x"}}},
			"<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n" +
				"Cutting Knowledge Date: December 2023\nToday Date: 05 Mar 2026\n\n<|eot_id|>" +
				"<|start_header_id|>user<|end_header_id|>\n\nx<|eot_id|>"},
		{"chatml, tools", "chatml", Input{Messages: noteTalk, Tools: []map[string]any{noteTool}, AddGenerationPrompt: true},
			"<|im_start|>system\n Sys\n\n\n# Tools\n\nYou may call one or more of these functions. Their signatures, one a line:\n<tools>\n" +
				noteJSON + "\n</tools>\n\nFor each call write a JSON object with the function's name and arguments between tags:\n" +
				"<tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call><|im_end|>\n" +
				"<|im_start|>user\n Hi <|im_end|>\n<|im_start|>assistant\n Hello\n<|im_end|>\n<|im_start|>user\n Note it <|im_end|>\n" +
				"<|im_start|>assistant\n<tool_call>\n" + `{"name": "note", "arguments": {"a": "<x>\n", "b": 1}}` +
				"\n</tool_call>\n<tool_call>\n" + `{"name": "note", "arguments": {}}` + "\n</tool_call><|im_end|>\n" +
				"<|im_start|>user\n<tool_response>\nsay \"ok\"\n</tool_response>\n<tool_response>\n2\n</tool_response><|im_end|>\n" +
				"<|im_start|>assistant\nDone<|im_end|>\n<|im_start|>assistant\n"},
		{"chatml, plain", "chatml", Input{Messages: []Message{{Role: User, Content: "x"}}}, "<|im_start|>user\nx<|im_end|>\n"},
		{"mistral v3, tools", "mistral", Input{Messages: noteTalk[:7], Tools: []map[string]any{noteTool}},
			"<s>[INST] Hi [/INST] Hello\n</s>[AVAILABLE_TOOLS][" + noteJSON + "][/AVAILABLE_TOOLS][INST] Sys\n\n\n Note it [/INST]" +
				`[TOOL_CALLS][{"name": "note", "arguments": {"a": "<x>\n", "b": 1}, "id": "call00001"}, {"name": "note", "arguments": {}, "id": "call00002"}]</s>` +
				`[TOOL_RESULTS]{"content": "say \"ok\"", "call_id": "call00001"}[/TOOL_RESULTS]` +
				`[TOOL_RESULTS]{"content": "2", "call_id": "call00002"}[/TOOL_RESULTS]`},
		{"mistral v3, only a system turn", "mistral", Input{Messages: noteTalk[:1], BOS: "<b>"}, "<b>[INST] Sys\n[/INST]"},
		{"mistral v7, tools", "mistral", Input{Messages: noteTalk, Specials: []string{"[SYSTEM_PROMPT]", "[TOOL_CONTENT]"}, EOS: "<e>"},
			"<s>[SYSTEM_PROMPT] Sys\n[/SYSTEM_PROMPT][INST] Hi [/INST] Hello\n<e>[INST] Note it [/INST]" +
				`[TOOL_CALLS][{"name": "note", "arguments": {"a": "<x>\n", "b": 1}, "id": "call00001"}, {"name": "note", "arguments": {}, "id": "call00002"}]<e>` +
				`[TOOL_RESULTS]call00001[TOOL_CONTENT]say "ok"[/TOOL_RESULTS][TOOL_RESULTS]call00002[TOOL_CONTENT]2[/TOOL_RESULTS]Done<e>`},
	} {
		t.Run(test.name, func(t *testing.T) {
			template, ok := Builtin(test.builtin)
			if !ok {
				t.Fatalf("there is no built-in %q", test.builtin)
			}
			test.in.Now = march
			parts, err := template.Render(test.in)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(parts, ""); got != test.want {
				t.Errorf("\n got %q\nwant %q", got, test.want)
			}
		})
	}
	none, ok := Builtin("nonsense")
	if ok {
		t.Error("there is a built-in nonsense")
	}
	if parts, err := none.Render(Input{}); err == nil {
		t.Errorf("it renders as %q", parts)
	}
}

// TestUnmarshallable checks that data JSON cannot hold is an error everywhere.
func TestUnmarshallable(t *testing.T) {
	for name, in := range map[string]Input{
		"arguments": {Messages: []Message{{Role: Assistant, ToolCalls: []ToolCall{{Name: "f", Arguments: map[string]any{"x": func() {}}}}}}},
		"tools":     {Messages: []Message{{Role: User, Content: "x"}}, Tools: []map[string]any{{"x": make(chan int)}}},
	} {
		for _, b := range []string{"llama4", "llama3", "chatml", "mistral"} {
			template, _ := Builtin(b)
			if parts, err := template.Render(in); err == nil {
				t.Errorf("%s, %s: got %q, want an error", b, name, parts)
			}
		}
		template, err := Parse("{{ messages | tojson }}{{ tools }}")
		if err != nil {
			t.Fatal(err)
		}
		if parts, err := template.Render(in); err == nil {
			t.Errorf("jinja, %s: got %q, want an error", name, parts)
		}
	}
}
