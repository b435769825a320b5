package app

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"

	"scout/ui/clipboard"
)

// pngOf is a picture's file.
func pngOf(t testing.TB, w, h int) string {
	t.Helper()
	var buf bytes.Buffer
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = byte(i*7) | 0x80
	}
	if err := png.Encode(&buf, img); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

// copying is a clipboard of X11 that holds data of one type.
func copying(mediaType, data string, err error) *clipboard.Native {
	env := map[string]string{"DISPLAY": ":0"}
	run := func(_ context.Context, _ int, name string, args ...string) ([]byte, error) {
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", name, err)
		case strings.Contains(strings.Join(args, " "), "TARGETS"):
			return []byte("TARGETS\n" + mediaType + "\n"), nil
		}
		return []byte(data), nil
	}
	return clipboard.NewNative("linux", func(name string) string { return env[name] }, run)
}

// afar is a clipboard over SSH: none.
func afar() *clipboard.Native {
	return clipboard.NewNative("linux", func(name string) string {
		return map[string]string{"SSH_TTY": "/dev/pts/1"}[name]
	}, nil)
}

func with(c *clipboard.Native) func(*Config) { return func(config *Config) { config.Clipboard = c } }

func TestPastePicture(t *testing.T) {
	for _, key := range []string{"ctrl+v", "alt+v"} {
		b := newRobot(t, 80, 24, with(copying("image/png", pngOf(t, 64, 48), nil)))
		b.keys(key)
		b.until("a price", func() bool { return len(b.r.chips) == 1 && b.r.chips[0].tokens == 441 })
		if text := b.text(); !strings.Contains(text, "▣1 clipboard 14:02.png 640×480 3 tiles ≈441 tok") {
			t.Errorf("%s: the screen is\n%s", key, text)
		}
		b.typed("What is it?")
		b.keys("enter")
		b.settle()
		if turn := b.r.talk.Turns()[0]; len(turn.Files) != 1 || turn.Files[0].Name != "clipboard 14:02.png" || turn.Files[0].Type != "image/png" {
			t.Errorf("sent %+v", turn)
		}
	}
}

func TestPasteOthers(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	path := b.file("my photo.png")
	for i, c := range []struct {
		name      string
		clipboard *clipboard.Native
		so        func(b *robot) bool
	}{
		{"a copied file", copying("text/uri-list", "file://"+strings.ReplaceAll(path, " ", "%20")+"\r\n", nil), func(b *robot) bool {
			return len(b.r.chips) == 1 && b.r.chips[0].file.Name == "my photo.png"
		}},
		{"text", copying("text/plain", "some words", nil), func(b *robot) bool { return b.r.composer.text() == "some words" }},
		{"nothing", copying("application/x", "", nil), func(b *robot) bool { return strings.Contains(b.r.notice, "Nothing is copied") }},
		{"no program", copying("", "", exec.ErrNotFound), func(b *robot) bool { return b.r.noticeBad && strings.Contains(b.r.notice, "install xclip") }},
		{"a failure", copying("", "", errors.New("cannot open display")), func(b *robot) bool {
			return b.r.noticeBad && strings.Contains(b.r.notice, "cannot open display")
		}},
		{"no picture", copying("image/png", "%PDF-1.7\n", nil), func(b *robot) bool { return b.r.noticeBad && strings.Contains(b.r.notice, "no picture") }},
		{"over SSH", afar(), func(b *robot) bool { return b.r.noticeBad && strings.Contains(b.r.notice, "on your own machine") }},
	} {
		b := newRobot(t, 80, 24, with(c.clipboard))
		if i%2 == 0 {
			b.send(tea.PasteMsg{}) // what terminals make of a copied picture
		} else {
			b.typed("/paste")
			b.keys("enter")
		}
		b.until(c.name, func() bool { return c.so(b) })
		b.check()
	}
}

var asked = regexp.MustCompile("\x1b]5522;type=read:id=([a-z0-9]+);([A-Za-z0-9+/=]+)\x1b\\\\")

