package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"scout/engine/gguf"
	"scout/engine/internal/cpu"
	"scout/engine/tensor"
	"scout/engine/vision"
)

// Tower is an open vision tower: it turns tiles of pictures into embeddings of a
// language model. Its methods may be called from several goroutines; encodings
// take turns.
//
//	t, err := engine.OpenTower(ctx, "mmproj.gguf", engine.TowerOptions{})
//	embeds, err := t.Encode(ctx, tiles, func(done int) { ... }) // [tiles*t.TokensPerTile(), t.Width()]
//
// It has threads of its own, which sleep between encodings.
type Tower struct {
	file     *gguf.File
	owned    bool // file is closed with the tower
	tower    *vision.Tower
	weights  []*tensor.Weight // in the order of the graph
	threads  int
	backends map[tensor.Device]tensor.Backend
	memory   TowerMemory
	identity func() (string, error)

	mu     sync.Mutex // held while a batch runs
	exec   *tensor.Executor
	caches *tensor.Caches // of no layers
	batch  *tensor.Batch
}

// TowerOptions says how to open a tower. The zero value is a sensible choice.
type TowerOptions struct {
	Threads int // worker threads; 0 means one per usable core
}

// TowerMemory says where the bytes are.
type TowerMemory struct {
	Weights int64 // mapped from the file
	Compute int64 // activations of the tiles that are computed at a time, however many a picture has
}

// tilesAtATime is how many tiles one run computes. The 577 rows of one are enough
// to keep the kernels busy; more would only take more memory, and longer until
// progress is said and a stop is noticed.
const tilesAtATime = 1

// OpenTower maps the tower's file at path: an mmproj file, or a model with a
// tower inside. Nothing of its matrices is read yet.
func OpenTower(ctx context.Context, path string, o TowerOptions) (*Tower, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	return openTower(ctx, f, true, o, nil)
}

// OpenTowerEmbedded is OpenTower for a file that is already in memory; name is
// for messages. The bytes must not change while the tower is open.
func OpenTowerEmbedded(ctx context.Context, name string, data []byte, o TowerOptions) (*Tower, error) {
	f, err := gguf.Parse(name, data)
	if err != nil {
		return nil, err
	}
	return openTower(ctx, f, true, o, nil)
}

// openTower makes the tower in f. If it is owned, f is closed with the tower, and
// here on an error. backends beyond the CPU are closed with it too.
func openTower(ctx context.Context, f *gguf.File, owned bool, o TowerOptions, backends map[tensor.Device]tensor.Backend) (*Tower, error) {
	t := &Tower{file: f, owned: owned, backends: map[tensor.Device]tensor.Backend{}}
	for d, b := range backends {
		t.backends[d] = b
	}
	if err := t.load(ctx, o); err != nil {
		t.Close() // the error that matters is err
		return nil, err
	}
	return t, nil
}

func (t *Tower) load(ctx context.Context, o TowerOptions) error {
	t.threads = o.Threads
	if t.threads <= 0 {
		t.threads = DefaultThreads()
	}
	if t.threads > maxThreads {
		return fmt.Errorf("engine: threads is %d, want at most %d", t.threads, maxThreads)
	}
	if err := t.file.Guard(t.describe); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("engine: opening %s: %w", t.file.Path(), err)
	}
	if t.backends[tensor.CPU] == nil {
		t.backends[tensor.CPU] = cpu.New(t.threads)
	}
	return t.file.Guard(t.compile)
}

// describe reads the header and makes the graph.
func (t *Tower) describe() (err error) {
	if t.tower, t.weights, err = buildTower(t.file); err != nil {
		return fmt.Errorf("engine: opening %s: %w", t.file.Path(), err)
	}
	for _, w := range t.weights {
		t.memory.Weights += int64(len(w.Data))
	}
	t.identity = sync.OnceValues(t.identify)
	return nil
}

func (t *Tower) compile() (err error) {
	if t.exec, err = tensor.NewExecutor(t.tower.Graph, t.backends, t.tower.Limits(tilesAtATime), nil); err != nil {
		return err
	}
	if t.caches, err = t.exec.NewCache(nil); err != nil {
		return err
	}
	t.batch = t.tower.Batch(tilesAtATime)
	t.memory.Compute = 4 * int64(len(t.batch.Embeds))
	if b, ok := t.backends[tensor.CPU].(*cpu.Backend); ok {
		t.memory.Compute += b.ActivationBytes()
	}
	return nil
}

