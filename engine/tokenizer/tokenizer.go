// Package tokenizer turns text into token ids and back, for the byte-level BPE
// vocabularies that GGUF files call "gpt2": Llama 3 and 4, Qwen 2 and Mistral's
// tekken.
//
//	parts of text ─ special tokens ─▶ plain text ─ pre-tokenizer ─▶ words ─ merges ─▶ ids
//	ids ─ AppendPiece ─▶ bytes ─ Stream ─▶ text that never ends in half a character
//
// The pre-tokenizer's pattern is written for a regular expression engine with
// look-ahead; here it is a scanner by hand (words.go), with the categories of
// Unicode itself. SentencePiece vocabularies and pre-tokenizers not named in
// pretokenizer.go are refused, never guessed: one wrong split makes other ids
// and a model that answers a little worse, which nobody would notice.
//
// Easy to get wrong: a user's text must never become a control token, so
// Encode takes text in parts and looks for special tokens inside each part
// only; what the user wrote is handed over with its look-alikes broken across
// two parts.
package tokenizer

import (
	"bytes"
	"fmt"
	"math"
	"slices"
)

// Config is a vocabulary as a GGUF file's tokenizer.ggml keys give it.
type Config struct {
	Model  string  // tokenizer.ggml.model; only "gpt2" is supported
	Pre    string  // tokenizer.ggml.pre, the name of the pre-tokenizer
	Tokens Texts   // [vocabulary] texts, normal ones in the byte alphabet; copied
	Types  []int32 // [vocabulary] GGUF token types 1 to 6; nil makes every token normal
	Merges Texts   // [merges] "left right" in the byte alphabet, best first; nil: none

	BOS, EOS, EOT, EOM, Pad int32 // token ids; -1: the file names none
	AddBOS                  *bool // tokenizer.ggml.add_bos_token; nil: the file does not say
}

// Token types of GGUF, tokenizer.ggml.token_type.
const (
	typeNormal      = 1
	typeUnknown     = 2
	typeControl     = 3
	typeUserDefined = 4
	typeUnused      = 5
	typeByte        = 6
)

// Tokenizer is one vocabulary, ready for use. It never changes after New, so
// any number of goroutines may use it at once. It keeps nothing of the Config.
type Tokenizer struct {
	rules  *rules
	tokens texts      // [vocabulary]
	types  []uint8    // [vocabulary] the type* constants
	words  dictionary // normal tokens, the only ones that plain text can become
	named  dictionary // all others
	bytes  [256]int32 // the normal token of each single byte
	merges mergeTable

	always   matcher // tokens found in any text: user-defined ones
	template matcher // tokens found where the caller allows special ones: these and control tokens

	bos    int32 // -1: none
	eos    int32 // negative: none
	addBOS bool
	eog    []int32
}

// New builds a tokenizer. It fails with an [*UnsupportedError] on a model or
// pre-tokenizer that this package does not know, and with another error on a
// vocabulary that contradicts itself.
func New(c Config) (*Tokenizer, error) {
	if c.Model != modelBPE {
		return nil, &UnsupportedError{Key: "tokenizer.ggml.model", Got: c.Model, Want: []string{modelBPE}}
	}
	rules, err := rulesOf(c.Pre)
	if err != nil {
		return nil, err
	}
	if c.Tokens == nil {
		c.Tokens = Strings(nil)
	}
	if c.Merges == nil {
		c.Merges = Strings(nil)
	}
	if err := checkSizes(c); err != nil {
		return nil, err
	}
	t := &Tokenizer{rules: rules}
	if t.tokens, err = readTexts(c.Tokens); err != nil {
		return nil, err
	}
	t.setTypes(c.Types)
	t.index()
	if err := t.setBytes(); err != nil {
		return nil, err
	}
	if t.merges, err = newMergeTable(c.Merges, &t.words, t.types); err != nil {
		return nil, err
	}
	t.setBOS(c)
	t.setEOG(c)
	return t, nil
}

func checkSizes(c Config) error {
	n := c.Tokens.Len()
	if n == 0 || n > math.MaxInt32/4 {
		return fmt.Errorf("tokenizer: vocabulary has %d tokens, want 1 to %d", n, math.MaxInt32/4)
	}
	if m := c.Merges.Len(); m > math.MaxInt32/4 {
		return fmt.Errorf("tokenizer: vocabulary has %d merges, want at most %d", m, math.MaxInt32/4)
	}
	if c.Types != nil && len(c.Types) != n {
		return fmt.Errorf("tokenizer: %d token types for %d tokens", len(c.Types), n)
	}
	for _, id := range []struct {
		name  string
		value int32
	}{{"bos", c.BOS}, {"eos", c.EOS}, {"eot", c.EOT}, {"eom", c.EOM}} {
		if id.value < -1 || int(id.value) >= n {
			return fmt.Errorf("tokenizer: %s_token_id is %d, want an id below %d", id.name, id.value, n)
		}
	}
	return nil
}

// setTypes copies the types. A token that ends generation is a control token
// whatever the file says: some converters wrote such tokens as normal ones.
func (t *Tokenizer) setTypes(types []int32) {
	t.types = make([]uint8, t.tokens.len())
	for i := range t.types {
		t.types[i] = typeNormal
		if types != nil && types[i] >= typeNormal && types[i] <= typeByte {
			t.types[i] = uint8(types[i])
		}
		if t.types[i] == typeControl {
			continue
		}
		if text := t.tokens.at(int32(i)); bytes.HasPrefix(text, []byte("<|")) && endsGeneration[string(text)] {
			t.types[i] = typeControl
		}
	}
}

