package engine

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"scout/engine/sample"
)

// record is testdata/tiny-scout/expected.json: what PyTorch and llama.cpp
// answered with the Tiny Scout model.
type record struct {
	Conversations []struct {
		System    *string  `json:"system"`
		Messages  []string `json:"messages"`
		Prompt    string   `json:"prompt"`
		PromptIDs []int32  `json:"prompt_ids"`
		PyTorch   answered `json:"pytorch_f32"`
		Q8_0      answered `json:"llamacpp_Q8_0"`
		Q4_K_M    answered `json:"llamacpp_Q4_K_M"`
	} `json:"conversations"`
	Pictures []struct {
		Image     string   `json:"image"`
		Question  string   `json:"question"`
		PromptIDs []int32  `json:"prompt_ids"`
		PyTorch   answered `json:"pytorch_f32"`
	} `json:"pictures"`
	Logits []struct {
		Tokens   []int32     `json:"tokens"`
		Argmax   []int       `json:"argmax"`
		Logits32 [][]float32 `json:"logits32"` // [tokens, 32]
	} `json:"logits"`
	Tokenizer []struct {
		Text string  `json:"text"`
		IDs  []int32 `json:"ids"`
	} `json:"tokenizer"`
}

type answered struct {
	Text string  `json:"text"`
	IDs  []int32 `json:"ids"`
}

func readRecord(t *testing.T) record {
	t.Helper()
	raw, err := os.ReadFile("../testdata/tiny-scout/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var r record
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Conversations) != 24 || len(r.Pictures) != 25 {
		t.Fatalf("the record has %d conversations and %d pictures, want 24 and 25", len(r.Conversations), len(r.Pictures))
	}
	return r
}