// buildTower binds the file's tensors to the graph of its tower, and lists them in
// the order it asks for them. As with buildModel, a graph that does not fit
// together comes out as an error.
func buildTower(f *gguf.File) (t *vision.Tower, used []*tensor.Weight, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("vision: %v", r)
		}
	}()
	asked := map[string]bool{}
	source := func(name string) (*tensor.Weight, bool) {
		found, ok := f.Tensor(name)
		if !ok {
			return nil, false
		}
		place := fmt.Sprintf("byte %d of %s", found.Offset, found.Path)
		w := &tensor.Weight{Name: found.Name, Type: found.Type, Shape: found.Shape, Data: found.Data, Place: place}
		if !asked[name] {
			asked[name], used = true, append(used, w)
		}
		return w, true
	}
	if t, err = vision.BuildTower(f, source, tensor.CPU); err != nil {
		return nil, nil, err
	}
	for _, found := range f.Tensors() {
		if own := vision.InTower(f, found.Name); own && !asked[found.Name] {
			return nil, nil, &vision.UnsupportedError{What: fmt.Sprintf("tensor %s at byte %d of %s is not part of the %s towers this program knows",
				found.Name, found.Offset, found.Path, t.Projector)}
		}
	}
	return t, used, nil
}

// Config is the tower's hyper-parameters.
func (t *Tower) Config() TowerConfig { return t.tower.TowerConfig }

// TowerConfig is what a header says of a tower.
type TowerConfig = vision.TowerConfig

// Width is the width of an embedding; it must be that of the language model.
func (t *Tower) Width() int { return t.tower.Width }

// TileSize is the number of pixels of a tile's side.
func (t *Tower) TileSize() int { return t.tower.TileSize }

// TokensPerTile is the number of embeddings a tile becomes.
func (t *Tower) TokensPerTile() int { return t.tower.Tokens() }

// Threads is the number of worker threads.
func (t *Tower) Threads() int { return t.threads }

// Memory is what the tower needs.
func (t *Tower) Memory() TowerMemory { return t.memory }

// Encode turns tiles, [3, TileSize, TileSize] each, planar RGB normalised with
// Config's Mean and Std, into embeddings [tiles*TokensPerTile, Width]: tile by
// tile, the tokens of a tile row by row. A tile is read before the next is asked
// for, so that all may share memory. progress, if not nil, is told after each how
// many are done.
//
// When ctx ends, Encode stops within one operation of one layer and returns its
// error; with it and any other come the embeddings of the tiles that were finished.
// The result of a tile depends on no other tile and not on the number of
// threads.
func (t *Tower) Encode(ctx context.Context, tiles iter.Seq[[]float32], progress func(done int)) ([]float32, error) {
	return t.encodeAfter(ctx, nil, tiles, progress)
}

// encodeAfter is Encode for the tiles behind those whose embeddings are in out, to
// which it appends. progress counts those too.
func (t *Tower) encodeAfter(ctx context.Context, out []float32, tiles iter.Seq[[]float32], progress func(done int)) ([]float32, error) {
	begun := len(out) / (t.TokensPerTile() * t.Width())
	done := 0
	for tile := range tiles {
		if done < begun {
			done++
			continue
		}
		if want := 3 * t.tower.TileSize * t.tower.TileSize; len(tile) != want {
			return out, fmt.Errorf("engine: tile %d has %d numbers, want %d, 3 channels of %d x %d pixels",
				done+1, len(tile), want, t.tower.TileSize, t.tower.TileSize)
		}
		more, err := t.encode(ctx, out, tile)
		if err != nil {
			return out, towerStopped(ctx, done+1, err)
		}
		out = more
		done++
		if progress != nil {
			progress(done)
		}
	}
	return out, nil
}

// towerStopped is the error of a tile that was not finished; if ctx ended it, it
// is ctx's error and, where the caller gave one, its cause.
func towerStopped(ctx context.Context, tile int, err error) error {
	if !errors.Is(err, tensor.ErrStopped) {
		return fmt.Errorf("engine: encoding tile %d: %w", tile, err)
	}
	if cause := context.Cause(ctx); cause != nil && cause != ctx.Err() {
		return fmt.Errorf("engine: stopped at tile %d: %w: %w", tile, ctx.Err(), cause)
	}
	return fmt.Errorf("engine: stopped at tile %d: %w", tile, ctx.Err())
}

// encode appends the embeddings of one tile to out.
func (t *Tower) encode(ctx context.Context, out, tile []float32) ([]float32, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.exec == nil {
		return nil, ErrClosed
	}
	if ctx.Err() != nil {
		return nil, tensor.ErrStopped
	}
	t.tower.Unfold(t.batch, 0, tile)
	rows, err := t.exec.Run(t.batch, t.caches, func() bool { return ctx.Err() != nil })
	if err != nil {
		return nil, explain(t.file, err)
	}
	return append(out, rows...), nil
}

// Close frees everything. It waits for a tile that is under way; closing again
// does nothing.
func (t *Tower) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	if t.caches != nil {
		errs = append(errs, t.caches.Close())
		t.caches = nil
	}
	if t.exec != nil {
		errs = append(errs, t.exec.Close())
		t.exec = nil
	}
	for d, b := range t.backends {
		errs = append(errs, b.Close())
		delete(t.backends, d)
	}
	if t.file != nil && t.owned {
		errs = append(errs, t.file.Close())
	}
	t.file = nil
	return errors.Join(errs...)
}