// wasAsked waits for the terminal to be asked for a type.
func (b *robot) wasAsked(mediaType string) (id string) {
	b.t.Helper()
	b.until("asked for "+mediaType, func() bool {
		all := asked.FindAllStringSubmatch(b.raw, -1)
		if len(all) == 0 {
			return false
		}
		last := all[len(all)-1]
		id = last[1]
		return last[2] == base64.StdEncoding.EncodeToString([]byte(mediaType))
	})
	return id
}

// answers is what a terminal answers to a request.
func answers(id, mediaType, data string) []string {
	in64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	begin := "\x1b]5522;type=read:id=" + id + ":status="
	all := []string{begin + "OK\x1b\\"}
	for len(data) > 0 {
		n := min(len(data), 100)
		all = append(all, begin+"DATA:mime="+in64(mediaType)+";"+in64(data[:n])+"\x1b\\")
		data = data[n:]
	}
	return append(all, begin+"DONE\x1b\\")
}

func TestPasteFromTerminal(t *testing.T) {
	b := newRobot(t, 80, 24, with(afar()))
	b.send(tea.ModeReportMsg{Mode: ansi.DECMode(5522), Value: ansi.ModeReset})
	b.keys("ctrl+v")
	id := b.wasAsked(".")
	b.keys("ctrl+v") // not twice
	if !strings.Contains(b.r.notice, "esc gives up") {
		t.Errorf("the notice is %q", b.r.notice)
	}
	for _, s := range answers(id, ".", "text/plain image/png") {
		b.send(uv.UnknownOscEvent(s))
	}
	for _, s := range answers(b.wasAsked("image/png"), "image/png", pngOf(t, 30, 20)) {
		b.send(uv.UnknownOscEvent(s))
	}
	b.until("a chip", func() bool { return len(b.r.chips) == 1 && b.r.chips[0].tokens == 441 })
	if b.r.asking != nil {
		t.Error("it goes on asking")
	}
}

// TestPasteTorn: an answer that came in parts is put together again, wherever it was
// torn, and nothing of it is written.
func TestPasteTorn(t *testing.T) {
	for cut := 2; cut < 60; cut += 9 {
		b := newRobot(t, 80, 24, with(afar()))
		b.send(tea.TerminalVersionMsg{Name: "kitty(0.40.0)"})
		b.keys("ctrl+v")
		for _, s := range answers(b.wasAsked("."), ".", "text/plain") {
			b.send(uv.UnknownEvent(s[:min(cut, len(s)-2)]))
			b.typed(s[min(cut, len(s)-2) : len(s)-2])
			b.keys("alt+\\")
		}
		for _, s := range answers(b.wasAsked("text/plain"), "text/plain", "words") {
			b.send(uv.UnknownOscEvent(s))
		}
		if got := b.r.composer.text(); got != "words" {
			t.Errorf("torn at %d, %q is written", cut, got)
		}
		b.typed("!")
		if got := b.r.composer.text(); got != "words!" {
			t.Errorf("afterwards %q is written", got)
		}
	}
}

func TestPasteFromTerminalFails(t *testing.T) {
	for _, c := range []struct {
		name string
		play func(b *robot, id string)
		want string
	}{
		{"refused", func(b *robot, id string) {
			b.send(uv.UnknownOscEvent("\x1b]5522;type=read:id=" + id + ":status=EPERM\x1b\\"))
		}, "not allowed"},
		{"silent", func(b *robot, _ string) { b.send(answerDueMsg{reading: 1}) }, "did not answer"},
		{"given up", func(b *robot, id string) {
			b.keys("esc")
			b.typed("]5522;type=read") // the rest of an answer
			b.keys("alt+\\")
		}, "Nothing is pasted"},
	} {
		b := newRobot(t, 80, 24, with(afar()))
		b.send(tea.ModeReportMsg{Mode: ansi.DECMode(5522), Value: ansi.ModeSet})
		b.keys("ctrl+v")
		c.play(b, b.wasAsked("."))
		b.until(c.name, func() bool { return strings.Contains(b.r.notice, c.want) })
		b.typed("ok")
		if b.r.asking != nil || b.r.composer.text() != "ok" || len(b.r.chips) != 0 {
			t.Errorf("%s: asking %v, written %q", c.name, b.r.asking, b.r.composer.text())
		}
	}
	b := newRobot(t, 80, 24, with(afar()))
	b.send(tea.ModeReportMsg{Mode: ansi.DECMode(5522), Value: ansi.ModeNotRecognized})
	b.keys("ctrl+v")
	b.until("told", func() bool { return strings.Contains(b.r.notice, "on your own machine") })
	if strings.Contains(b.raw, "type=read") {
		t.Error("a terminal that cannot was asked")
	}
}

