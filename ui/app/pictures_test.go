package app

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/ansi/kitty"

	"scout/ui/thumb"
)

// inKitty is a terminal that draws pictures itself, once it has answered.
func inKitty(c *Config) { c.Environ = []string{"TERM=xterm-kitty", "COLORTERM=truecolor"} }

func (b *robot) answerOK() {
	b.send(uv.KittyGraphicsEvent{Options: kitty.Options{ID: thumb.QueryID}, Payload: []byte("OK")})
}

var (
	given   = regexp.MustCompile("\x1b_G[^;\x1b]*\\bU=1\\b[^;\x1b]*;")
	deleted = regexp.MustCompile("\x1b_G[^;\x1b]*\\ba=d\\b[^;\x1b]*\x1b")
	idIn    = regexp.MustCompile(`\bi=(\d+)`)
)

// ids is the ids in the sequences of one kind that the terminal was sent.
func (b *robot) ids(kind *regexp.Regexp) []string {
	var ids []string
	for _, s := range kind.FindAllString(b.raw, -1) {
		ids = append(ids, idIn.FindStringSubmatch(s)[1])
	}
	return ids
}

// placed is whether the screen has cells in whose place the terminal draws.
func (b *robot) placed() bool { return strings.ContainsRune(b.text(), kitty.Placeholder) }

// withPicture sends a message with a picture and waits for the answer.
func (b *robot) withPicture(path string) {
	b.t.Helper()
	n := len(b.r.talk.Turns())
	b.typed("Is it @" + path)
	b.keys("enter")
	b.until("answered", func() bool { return len(b.r.talk.Turns()) >= n+2 })
	b.settle()
}

// TestKittyPictures: the terminal is given a picture once, shows it where its cells
// stand, and is told to forget it when the conversation is left, and at the end.
func TestKittyPictures(t *testing.T) {
	b := newRobot(t, 80, 30, inKitty)
	if !strings.Contains(b.raw, "\x1b_Gi=31") || !strings.Contains(b.raw, "\x1b[>q") || !strings.Contains(b.raw, "\x1b[?5522$p") {
		t.Errorf("the terminal was asked %q", b.raw)
	}
	b.answerOK()
	path := b.file("photo.png")
	b.withPicture(path)
	b.until("a picture", b.placed)
	b.check()
	if ids := b.ids(given); len(ids) != 1 || len(b.ids(deleted)) != 0 {
		t.Fatalf("given %v, deleted %v", ids, b.ids(deleted))
	}
	b.withPicture(path) // the same again, in another message
	b.keys("pgup", "pgdown", "ctrl+home", "ctrl+end")
	b.send(tea.WindowSizeMsg{Width: 100, Height: 40})
	b.check()
	b.settle()
	first := b.ids(given)
	if len(first) != 1 {
		t.Errorf("one picture was given as %v", first)
	}
	id := b.r.talk.ID()
	b.keys("ctrl+n")
	b.until("deleted", func() bool { return len(b.ids(deleted)) == 1 })
	if got := b.ids(deleted); got[0] != first[0] {
		t.Errorf("deleted %v, want %v", got, first)
	}
	b.settle()
	b.do(b.r.openSession(id))
	b.until("given again", func() bool { return len(b.ids(given)) == 2 && b.placed() })
	if b.r.part(b.r, tea.WindowSizeMsg{}) != (tea.WindowSizeMsg{}) {
		t.Error("another message was changed")
	}
	b.send(b.r.part(b.r, tea.QuitMsg{}))
	b.until("parted", func() bool { return b.r.shelf.empty() })
	if _, ends := b.r.part(b.r, tea.QuitMsg{}).(tea.QuitMsg); !ends {
		t.Error("it does not end")
	}
}

// TestAnswerLate: what was drawn as half-blocks is given to a terminal that says later
// that it can show it.
func TestAnswerLate(t *testing.T) {
	b := newRobot(t, 80, 30, inKitty)
	b.withPicture(b.file("photo.png"))
	b.until("half-blocks", func() bool { return strings.Contains(b.text(), "▀") })
	if b.placed() || len(b.ids(given)) != 0 {
		t.Error("a terminal that has said nothing was given a picture")
	}
	b.answerOK()
	b.until("a picture", b.placed)
	b.send(writtenMsg{}) // an editor had the terminal, which forgot
	b.until("again", func() bool { return len(b.ids(given)) == 2 && b.placed() })
}

