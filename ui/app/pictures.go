package app

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	_ "image/gif"  // pictures of GIF,
	_ "image/jpeg" // JPEG
	_ "image/png"  // and PNG files
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	tea "charm.land/bubbletea/v2"
	_ "golang.org/x/image/bmp"  // BMP,
	_ "golang.org/x/image/tiff" // TIFF
	_ "golang.org/x/image/webp" // and WebP files

	"scout/ui/thumb"
)

// Thumbnails are this large, and pictures are drawn of up to this many pixels.
const (
	thumbCols, thumbRows = 32, 8
	mostPicturePixels    = 64 << 20
)

// place is a picture in a size: what the terminal is given once.
type place struct {
	hash       string
	cols, rows int
}

// sight is a picture as lines of the screen.
type sight struct {
	lines []string
	place place  // where the terminal draws it itself; zero: the lines are all there is
	id    uint32 // of it in the terminal
	send  string // what the terminal is to be given before
}

// shelf is the pictures that the terminal has been given, or is about to be. Several
// goroutines use it.
type shelf struct {
	mu   sync.Mutex
	held map[place]thumb.Kitty
	last uint32 // the id that was given last
}

// mostHeld is how many pictures are held in terminals with as many ids.
const mostHeld = 500

// claim is a picture's place in the terminal. first is that it has to be given to it;
// ok is false if there is no place left.
func (s *shelf) claim(p place, support thumb.Support) (k thumb.Kitty, first, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, ok = s.held[p]; ok {
		return k, false, true
	}
	// Where there are 256 colours those from 16 on are ids; else any colour is, of which
	// the first is by chance, since other programs give pictures too.
	low, high := uint32(16), uint32(255)
	if support.Colours == thumb.TrueColour {
		low, high = 1<<16, 1<<24-1
	}
	if len(s.held) >= min(mostHeld, int(high-low)) {
		return thumb.Kitty{}, false, false
	}
	if s.last < low || s.last > high {
		s.last = low + rand.Uint32N(high-low)
	}
	for next := true; next; next = s.holds(s.last) {
		if s.last++; s.last > high {
			s.last = low
		}
	}
	k = thumb.Kitty{ID: s.last, Cols: p.cols, Rows: p.rows, Tmux: support.Tmux}
	if s.held == nil {
		s.held = map[place]thumb.Kitty{}
	}
	s.held[p] = k
	return k, true, true
}

// holds is whether an id is in use. The lock is held.
func (s *shelf) holds(id uint32) bool {
	for _, k := range s.held {
		if k.ID == id {
			return true
		}
	}
	return false
}

// has is whether a sight is still what its place holds.
func (s *shelf) has(d sight) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.held[d.place]
	return ok && k.ID == d.id
}

// remove gives a place up. The terminal is to be sent what is returned.
func (s *shelf) remove(p place) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.held[p]
	delete(s.held, p)
	if !ok {
		return ""
	}
	return k.Delete()
}

// clear gives all places up. The terminal is to be sent what is returned.
func (s *shelf) clear() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, p := range slices.SortedFunc(maps.Keys(s.held), func(a, b place) int { return int(s.held[a].ID) - int(s.held[b].ID) }) {
		b.WriteString(s.held[p].Delete())
	}
	clear(s.held)
	return b.String()
}

// painter draws pictures. It may be used in the background.
type painter struct {
	support    thumb.Support
	cell       image.Point
	background color.Color
	shelf      *shelf
}

// slowCell is how many pixels a cell is given of a picture that has to go through a
// network: half as many as usual a side.
var slowCell = image.Pt(5, 10)

// painter is how pictures are drawn now.
func (r *root) painter() painter {
	p := painter{r.terminal.support, r.terminal.cell, r.theme.Background, r.shelf}
	if r.config.Drop.Remote {
		p.cell = slowCell
	}
	return p
}

// errNoSight is that a terminal shows no pictures.
var errNoSight = errors.New("this terminal shows too few colours for pictures")

// draw draws a picture as large as it can be in cols x rows cells, but no larger than
// its pixels are worth.
func (p painter) draw(hash string, data []byte, cols, rows int) (sight, error) {
	if p.support.Way == thumb.None {
		return sight{}, errNoSight
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return sight{}, err
	}
	if config.Width*config.Height > mostPicturePixels {
		return sight{}, errors.New("it has too many pixels to be drawn")
	}
	if p.support.Way == thumb.ByKitty {
		if d, ok := p.place(hash, data, config, cols, rows); ok {
			return d, nil
		}
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return sight{}, err
	}
	return sight{lines: thumb.HalfBlocks(img, cols, rows, p.support.Colours, p.background)}, nil
}

