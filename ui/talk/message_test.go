package talk

import (
	"errors"
	"strings"
	"testing"

	"scout/engine"
	"scout/sessions"
)

// TestConversation expects what the model is told of messages.
func TestConversation(t *testing.T) {
	user := func(text string, files ...sessions.Attachment) sessions.Message {
		return sessions.Message{Role: sessions.User, Text: text, Attachments: files}
	}
	said := func(text string) sessions.Message { return sessions.Message{Role: sessions.Assistant, Text: text} }
	system := func(text string) sessions.Message { return sessions.Message{Role: sessions.System, Text: text} }
	image := sessions.Attachment{Name: "i.png", Type: "image/png"}
	note := sessions.Attachment{Name: "n.md", Type: "text/plain"}
	fetch := func(a sessions.Attachment) ([]byte, error) {
		if a.Name == "gone" {
			return nil, sessions.ErrNotFound
		}
		return []byte("data"), nil
	}
	for _, test := range []struct {
		name    string
		path    []sessions.Message
		want    string
		partial string
	}{
		{"plain", []sessions.Message{system("S"), user("a"), said("b"), user("c")}, "<system>S<user>a<assistant>b<user>c", ""},
		{"last system", []sessions.Message{system("S"), user("a"), said("b"), system("T"), user("c")}, "<system>T<user>a<assistant>b<user>c", ""},
		{"system taken away", []sessions.Message{system("S"), user("a"), system("")}, "<user>a", ""},
		{"no answer", []sessions.Message{user("a"), said(""), user("c")}, "<user>a\n\nc", ""},
		{"continued", []sessions.Message{user("a"), said("b"), said("c"), user("d")}, "<user>a<assistant>bc<user>d", ""},
		{"to be continued", []sessions.Message{user("a"), said("b"), said("c")}, "<user>a", "bc"},
		{"lost", []sessions.Message{{Damaged: true}, user("a")}, "<user>a", ""},
		{"tool", []sessions.Message{user("a"), said("b"), {Role: sessions.Tool, Text: "1"}, {Role: sessions.Tool, Text: "2"}}, "<user>a<assistant>b<tool>1<tool>2", ""},
		{"files", []sessions.Message{user("look", note, image)}, "<user>File n.md:\n```md\ndata\n```\n\nlook[i.png 4]", ""},
		{"only a picture", []sessions.Message{user("", image)}, "<user>[i.png 4]", ""},
		{"pictures in two", []sessions.Message{user("a", image), user("b", image)}, "<user>a\n\nb[i.png 4][i.png 4]", ""},
		{"picture in the first", []sessions.Message{user("a", image), user("b")}, "<user>a\n\nb[i.png 4]", ""},
		{"picture in the second", []sessions.Message{user("a"), user("b", image)}, "<user>a\n\nb[i.png 4]", ""},
		{"nothing", nil, "", ""},
	} {
		told, partial, err := conversation(test.path, fetch)
		if got := render(told); err != nil || got != test.want || partial != test.partial {
			t.Errorf("%s: told is %q and %q, %v; want %q and %q", test.name, got, partial, err, test.want, test.partial)
		}
	}
	_, _, err := conversation([]sessions.Message{{ID: 3, Role: sessions.User, Attachments: []sessions.Attachment{{Name: "gone"}}}}, fetch)
	var gone *AttachmentError
	if !errors.As(err, &gone) || gone.Message != 3 || !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("of a file that is gone: %v", err)
	}
}

// TestOrderOfParts expects a question that goes with the next to keep its pictures
// before its own text.
func TestOrderOfParts(t *testing.T) {
	a := engine.Message{Role: engine.User, Parts: []engine.Part{{Image: &engine.Image{Name: "1"}}, {Text: "a"}}}
	b := engine.Message{Role: engine.User, Content: "b"}
	both := join(a, b)
	if p := both.Parts; len(p) != 4 || p[0].Image == nil || p[1].Text != "a" || p[2].Text != "\n\n" || p[3].Text != "b" || len(a.Parts) != 2 {
		t.Errorf("together they are %+v", both)
	}
}

// TestFenced expects nothing in a file to end its fence.
func TestFenced(t *testing.T) {
	for name, test := range map[string]struct{ data, want string }{
		"a.go":         {"x\n", "File a.go:\n```go\nx\n```\n\n"},
		"no ending":    {"x", "File no ending:\n```\nx\n```\n\n"},
		"odd\nname.c+": {"", "File odd name.c+:\n```\n```\n\n"},
		"f.md":         {"```\n`````\n", "File f.md:\n``````md\n```\n`````\n``````\n\n"},
		"bad.txt":      {"a\xff", "File bad.txt:\n```txt\na\uFFFD\n```\n\n"},
	} {
		if got := fenced(name, []byte(test.data)); got != test.want {
			t.Errorf("%q is %q, want %q", name, got, test.want)
		}
	}
}

// TestSettings expects what is set to be what is used, and a text that is too long to
// be refused at once.
func TestSettings(t *testing.T) {
	m := newFake("ok")
	k := begun(t, Options{Model: m, System: "S", Sampling: engine.Sampling{TopK: 1, TopLogProbs: 5, Stop: []string{"x"}}})
	if s := k.Sampling(); k.System() != "S" || s.TopK != 1 || s.TopLogProbs != 0 || s.Stop[0] != "x" {
		t.Errorf("begun with %q and %+v", k.System(), s)
	}
	k.SetSystem("T")
	k.SetSampling(engine.Sampling{TopK: 2})
	if k.System() != "T" || k.Sampling().TopK != 2 {
		t.Errorf("set are %q and %+v", k.System(), k.Sampling())
	}
	if got, _ := k.Model(); got != Model(m) {
		t.Error("it has another model")
	}
	if err := k.Send(strings.Repeat("x", sessions.MostAttachment+1), nil); err == nil || !strings.Contains(err.Error(), "attach it as a file") {
		t.Errorf("a long message: %v", err)
	}
	if _, err := Open(Options{Session: "x"}); err == nil {
		t.Error("a session was opened without a store")
	}
	if k.Branches(9) != nil {
		t.Error("no message has branches")
	}
}