func TestPicturesElsewhere(t *testing.T) {
	for _, c := range []struct {
		name    string
		environ []string
		ok      bool // the terminal answers
		placed  bool
		blocks  bool
	}{
		{"a terminal that knows graphics and no placeholders", []string{"TERM=xterm-256color", "COLORTERM=truecolor"}, true, false, true},
		{"tmux that lets nothing pass", []string{"TERM=tmux-256color", "TMUX=/tmp/x", "KITTY_WINDOW_ID=1"}, false, false, true},
		{"tmux in kitty", []string{"TERM=tmux-256color", "TMUX=/tmp/x", "KITTY_WINDOW_ID=1"}, true, true, false},
		{"no colours", []string{"TERM=xterm-kitty", "NO_COLOR=1"}, true, false, false},
	} {
		b := newRobot(t, 80, 30, func(config *Config) { config.Environ = c.environ })
		if c.ok {
			b.answerOK()
		}
		b.withPicture(b.file("photo.png"))
		b.until(c.name, func() bool {
			text := b.text()
			return b.placed() == c.placed && strings.Contains(text, "▀") == c.blocks
		})
		if wrapped := strings.Contains(b.raw, "\x1bPtmux;\x1b\x1b_Gf=100"); (len(given.FindAllString(strings.ReplaceAll(b.raw, "\x1b\x1b", "\x1b"), -1)) == 1) != c.placed || wrapped != c.placed {
			t.Errorf("%s: sent %.200q", c.name, b.raw)
		}
	}
}

// TestLateDrawing: a picture that is drawn when its conversation has been left is not
// given to the terminal.
func TestLateDrawing(t *testing.T) {
	b := newRobot(t, 80, 30, inKitty)
	b.answerOK()
	data := pngOf(t, 40, 40)
	drawn := b.r.painter().thumbnails(map[string][]byte{"h": []byte(data)})
	if drawn["h"].send == "" {
		t.Fatal("nothing is to be sent")
	}
	again := b.r.painter().thumbnails(map[string][]byte{"h": []byte(data)})
	if d := again["h"]; d.send != "" || d.id != drawn["h"].id {
		t.Error("it would be given twice")
	}
	b.r.takeDown()
	if b.r.hang(drawn) != nil || len(b.r.thumbs) != 0 {
		t.Error("it is shown after the conversation was left")
	}
}

// TestShelf: every place has an id of its own that the terminal can tell by colours,
// and there is an end to them.
func TestShelf(t *testing.T) {
	for _, c := range []struct {
		colours   thumb.Colours
		low, high uint32
		most      int
	}{{thumb.Indexed, 16, 255, 239}, {thumb.TrueColour, 1 << 16, 1<<24 - 1, mostHeld}} {
		s, seen := &shelf{}, map[uint32]bool{}
		support := thumb.Support{Way: thumb.ByKitty, Colours: c.colours}
		for i := range c.most {
			k, first, ok := s.claim(place{"h", i + 1, 1}, support)
			if !ok || !first || seen[k.ID] || k.ID < c.low || k.ID > c.high {
				t.Fatalf("%s: place %d: %+v %v %v", c.colours, i, k, first, ok)
			}
			seen[k.ID] = true
		}
		if _, _, ok := s.claim(place{"other", 1, 1}, support); ok {
			t.Errorf("%s: there is no end", c.colours)
		}
		delete(seen, s.held[place{"h", 1, 1}].ID)
		if s.remove(place{"h", 1, 1}) == "" || s.remove(place{"h", 1, 1}) != "" {
			t.Errorf("%s: a place is not removed once", c.colours)
		}
		s.last = c.high - 1 // so that the next ones are where the first was
		if k, first, ok := s.claim(place{"other", 1, 1}, support); !ok || !first || seen[k.ID] {
			t.Errorf("%s: the place is not free", c.colours)
		}
		if got := strings.Count(s.clear(), "\x1b_G"); got != c.most || !s.empty() {
			t.Errorf("%s: %d are deleted, want %d", c.colours, got, c.most)
		}
	}
}

// TestPlacedCells: what the renderer makes of a line of a picture is still that line.
func TestPlacedCells(t *testing.T) {
	k := thumb.Kitty{ID: 0x123456, Cols: 5, Rows: 2}
	for _, line := range k.Lines() {
		screen := uv.NewScreenBuffer(10, 1)
		uv.NewStyledString("ab"+line+"cd").Draw(screen, screen.Bounds())
		var got strings.Builder
		for x := range 10 {
			if cell := screen.CellAt(x, 0); cell != nil {
				got.WriteString(cell.Content)
				if x >= 2 && x < 7 && fmt.Sprint(cell.Style.Fg) != fmt.Sprint(ansi.RGBColor{R: 0x12, G: 0x34, B: 0x56}) && !strings.Contains(fmt.Sprint(cell.Style.Fg), "18 52 86") {
					t.Errorf("cell %d has the colour %v", x, cell.Style.Fg)
				}
			}
		}
		if want := "ab" + ansi.Strip(line) + "cd "; got.String() != want {
			t.Errorf("got %q, want %q", got.String(), want)
		}
	}
}