// tinyScout is a file of the Tiny Scout release. The Q8_0 one is in the tree; the
// others are large, and looked for in the folder $SCOUT_TINY_SCOUT.
func tinyScout(t testing.TB, quantization string) []byte {
	t.Helper()
	dir := "../testdata/models"
	if quantization != "Q8_0" {
		if dir = os.Getenv("SCOUT_TINY_SCOUT"); dir == "" {
			if os.Getenv("SCOUT_CI") != "" {
				t.Fatal("SCOUT_CI promises the Tiny Scout release, and SCOUT_TINY_SCOUT names no folder")
			}
			t.Skip("SCOUT_TINY_SCOUT names no folder with tiny-scout-" + quantization + ".gguf")
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "tiny-scout-"+quantization+".gguf"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestRecordedAnswers holds greedy answers to the record, token for token.
func TestRecordedAnswers(t *testing.T) {
	r := readRecord(t)
	for _, quantization := range []string{"F32", "F16", "Q8_0", "Q4_K_M"} {
		t.Run(quantization, func(t *testing.T) {
			s := openSequence(t, tinyScout(t, quantization), Options{})
			for _, c := range r.Conversations {
				want := c.PyTorch.IDs
				switch quantization {
				case "Q8_0":
					want = c.Q8_0.IDs
				case "Q4_K_M":
					want = c.Q4_K_M.IDs
				}
				if got := greedy(t, s, c.PromptIDs); !slices.Equal(got, want) {
					t.Errorf("%q: answer is %v, want %v", c.Messages, got, want)
				}
			}
		})
	}
}

// greedy is the ids of a greedy answer, the end of the turn included.
func greedy(t *testing.T, s *Sequence, prompt []int32) []int32 {
	t.Helper()
	var ids []int32
	for d, err := range s.Complete(context.Background(), prompt, Sampling{MaxTokens: 200}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, token := range d.Tokens {
			ids = append(ids, token.ID)
		}
	}
	return ids
}

// TestRecordedConversations holds whole conversations, through the file's
// template, to the record: prompt ids and answer text.
func TestRecordedConversations(t *testing.T) {
	r := readRecord(t)
	m := openModel(t, tinyScout(t, "Q8_0"), Options{})
	s := newSequence(t, m)
	for _, c := range r.Conversations {
		var conv []Message
		if c.System != nil {
			conv = append(conv, Message{Role: System, Content: *c.System})
		}
		for i, text := range c.Messages {
			conv = append(conv, Message{Role: []Role{User, Assistant}[i%2], Content: text})
		}
		ids, err := m.Encode(conv)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(ids, c.PromptIDs) {
			t.Errorf("%q: prompt is %v, want %v", c.Messages, ids, c.PromptIDs)
		}
		if got := answerText(t, s, conv, Sampling{MaxTokens: 200}); got != c.Q8_0.Text {
			t.Errorf("%q: answer is %q, want %q", c.Messages, got, c.Q8_0.Text)
		}
	}
}

// TestRecordedLogits holds the F32 file's logits to PyTorch's.
func TestRecordedLogits(t *testing.T) {
	r := readRecord(t)
	for _, kv := range []string{"f32", "f16"} {
		s := openSequence(t, tinyScout(t, "F32"), Options{KV: kv})
		worst := 0.0
		for _, c := range r.Logits {
			s.Truncate(0)
			err := s.Append(context.Background(), c.Tokens, AllLogits, func(pos int, logits []float32) error {
				for i, want := range c.Logits32[pos] {
					worst = max(worst, math.Abs(float64(logits[i])-float64(want)))
				}
				if got := argmax(logits); got != c.Argmax[pos] {
					t.Errorf("position %d: top token is %d, want %d", pos, got, c.Argmax[pos])
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		limit := map[string]float64{"f32": 1e-3, "f16": 1e-2}[kv]
		t.Logf("%s cache: largest difference %.3g, limit %g", kv, worst, limit)
		if !(worst <= limit) {
			t.Errorf("%s cache: logits differ by up to %.3g, want at most %g", kv, worst, limit)
		}
	}
}

func TestRecordedTokens(t *testing.T) {
	m := openModel(t, tinyScout(t, "Q8_0"), Options{})
	for _, c := range readRecord(t).Tokenizer {
		if got := m.Tokenize(c.Text, true); !slices.Equal(got, c.IDs) {
			t.Errorf("%q: ids are %v, want %v", c.Text, got, c.IDs)
		}
	}
}

// TestGreedyIsArgmax keeps the two notions of greedy together.
func TestGreedyIsArgmax(t *testing.T) {
	s := openSequence(t, tinyScout(t, "Q8_0"), Options{})
	prompt := readRecord(t).Conversations[0].PromptIDs
	got := greedy(t, s, prompt)
	s.Truncate(0)
	if err := s.Append(context.Background(), prompt, LastLogits, nil); err != nil {
		t.Fatal(err)
	}
	for i, want := range got {
		if id := argmax(s.logits); int32(id) != want {
			t.Fatalf("token %d is %d, the largest logit is %d (log-probability %v)", i, want, id, sample.LogProb(s.logits, want))
		}
		if err := s.Append(context.Background(), []int32{want}, LastLogits, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBeginOfText adds the begin-of-text token where a template has none, and not
// a second one where it has.
func TestBeginOfText(t *testing.T) {
	for _, template := range []string{"{{ messages[0].content }}", "{{ bos_token }}{{ messages[0].content }}"} {
		f := newForwardModel(forwardShape{arch: "llama4", layers: 1, width: 24, heads: 2, kvHeads: 1, dim: 10, expertFF: 7, denseFF: 5, vocabulary: 261, moeEvery: 1}, 1)
		f.file.Key("tokenizer.chat_template", template).Key("tokenizer.ggml.bos_token_id", uint32(256))
		ids, err := openModel(t, f.bytes(t), Options{}).Encode([]Message{{Role: User, Content: "AB"}})
		if err != nil {
			t.Fatal(err)
		}
		if len(ids) != 3 || ids[0] != 256 || ids[1] == 256 {
			t.Errorf("template %q: ids are %v, want token 256 once, then two", template, ids)
		}
	}
}
