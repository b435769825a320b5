//go:build unix

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"scout/downloads/faultserver"
	"scout/sessions"
)

// answeredAfter is whether a screen shows the figures of a reply under a question, beside
// those of the status line.
func answeredAfter(screen, question string) bool {
	return strings.Count(screen[max(0, strings.LastIndex(screen, question)):], "tokens ·") >= 2
}

// TestScreenPull chats with the demo while a model is downloaded: its licence is agreed
// to, it arrives, answers from the next turn on, and the conversation is one. Then its
// other quantization is looked for on the hub.
func TestScreenPull(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "models", "tiny-scout-Q8_0.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	hub := faultserver.NewOnSockets(t)
	r := hub.Repository(tinyRepo)
	r.Direct = true
	r.Commit("1111111111111111111111111111111111111111", faultserver.Data("Tiny-Q8_0.gguf", data),
		faultserver.Data("Tiny-Q4_0.gguf", append(slices.Clone(data), make([]byte, 64)...)))
	r.Card = map[string]any{"cardData": map[string]any{"license": "llama4"}}
	home := t.TempDir()
	for name, value := range map[string]string{
		"HF_ENDPOINT": hub.Hub, "SCOUT_MODELS": filepath.Join(home, "models"), "HOME": home, "XDG_STATE_HOME": filepath.Join(home, "state"), "XDG_CACHE_HOME": home,
		"NO_PROXY": "127.0.0.1", "HF_TOKEN": "", "HF_HOME": "", "HF_HUB_OFFLINE": "", "LLAMA_CACHE": "", "HF_HUB_CACHE": "", "OLLAMA_MODELS": "",
	} {
		t.Setenv(name, value)
	}
	s := newScreen(t, 80, 24)
	scout := s.start("chat", "demo")
	s.await("is ready")
	s.press("Hello\r")
	s.await("tokens ·")
	s.press("/pull " + tinyRepo + ":Q8_0\r")
	s.await("waits for you")
	s.press("\x1bOQ") // f2
	s.await("held")
	s.press("a")
	s.await("here, checked")
	s.press("\x1b")
	s.await("f3 switches to Tiny:Q8_0")
	s.press("\x1bOR") // f3
	s.await("answers from now on")
	s.press("/quant\r")
	s.await("Q4_0")
	if text := s.text(); !strings.Contains(text, "answers now") || !strings.Contains(text, "get") {
		t.Errorf("the quantizations are\n%s", text)
	}
	s.press("\x1b")
	s.await("❯ Ask something")
	s.press("Once more")
	s.await("Once more")
	s.press("\r")
	for end := time.Now().Add(20 * time.Second); !answeredAfter(s.text(), "Once more"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no second answer:\n%s", s.text())
		}
	}
	s.press("/quit\r")
	s.exits(scout, 0)
	s.restored()
	store, err := sessions.Open(filepath.Join(s.data, "scout", "sessions"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	list, err := store.List()
	if err != nil || len(list) != 1 || list[0].Messages != 4 {
		t.Fatalf("saved are %+v, %v", list, err)
	}
	c, err := store.Read(list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]bool{}
	for _, m := range c.Messages {
		if m.Reply != nil {
			paths[m.Reply.Model.Path] = true
		}
	}
	if len(paths) != 2 || !paths["demo"] {
		t.Errorf("the replies are of %v, want one of the demo and one of the model that was downloaded", paths)
	}
}