// index fills the dictionaries and the matchers of special tokens. Of two
// tokens with the same text the later one is found, as in a dictionary filled
// in order.
func (t *Tokenizer) index() {
	var count [typeByte + 1]int
	for _, kind := range t.types {
		count[kind]++
	}
	normal, always := count[typeNormal], count[typeUserDefined]
	t.words = newDictionary(&t.tokens, normal)
	t.named = newDictionary(&t.tokens, len(t.types)-normal)
	t.always = matcher{texts: &t.tokens, sorted: make([]int32, 0, always)}
	t.template = matcher{texts: &t.tokens, sorted: make([]int32, 0, always+count[typeControl]+count[typeUnknown])}
	for i, kind := range t.types {
		id := int32(i)
		if kind == typeNormal {
			t.words.add(id)
			continue
		}
		t.named.add(id)
		switch kind {
		case typeUserDefined:
			t.always.add(id)
			t.template.add(id)
		case typeControl, typeUnknown:
			t.template.add(id)
		}
	}
	t.always.sort()
	t.template.sort()
}

func (t *Tokenizer) setBytes() error {
	for b := range 256 {
		id, ok := t.words.id([]byte(alphabet[b]))
		if !ok {
			return fmt.Errorf("tokenizer: vocabulary has no normal token %q for byte %#02x", alphabet[b], b)
		}
		t.bytes[b] = id
	}
	return nil
}

func (t *Tokenizer) setBOS(c Config) {
	t.eos = c.EOS
	t.bos = c.BOS
	if t.bos < 0 {
		t.bos = -1
		if id, ok := t.named.id([]byte(t.rules.bos)); ok {
			t.bos = id
		}
	}
	t.addBOS = t.rules.addBOS
	if c.AddBOS != nil {
		t.addBOS = *c.AddBOS
	}
	t.addBOS = t.addBOS && t.bos >= 0
}

// setEOG collects the tokens that end a turn. The file's own ids are not
// enough: Llama 4 instruct files name <|eot|> only, and a model that calls a
// tool ends with <|eom|>.
func (t *Tokenizer) setEOG(c Config) {
	add := func(id int32) {
		if id >= 0 && !slices.Contains(t.eog, id) {
			t.eog = append(t.eog, id)
		}
	}
	for _, id := range []int32{c.EOS, c.EOT, c.EOM} {
		add(id)
	}
	for text := range endsGeneration {
		if id, ok := t.named.id([]byte(text)); ok && t.types[id] == typeControl {
			add(id)
		}
	}
	slices.Sort(t.eog)
}

// endsGeneration holds the texts of the tokens that end a message or a text in
// the families supported: Llama 4 and 3, Qwen 2, Mistral.
var endsGeneration = map[string]bool{
	"<|end_of_text|>": true, "<|eom|>": true, "<|eot|>": true,
	"<|eom_id|>": true, "<|eot_id|>": true,
	"<|endoftext|>": true, "<|im_end|>": true,
	"</s>": true,
}

// AppendPiece appends the bytes of a token, which need not be whole characters
// (see [Stream]). A control token adds nothing unless control is set; an
// unused token and an id outside the vocabulary add nothing.
func (t *Tokenizer) AppendPiece(dst []byte, id int32, control bool) []byte {
	if !t.has(id) {
		return dst
	}
	text := t.tokens.at(id)
	switch t.types[id] {
	case typeNormal:
		return appendBytes(dst, text)
	case typeUserDefined:
		return append(dst, text...)
	case typeControl, typeUnknown:
		if control {
			return append(dst, text...)
		}
	case typeByte:
		if b, ok := byteToken(string(text)); ok {
			return append(dst, b)
		}
	}
	return dst
}

func (t *Tokenizer) has(id int32) bool { return id >= 0 && int(id) < t.tokens.len() }

// IsControl reports whether a token steers the model and is no text: a control
// token or the unknown token.
func (t *Tokenizer) IsControl(id int32) bool {
	return t.has(id) && (t.types[id] == typeControl || t.types[id] == typeUnknown)
}

// IsEOG reports whether a token ends generation.
func (t *Tokenizer) IsEOG(id int32) bool { return slices.Contains(t.eog, id) }

// ID finds a token by its text as the file spells it: special tokens as they
// are, normal ones in the byte alphabet ("Ġthe").
func (t *Tokenizer) ID(text string) (int32, bool) {
	if id, ok := t.named.id([]byte(text)); ok {
		return id, true
	}
	return t.words.id([]byte(text))
}

// Specials returns the texts of the tokens that Encode finds only when special
// tokens are allowed, by id: what a user's text must not become. The caller
// owns the slice.
func (t *Tokenizer) Specials() []string {
	var texts []string
	for i := range t.types {
		if text := t.tokens.at(int32(i)); t.IsControl(int32(i)) && len(text) > 0 {
			texts = append(texts, string(text))
		}
	}
	return texts
}

// BOS returns the token that begins a text, if the vocabulary has one.
func (t *Tokenizer) BOS() (int32, bool) { return t.bos, t.bos >= 0 }

// EOS returns the token that the file names as the end of a text or turn, if it
// names one. Generation ends at every token of IsEOG, not at this one alone.
func (t *Tokenizer) EOS() (int32, bool) { return t.eos, t.eos >= 0 }

// AddBOS reports whether a prompt is to begin with BOS. The file decides; where
// it does not, Llama and Mistral models do and Qwen models do not.
func (t *Tokenizer) AddBOS() bool { return t.addBOS }

// Len returns the size of the vocabulary.
func (t *Tokenizer) Len() int { return t.tokens.len() }
