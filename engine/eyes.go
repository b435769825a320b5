package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"scout/engine/embedcache"
	"scout/engine/picture"
	"scout/engine/vision"
)

// ErrNoTower is returned for a picture given to a model that cannot see.
var ErrNoTower = errors.New("engine: the model cannot see pictures: it has no vision tower inside and was opened without one; give the mmproj file that belongs to it")

// TowerError says that a model cannot be opened with the vision tower that was
// asked for.
type TowerError struct {
	Path string
	Err  error
}

func (e *TowerError) Error() string { return e.Err.Error() }
func (e *TowerError) Unwrap() error { return e.Err }

// ImageError is about a picture of a conversation.
type ImageError struct {
	Name string
	Err  error
}

func (e *ImageError) Error() string { return fmt.Sprintf("engine: looking at %s: %v", e.Name, e.Err) }
func (e *ImageError) Unwrap() error { return e.Err }

// The defaults of EmbedCache. A picture of Llama 4 Scout takes up to 50 MB.
const (
	defaultEmbedDisk   = 2 << 30
	defaultEmbedMemory = 128 << 20
)

// placeholders is what the templates of a family write where a picture stands.
var placeholders = map[string]string{"llama4": "<|image|>"}

// eyes is what a model sees pictures with.
type eyes struct {
	tower       *Tower
	processor   vision.Processor
	identity    string // of the tower
	placeholder string
	markers     map[string]int32 // ids of the special tokens of layouts
	cache       *embedcache.Cache

	mu    sync.Mutex
	bases map[embedcache.Key]int32 // see number
	next  int32
}

// openEyes opens the tower that the options name, or the one in the model's own
// file. A model whose own tower is of no use runs without it, with a warning.
func (m *Model) openEyes(ctx context.Context, o Options) error {
	inside := false
	err := m.file.Guard(func() error {
		inside = vision.HasTower(m.file)
		return nil
	})
	switch {
	case err != nil:
		return err
	case o.TowerData != nil || o.Tower != "":
		t, err := openTowerOf(ctx, o)
		if err == nil {
			err = m.lookWith(t, o)
		}
		if err != nil {
			return &TowerError{o.Tower, err}
		}
	case inside:
		t, err := openTower(ctx, m.file, false, TowerOptions{Threads: o.Threads}, nil)
		if err == nil {
			err = m.lookWith(t, o)
		}
		if ctx.Err() != nil {
			return err
		}
		if err != nil {
			m.info.Warnings = append(m.info.Warnings, fmt.Sprintf("the vision tower inside cannot be used, so there are no pictures: %v", err))
		}
	}
	return nil
}

func openTowerOf(ctx context.Context, o Options) (*Tower, error) {
	if o.TowerData != nil {
		return OpenTowerEmbedded(ctx, o.Tower, o.TowerData, TowerOptions{Threads: o.Threads})
	}
	return OpenTower(ctx, o.Tower, TowerOptions{Threads: o.Threads})
}

// lookWith makes t the model's tower if they belong together, and closes it if not.
func (m *Model) lookWith(t *Tower, o Options) error {
	e, err := m.newEyes(t, o)
	if err != nil {
		t.Close() // the error that matters is err
		return err
	}
	m.eyes = e
	return nil
}

func (m *Model) newEyes(t *Tower, o Options) (*eyes, error) {
	path := t.file.Path()
	if t.Width() != m.info.Width {
		return nil, fmt.Errorf("engine: the vision tower in %s makes embeddings of width %d, the model in %s takes %d: they do not belong together",
			path, t.Width(), m.file.Path(), m.info.Width)
	}
	p, err := vision.NewProcessor(t.Config(), o.MostTiles)
	if err != nil {
		return nil, fmt.Errorf("engine: opening %s: %w", path, err)
	}
	e := &eyes{tower: t, processor: p, placeholder: placeholders[p.Family()], markers: map[string]int32{}, bases: map[embedcache.Key]int32{}}
	if e.identity, err = t.Identity(); err != nil {
		return nil, err
	}
	// The layout of several tiles has every kind of marker in it.
	most := p.MostTiles() * t.TileSize()
	for _, piece := range append(p.Layout(p.Plan(most, t.TileSize())), p.Layout(p.Plan(t.TileSize(), 2*t.TileSize()))...) {
		if piece.Token == "" {
			continue
		}
		id, ok := m.tok.ID(piece.Token)
		if !ok || int(id) >= m.model.Config.Vocabulary {
			return nil, fmt.Errorf("engine: the vocabulary of %s has no token %s, which stands beside pictures for the tower in %s: they do not belong together",
				m.file.Path(), piece.Token, path)
		}
		e.markers[piece.Token] = id
	}
	disk, memory := o.Embeds.DiskBytes, o.Embeds.MemoryBytes
	if disk == 0 {
		disk = defaultEmbedDisk
	}
	if memory == 0 {
		memory = defaultEmbedMemory
	}
	e.cache = embedcache.New(o.Embeds.Dir, disk, max(memory, 0))
	return e, nil
}

