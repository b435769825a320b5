package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCasesAreKept(t *testing.T) {
	from := t.TempDir()
	for name, content := range map[string]string{
		"expected.json": `{"cases": [
			{"kind": "image", "image": "images/a.png", "messages": ["what?"], "prompt": "not kept",
			 "pytorch_f32_hf_layout": {"text": "w", "ids": [7], "prompt_ids": [8, 9]}},
			{"kind": "text", "system": "s", "messages": ["a"], "prompt": "<|p|>", "prompt_ids": [1, 2],
			 "pytorch_f32": {"text": "x", "ids": [3]}, "llamacpp_Q8_0": {"text": "y", "ids": [4]}, "llamacpp_Q4_K_M": {"text": "z", "ids": [5]}}]}`,
		"reference.json": `{"text": [{"prompt": "p", "tokens": [1], "argmax": [2], "logits32": [[0.5, -1.25]], "npy": "x"}],
			"tokenizer": [{"text": "é", "ids": [6]}]}`,
	} {
		if err := os.WriteFile(filepath.Join(from, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	to := filepath.Join(t.TempDir(), "expected.json")
	if err := run(from, to); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(b) {
		t.Errorf("this is no JSON: %s", b)
	}
	for _, want := range []string{`"prompt":"<|p|>"`, `"prompt_ids":[1,2]`, `{"text":"y","ids":[4]}`, `"argmax":[2]`, `[[0.5,-1.25]]`, `{"text":"é","ids":[6]}`,
		`{"image":"images/a.png","question":"what?","prompt_ids":[8,9],"pytorch_f32":{"text":"w","ids":[7]}}`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s is missing in %s", want, b)
		}
	}
	if strings.Contains(string(b), "not kept") {
		t.Error("the case of a picture was kept whole")
	}
}

func TestPicturesAreKept(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(from, "images"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(from, "images", "a.png"), []byte("picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := copyPictures(from, to); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(to, "images", "a.png")); err != nil || string(b) != "picture" {
		t.Errorf("the copy is %q, %v", b, err)
	}
}
