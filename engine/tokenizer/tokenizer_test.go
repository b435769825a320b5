package tokenizer

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestNewErrors(t *testing.T) {
	good := func() config { return small("llama4", []string{"a b"}, "3 <|eot|>") }
	for _, test := range []struct {
		name   string
		change func(*config)
		want   string // in the message
	}{
		{"sentencepiece", func(c *config) { c.Model = "llama" }, `tokenizer.ggml.model is "llama"`},
		{"no model", func(c *config) { c.Model = "" }, `tokenizer.ggml.model is ""`},
		{"other splitter", func(c *config) { c.Pre = "deepseek-v3" }, `tokenizer.ggml.pre is "deepseek-v3"`},
		{"no splitter", func(c *config) { c.Pre = "" }, `tokenizer.ggml.pre is ""`},
		{"no tokens", func(c *config) { c.Tokens, c.Types = nil, nil }, "vocabulary has 0 tokens"},
		{"types", func(c *config) { c.Types = c.Types[1:] }, "257 token types for 258 tokens"},
		{"byte missing", func(c *config) { c.Tokens[' '] = "x y" }, `no normal token "Ġ" for byte 0x20`},
		{"byte is control", func(c *config) { c.Types['A'] = typeControl }, `no normal token "A" for byte 0x41`},
		{"merge", func(c *config) { c.Merges = append(c.Merges, "ab") }, `merge 1 is "ab"`},
		{"merge of one", func(c *config) { c.Merges = []string{"a "} }, `merge 0 is "a "`},
		{"merge of space", func(c *config) { c.Merges = []string{" a"} }, `merge 0 is " a"`},
		{"empty merge", func(c *config) { c.Merges = []string{""} }, `merge 0 is ""`},
		{"bos", func(c *config) { c.BOS = 258 }, "bos_token_id is 258"},
		{"eos", func(c *config) { c.EOS = -2 }, "eos_token_id is -2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := good()
			test.change(&c)
			tok, err := c.build()
			if err == nil || tok != nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, %v, want an error with %q", tok, err, test.want)
			}
			var unsupported *UnsupportedError
			if got, want := errors.As(err, &unsupported), strings.Contains(test.want, "tokenizer.ggml"); got != want {
				t.Errorf("UnsupportedError: %v, want %v", got, want)
			}
		})
	}
	if _, err := good().build(); err != nil {
		t.Errorf("the vocabulary without mistakes: %v", err)
	}
}

func TestPieces(t *testing.T) {
	tok := open(t, small("llama4", []string{"Ã ©", "Ġ x"}, "3 <|eot|>", "4 <t ö>", "5 [PAD]", "6 <0x0A>", "6 <0xZZ>", "2 <unk>", "1 Ġ世"))
	for _, test := range []struct {
		token         string
		text, control string
	}{
		{"Ġx", " x", " x"}, {"Ã©", "é", "é"}, {"Ã", "\xc3", "\xc3"}, {"Ċ", "\n", "\n"},
		{"<|eot|>", "", "<|eot|>"}, {"<unk>", "", "<unk>"}, {"<t ö>", "<t ö>", "<t ö>"},
		{"[PAD]", "", ""}, {"<0x0A>", "\n", "\n"}, {"<0xZZ>", "", ""}, {"Ġ世", " 世", " 世"},
	} {
		id, ok := tok.ID(test.token)
		if !ok {
			t.Fatalf("no token %q", test.token)
		}
		if got := string(tok.AppendPiece([]byte("+"), id, false)); got != "+"+test.text {
			t.Errorf("%q: got %q, want %q", test.token, got, "+"+test.text)
		}
		if got := string(tok.AppendPiece(nil, id, true)); got != test.control {
			t.Errorf("%q with control: got %q, want %q", test.token, got, test.control)
		}
	}
	for _, id := range []int32{-1, int32(tok.Len()), 1 << 30} {
		if got := tok.AppendPiece(nil, id, true); got != nil || tok.IsControl(id) || tok.IsEOG(id) {
			t.Errorf("id %d outside the vocabulary: %q, control %v, EOG %v", id, got, tok.IsControl(id), tok.IsEOG(id))
		}
	}
	if id, ok := tok.ID("nowhere"); ok {
		t.Errorf("ID of a text that is no token: %d", id)
	}
	if got, want := tok.Specials(), []string{"<|eot|>", "<unk>"}; !slices.Equal(got, want) {
		t.Errorf("Specials: got %q, want %q", got, want)
	}
}