// mostNumbered is how many pictures have numbers at a time.
const mostNumbered = 1 << 16

// number is the number of a picture's first embedding, of n: the same whenever the
// same picture comes again, and no other picture's. So a sequence sees by the ids of
// embeddings which pictures it holds. When there are too many pictures all get new
// numbers, which only costs time.
func (e *eyes) number(k embedcache.Key, n int) (int32, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if base, ok := e.bases[k]; ok {
		return base, nil
	}
	if int64(e.next)+int64(n) > math.MaxInt32 {
		return 0, fmt.Errorf("engine: this model has seen too many pictures; open it again")
	}
	if len(e.bases) >= mostNumbered {
		clear(e.bases)
	}
	base := e.next
	e.bases[k] = base
	e.next += int32(n)
	return base, nil
}

// ImagePlan is what becomes of a picture.
type ImagePlan struct {
	Name   string // of the Image
	Format string // "PNG"
	Plan
	Notes []string // what else was done to it, a phrase each: "transparent parts put on white"
}

// Plan is sizes, tiles and tokens of a picture.
type Plan = vision.Plan

// Price says what becomes of the picture in a file with these bytes and how many
// positions it takes, from its header alone: nothing is decoded or run. Notes lack
// what depends on pixels.
func (m *Model) Price(image []byte) (ImagePlan, error) {
	if m.eyes == nil {
		return ImagePlan{}, ErrNoTower
	}
	info, notes, err := picture.Check(image, picture.Limits{})
	if err != nil {
		return ImagePlan{}, err
	}
	return ImagePlan{Format: info.Format, Plan: m.eyes.processor.Plan(info.Width, info.Height), Notes: notes}, nil
}

// SniffImage tells the format of a picture by its content; ok is whether it can be
// read. Of a file that is no picture the format may be the name of what it is.
func SniffImage(data []byte) (format string, ok bool) { return picture.Sniff(data) }

// NewImage is a picture whose file has these bytes, if it looks like one that can be
// read: its header is checked and held against limits, so that bytes which are no
// picture, or one beyond all bounds, are refused before a model is opened.
func NewImage(name string, data []byte) (*Image, error) {
	if _, _, err := picture.Check(data, picture.Limits{}); err != nil {
		return nil, &ImageError{name, err}
	}
	return &Image{Name: name, Data: data}, nil
}

// ReadImage is NewImage for the file at path.
func ReadImage(path string) (*Image, error) {
	data, err := picture.ReadFile(path, picture.Limits{})
	if err != nil {
		return nil, err
	}
	return NewImage(path, data)
}

// look is the embeddings of a picture: those of an earlier time, or the tower's work,
// which goes on behind the tiles that an earlier look had finished when it was
// stopped: a tile takes seconds. progress is told how many of its tiles are done, if
// it has work to do. notes are nil if the picture was not decoded.
func (e *eyes) look(ctx context.Context, p *placed, progress func(done int)) (embeds []float32, notes []string, err error) {
	want := p.patches * e.tower.Width()
	if embeds, ok := e.cache.Get(p.key); ok && len(embeds) == want {
		return embeds, nil, nil
	}
	begun := e.begun(p, want)
	progress(len(begun) / (e.tower.TokensPerTile() * e.tower.Width()))
	pic, err := picture.Decode(p.image.Data, picture.Limits{})
	if err != nil {
		return nil, nil, &ImageError{p.plan.Name, err}
	}
	tiles, err := e.processor.Tiles(pic, p.plan.Plan)
	if err != nil {
		return nil, nil, &ImageError{p.plan.Name, err}
	}
	if embeds, err = e.tower.encodeAfter(ctx, begun, tiles, progress); err != nil {
		if len(embeds) > len(begun) {
			e.cache.Put(unfinished(p.key), embeds)
		}
		return nil, nil, err
	}
	if len(embeds) != want {
		return nil, nil, fmt.Errorf("engine: %s became %d numbers, want %d", p.plan.Name, len(embeds), want)
	}
	e.cache.Put(p.key, embeds)
	return embeds, pic.Notes, nil
}

// begun is a copy of the embeddings of the first tiles of a picture of want numbers,
// those that a look which was stopped has left.
func (e *eyes) begun(p *placed, want int) []float32 {
	embeds, ok := e.cache.Get(unfinished(p.key))
	if tile := e.tower.TokensPerTile() * e.tower.Width(); !ok || len(embeds) >= want || len(embeds)%tile != 0 {
		return nil
	}
	return append(make([]float32, 0, want), embeds...)
}

// unfinished is the key of a picture's first tiles. It is that of no whole picture,
// since no family has a name like that.
func unfinished(k embedcache.Key) embedcache.Key {
	k.Family += ", unfinished"
	return k
}
