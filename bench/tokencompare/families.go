package main

import "fmt"

// specialToken is a token outside the byte alphabet; role is 'b' for BOS, 'e'
// for EOS.
type specialToken struct {
	text string
	kind int32
	role byte
}

// Three user-defined tokens, two of which overlap: in "ab=>>>>" the longer one
// is taken though the other begins first.
var userTokens = []specialToken{{"<tool_call>", userDefined, 0}, {"ab=>", userDefined, 0}, {"=>>>>", userDefined, 0}}

// families are the synthetic vocabularies, one for each pre-tokenizer.
var families = []struct {
	name, pre string
	whole     int // words without merges
	first     bool
	specials  []specialToken
}{
	{"llama4", "llama4", 0, false, join(named("<|begin_of_text|>", 'b', "<|end_of_text|>", 0, "<|fim_prefix|>", 0, "<|header_start|>", 0, "<|header_end|>", 0,
		"<|eom|>", 0, "<|eot|>", 'e', "<|step|>", 0, "<|image_start|>", 0, "<|image_end|>", 0, "<|image|>", 0, "<|patch|>", 0,
		"<|python_start|>", 0, "<|python_end|>", 0), reserved(100), userTokens)},
	{"llama3", "llama-bpe", 300, false, join(named("<|begin_of_text|>", 'b', "<|end_of_text|>", 0, "<|start_header_id|>", 0, "<|end_header_id|>", 0,
		"<|eom_id|>", 0, "<|eot_id|>", 'e', "<|python_tag|>", 0), reserved(100), userTokens)},
	{"qwen2", "qwen2", 300, false, join(named("<|endoftext|>", 0, "<|im_start|>", 0, "<|im_end|>", 'e', "<|vision_start|>", 0, "<|image_pad|>", 0),
		userTokens, []specialToken{{"</tool_call>", userDefined, 0}, {"[PAD42]", unused, 0}})},
	{"tekken", "tekken", 300, true, join([]specialToken{{"<unk>", unknown, 0}}, named("<s>", 'b', "</s>", 'e', "[INST]", 0, "[/INST]", 0, "[TOOL_CALLS]", 0, "[IMG]", 0,
		"[SYSTEM_PROMPT]", 0), userTokens)},
}

func join(lists ...[]specialToken) (all []specialToken) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// named makes control tokens of texts and roles in turn.
func named(list ...any) (all []specialToken) {
	for i := 0; i < len(list); i += 2 {
		role := byte(0)
		if r, ok := list[i+1].(rune); ok {
			role = byte(r)
		}
		all = append(all, specialToken{list[i].(string), control, role})
	}
	return all
}

func reserved(n int) (all []specialToken) {
	for i := range n {
		all = append(all, specialToken{fmt.Sprintf("<|reserved_special_token_%d|>", i), control, 0})
	}
	return all
}