// TestAlphabet checks the table against the examples of the specification and
// that it is one to one.
func TestAlphabet(t *testing.T) {
	for b, want := range map[byte]string{' ': "Ġ", '\n': "Ċ", 0: "Ā", 'A': "A", '~': "~", 127: "ġ", 160: "ł", 161: "¡", 173: "Ń", 174: "®", 255: "ÿ"} {
		if alphabet[b] != want {
			t.Errorf("byte %d: got %q, want %q", b, alphabet[b], want)
		}
	}
	all := make([]byte, 256)
	for b := range all {
		all[b] = byte(b)
	}
	if got := appendBytes(nil, appendSpelled(nil, all)); !slices.Equal(got, all) {
		t.Errorf("there and back: %v", got)
	}
}

func TestSpecialIDs(t *testing.T) {
	no, yes := false, true
	for _, test := range []struct {
		name   string
		config config
		change func(*config)
		bos    string // "": none
		addBOS bool
		eog    []string
	}{
		{"llama 4 instruct", small("llama4", nil, "3 <|begin_of_text|>", "3 <|end_of_text|>", "3 <|eom|>", "3 <|eot|>", "3 <|step|>"),
			func(c *config) { c.BOS, c.EOS = 256, 259 }, "<|begin_of_text|>", true, []string{"<|end_of_text|>", "<|eom|>", "<|eot|>"}},
		{"ids by text", small("llama4", nil, "3 <|begin_of_text|>", "3 <|eot|>"), nil, "<|begin_of_text|>", true, []string{"<|eot|>"}},
		{"llama 3", small("llama-bpe", nil, "3 <|begin_of_text|>", "3 <|end_of_text|>", "3 <|eom_id|>", "3 <|eot_id|>", "3 <|python_tag|>"),
			func(c *config) { c.BOS, c.EOS = 256, 259 }, "<|begin_of_text|>", true, []string{"<|end_of_text|>", "<|eom_id|>", "<|eot_id|>"}},
		{"qwen", small("qwen2", nil, "3 <|endoftext|>", "3 <|im_start|>", "3 <|im_end|>"),
			func(c *config) { c.BOS, c.EOS = 256, 258 }, "<|endoftext|>", false, []string{"<|endoftext|>", "<|im_end|>"}},
		{"qwen without bos", small("qwen2", nil, "3 <|endoftext|>"), func(c *config) { c.AddBOS = &yes }, "", false, []string{"<|endoftext|>"}},
		{"tekken", small("tekken", nil, "2 <unk>", "3 <s>", "3 </s>"), func(c *config) { c.EOS = 258 }, "<s>", true, []string{"</s>"}},
		{"the file says no", small("llama4", nil, "3 <|begin_of_text|>"), func(c *config) { c.AddBOS = &no }, "<|begin_of_text|>", false, nil},
		{"the file says yes", small("qwen2", nil, "3 <|endoftext|>"), func(c *config) { c.BOS, c.AddBOS = 256, &yes }, "<|endoftext|>", true, []string{"<|endoftext|>"}},
		{"ids of the file", small("llama4", nil, "3 <|a|>", "3 <|b|>", "3 <|c|>"), func(c *config) { c.EOS, c.EOT, c.EOM, c.Pad = 256, 257, 258, 999 }, "", false, []string{"<|a|>", "<|b|>", "<|c|>"}},
		{"wrong type", small("qwen2", nil, "1 <|im_end|>"), nil, "", false, []string{"<|im_end|>"}},
		{"markup is no end", small("qwen2", nil, "1 </s>"), nil, "", false, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.change != nil {
				test.change(&test.config)
			}
			tok := open(t, test.config)
			id, ok := tok.BOS()
			if ok != (test.bos != "") || ok && string(tok.tokens.at(id)) != test.bos {
				t.Errorf("BOS: got %d, %v, want %q", id, ok, test.bos)
			}
			if tok.AddBOS() != test.addBOS {
				t.Errorf("AddBOS: got %v, want %v", tok.AddBOS(), test.addBOS)
			}
			var eog []string
			for id := range int32(tok.Len()) {
				if tok.IsEOG(id) {
					eog = append(eog, string(tok.tokens.at(id)))
					if tok.types[id] != typeControl || !tok.IsControl(id) {
						t.Errorf("%q ends generation and is no control token", tok.tokens.at(id))
					}
				}
			}
			if !slices.Equal(eog, test.eog) {
				t.Errorf("EOG: got %q, want %q", eog, test.eog)
			}
		})
	}
}