// place lets the terminal draw a picture. It is decoded only if the terminal does not
// have it in this size yet.
func (p painter) place(hash string, data []byte, config image.Config, cols, rows int) (sight, bool) {
	cols, rows = thumb.Fit(config.Width, config.Height, min(cols, config.Width, thumb.MostKitty), min(rows, (config.Height+1)/2, thumb.MostKitty))
	d := sight{place: place{hash, cols, rows}}
	k, first, ok := p.shelf.claim(d.place, p.support)
	if !ok {
		return sight{}, false
	}
	d.id, d.lines = k.ID, k.Lines()
	if !first {
		return d, true
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err == nil {
		d.send, err = k.Transmit(img, p.cell)
	}
	if err != nil || len(d.lines) == 0 {
		p.shelf.remove(d.place) // which the terminal has never seen
		return sight{}, false
	}
	return d, true
}

// thumbnails draws pictures small, those that can be: data by hash.
func (p painter) thumbnails(pictures map[string][]byte) map[string]sight {
	drawn := map[string]sight{}
	for hash, data := range pictures {
		if d, err := p.draw(hash, data, thumbCols, thumbRows); err == nil && d.lines != nil {
			drawn[hash] = d
		}
	}
	return drawn
}

// hang takes thumbnails. Those of a conversation that was left meanwhile are not given
// to the terminal.
func (r *root) hang(drawn map[string]sight) tea.Cmd {
	var send strings.Builder
	for _, hash := range slices.Sorted(maps.Keys(drawn)) {
		d := drawn[hash]
		if d.id != 0 && !r.shelf.has(d) {
			continue
		}
		send.WriteString(d.send)
		d.send = ""
		r.thumbs[hash] = d
	}
	if len(drawn) > 0 {
		r.transcript.restyle()
	}
	return raw(send.String())
}

// raw sends the terminal a sequence.
func raw(sequence string) tea.Cmd {
	if sequence == "" {
		return nil
	}
	return tea.Raw(sequence)
}

// takeDown takes all pictures from the terminal.
func (r *root) takeDown() tea.Cmd {
	maps.DeleteFunc(r.thumbs, func(_ string, d sight) bool { return d.id != 0 })
	r.large = nil
	return raw(r.shelf.clear())
}

// redraw draws all pictures anew: the terminal has forgotten them, or can show them in
// another way.
func (r *root) redraw() tea.Cmd {
	remove := r.takeDown()
	clear(r.thumbs)
	if v := r.viewing(); v != nil {
		v.asked = place{}
	}
	return tea.Batch(remove, r.drawThumbs(), r.drawChips(r.chips))
}

// drawChips draws the pictures of chips that are not drawn yet, in the background.
func (r *root) drawChips(chips []chip) tea.Cmd {
	missing := map[string][]byte{}
	for _, c := range chips {
		if _, drawn := r.thumbs[c.hash]; c.file.Image && !drawn {
			missing[c.hash] = c.file.Data
		}
	}
	if len(missing) == 0 {
		return nil
	}
	painter := r.painter()
	return func() tea.Msg { return thumbsMsg(painter.thumbnails(missing)) }
}

// drawSent draws the pictures of a message that was sent, and keeps those that no store
// has.
func (r *root) drawSent(chips []chip) tea.Cmd {
	for _, c := range chips {
		if r.store == nil && c.file.Image {
			r.unsaved[c.hash] = c.file.Data
		}
	}
	return r.drawChips(chips)
}

// fetcher gets the bytes of a message's files, in the background.
func (r *root) fetcher() func(hash string) ([]byte, error) {
	store, unsaved := r.store, maps.Clone(r.unsaved)
	return func(hash string) ([]byte, error) {
		if data, ok := unsaved[hash]; ok {
			return data, nil
		}
		if store == nil {
			return nil, errors.New("it is not kept")
		}
		return store.Attachment(hash)
	}
}

// parting is that the terminal is to be told to forget its pictures, while it still
// shows the screen that they are on, and that the app ends then.
type partingMsg struct{}

// part has the app end by way of partingMsg if the terminal holds pictures of it.
func (r *root) part(_ tea.Model, msg tea.Msg) tea.Msg {
	if _, ends := msg.(tea.QuitMsg); ends && !r.shelf.empty() {
		return partingMsg{}
	}
	return msg
}

// empty is whether the terminal holds no pictures.
func (s *shelf) empty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.held) == 0
}