// TestPasteAfar: over SSH the clipboard of the terminal goes before that of this machine,
// and where the terminal cannot, this machine's is read: X11 may be forwarded.
func TestPasteAfar(t *testing.T) {
	near := copying("text/plain", "from here", nil)
	near.Remote = true
	b := newRobot(t, 80, 24, with(near))
	b.keys("ctrl+v")
	b.until("read here", func() bool { return b.r.composer.text() == "from here" })
	b.send(tea.ModeReportMsg{Mode: ansi.DECMode(5522), Value: ansi.ModeReset})
	b.keys("ctrl+v")
	b.wasAsked(".")
}

// TestPasteElsewhere: where the system's programs are missing, the terminal is asked.
func TestPasteElsewhere(t *testing.T) {
	b := newRobot(t, 80, 24, with(copying("", "", exec.ErrNotFound)))
	b.send(tea.ModeReportMsg{Mode: ansi.DECMode(5522), Value: ansi.ModeReset})
	b.keys("ctrl+v")
	b.wasAsked(".")
}

// FuzzTorn tears an answer of the terminal: it is put together again, and nothing of it
// is written. Keys that are none of it do no harm.
func FuzzTorn(f *testing.F) {
	f.Add("words", 5, "")
	f.Add("\x00\xff", 2, "x")
	f.Add("", 40, "\x1b")
	f.Add("more", 1, "世")
	b := newRobot(f, 80, 24, with(afar()))
	b.r.talk.Stop()
	f.Fuzz(func(t *testing.T, text string, cut int, between string) {
		r := b.r
		r.asking, r.torn = nil, torn{}
		_ = r.ask()
		id := fmt.Sprintf("scout%d", r.asked)
		text = text[:min(len(text), 20)]
		reading := r.asking
		all := append(answers(id, ".", "image/png"), answers(id, "image/png", text)...)
		for i, s := range all {
			if i != max(0, cut)%len(all) {
				r.answered(uv.UnknownOscEvent(s))
				continue
			}
			at := 2 + max(0, cut)%(len(s)-3)
			r.answered(uv.UnknownEvent(s[:at]))
			for _, k := range s[at : len(s)-2] {
				if _, taken := r.mend(tea.KeyPressMsg{Code: k, Text: string(k)}); !taken {
					t.Fatalf("%q of %q torn at %d is written", k, s, at)
				}
			}
			if r.torn.text != s[:len(s)-2] {
				t.Fatalf("%q torn at %d is %q", s, at, r.torn.text)
			}
			r.mend(keyNamed("alt+\\"))
		}
		if got := string(reading.Content().Picture); r.asking != nil || r.torn.text != "" || got != text {
			t.Fatalf("%q torn at %d: read %q, asking %v", text, cut, got, r.asking)
		}
		_ = r.ask()
		r.answered(uv.UnknownEvent("\x1b]5522;"))
		for _, k := range between {
			r.mend(tea.KeyPressMsg{Code: k, Text: string(k)})
		}
		if len(r.torn.text) > mostTorn+1 {
			t.Fatalf("%d bytes are kept", len(r.torn.text))
		}
	})
}
