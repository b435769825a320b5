package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"scout/engine/gguf"
	"scout/engine/internal/cpu"
	"scout/engine/internal/gpu"
	"scout/engine/model"
	"scout/engine/prompt"
	"scout/engine/tensor"
	"scout/engine/tokenizer"
)

// What one run may compute. Larger batches gain nothing on a CPU; the outputs
// bound the memory for logits (202,048 floats a row for Llama 4).
const (
	batchTokens  = 512
	batchOutputs = 64
)

// maxThreads is more than any machine has cores. Workers beyond the cores only
// wait for one another.
const maxThreads = 1024

// Model is an open model: weights, tokenizer and template, shared by any number
// of sequences. Its methods may be called from several goroutines; runs of
// different sequences take turns.
type Model struct {
	info     Info
	file     *gguf.File
	model    *model.Model
	tok      *tokenizer.Tokenizer
	template *prompt.Template
	backends map[tensor.Device]tensor.Backend
	threads  int
	context  int
	kv       tensor.KVType
	onRouted func(Routed)
	onAnswer func(Stats)
	eyes     *eyes // nil: it cannot see
	compute  int64 // see Memory

	mu   sync.Mutex // held while the executor runs
	exec *tensor.Executor

	placed sync.Mutex    // held for a moment: where the model lies, which changes when a GPU is lost
	gpus   []gpu.Backend // of backends, those that Options asked for
	away   int64         // bytes of tensors that are on them and not needed here
	lost   error         // see Lost
}

// Open maps the file at path (any part of a split set) and prepares to run it.
// Nothing of the weights is read or copied yet beyond norms, biases and RoPE factors.
func Open(ctx context.Context, path string, o Options) (*Model, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	return open(ctx, f, o, nil)
}

// OpenEmbedded is Open for a file that is already in memory; name is for
// messages. The bytes must not change while the model is open.
func OpenEmbedded(ctx context.Context, name string, data []byte, o Options) (*Model, error) {
	f, err := gguf.Parse(name, data)
	if err != nil {
		return nil, err
	}
	return open(ctx, f, o, nil)
}

// open takes ownership of f. backends beyond the CPU are for placements that
// name them; the model closes them too.
func open(ctx context.Context, f *gguf.File, o Options, backends map[tensor.Device]tensor.Backend) (*Model, error) {
	m := &Model{file: f, backends: map[tensor.Device]tensor.Backend{}}
	for d, b := range backends {
		m.backends[d] = b
	}
	if err := m.load(ctx, o); err != nil {
		m.Close() // the error that matters is err
		return nil, err
	}
	return m, nil
}

// DefaultThreads is the number of worker threads where Options do not say it: one
// for each core that this process may use.
func DefaultThreads() int { return cpu.DefaultThreads() }

func (m *Model) load(ctx context.Context, o Options) error {
	if err := m.file.Guard(func() error { return m.describe(o) }); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("engine: opening %s: %w", m.file.Path(), err)
	}
	m.threads, m.onRouted, m.onAnswer = o.Threads, o.Routed, o.Answered
	if m.threads <= 0 {
		m.threads = DefaultThreads()
	}
	if m.threads > maxThreads {
		return fmt.Errorf("engine: threads is %d, want at most %d", m.threads, maxThreads)
	}
	if m.backends[tensor.CPU] == nil {
		m.backends[tensor.CPU] = cpu.New(m.threads)
	}
	if err := m.openGPUs(o); err != nil {
		return err
	}
	if err := m.compile(); err != nil {
		return err
	}
	return m.openEyes(ctx, o)
}

// compile prepares the graph.
func (m *Model) compile() error {
	return m.file.Guard(func() error {
		var err error
		limits := tensor.Limits{Tokens: batchTokens, Outputs: batchOutputs}
		m.exec, err = tensor.NewExecutor(m.model.Graph, m.backends, limits, m.keptValues())
		if b, ok := m.backends[tensor.CPU].(*cpu.Backend); ok {
			logits := 4 * int64(m.model.Config.Vocabulary) // of a sequence
			n := b.ActivationBytes() + b.WorkspaceBytes(m.cacheSpec(), tensor.CPU) + logits
			m.placed.Lock()
			m.compute = n
			m.placed.Unlock()
		}
		return err
	})
}

// describe reads everything but the weights: header, graph, tokenizer, template.
func (m *Model) describe(o Options) error {
	var err error
	if m.info, err = inspect(m.file); err != nil {
		return err
	}
	placement := o.Placement
	if placement == nil {
		placement = o.Split.Placement(m.info)
	}
	if m.model, err = buildModel(m.file, placement); err != nil {
		return fmt.Errorf("engine: opening %s: %w", m.file.Path(), err)
	}
	if m.tok, err = newTokenizer(m.file); err != nil {
		return fmt.Errorf("engine: opening %s: %w", m.file.Path(), err)
	}
	if n := m.model.Config.Vocabulary; m.tok.Len() > n {
		return fmt.Errorf("engine: opening %s: the tokenizer has %d tokens, the model has room for %d", m.file.Path(), m.tok.Len(), n)
	}
	m.template = m.chooseTemplate()
	if err := m.chooseKV(o.KV); err != nil {
		return err
	}
	m.context = o.Context
	if m.context <= 0 {
		m.context = min(DefaultContext, m.model.Config.ContextLength)
	}
	if m.context > math.MaxInt32 {
		return fmt.Errorf("engine: context is %d, want at most %d", m.context, math.MaxInt32)
	}
	return nil
}

// chooseKV sets the element type of caches to the one of that name, f16 if it is
// empty. Blocks of 32 must fit the model's heads.
func (m *Model) chooseKV(name string) error {
	switch name {
	case "", "f16":
		m.kv = tensor.KVF16
	case "f32":
		m.kv = tensor.KVF32
	case "q8_0":
		m.kv = tensor.KVQ8_0
	case "q4_0":
		m.kv = tensor.KVQ4_0
	default:
		return fmt.Errorf("engine: cache type is %q, want f16, f32, q8_0 or q4_0", name)
	}
	for i, l := range m.model.Cache {
		if l.HeadDim%m.kv.Block() != 0 {
			return fmt.Errorf("engine: opening %s: layer %d: a %v cache takes heads of a multiple of %d elements, got %d; f16 takes any",
				m.file.Path(), i, m.kv, m.kv.Block(), l.HeadDim)
		}
	}
	return nil
}

// buildModel binds the file's tensors to the graph of its architecture. A graph
// that does not fit together is a bug of the architecture's code; it comes out as
// an error all the same, since the file may have caused it.
func buildModel(f *gguf.File, p *Placement) (m *model.Model, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("model: %v", r)
		}
	}()
	asked := map[string]bool{}
	source := func(name string) (*tensor.Weight, bool) {
		asked[name] = true
		t, ok := f.Tensor(name)
		if !ok {
			return nil, false
		}
		place := fmt.Sprintf("byte %d of %s", t.Offset, t.Path)
		return &tensor.Weight{Name: t.Name, Type: t.Type, Shape: t.Shape, Data: t.Data, Place: place}, true
	}
	if m, err = model.Build(metadata{f}, source, p); err != nil {
		return nil, err
	}
	for _, t := range f.Tensors() {
		if !asked[t.Name] && componentOf(t.Name) != "vision" {
			return nil, &model.UnsupportedError{What: fmt.Sprintf("tensor %s at byte %d of %s is not part of the %s models this program knows", t.Name, t.Offset, t.Path, m.Config.Architecture)}
		}
	}
	return m, nil
}

// Info describes the model.
func (m *Model) Info() Info { return m.info }

// Context is the number of positions a sequence has room for.
func (m *Model) Context() int { return m.context }

// Threads is the number of worker threads.
func (m *Model) Threads() int { return m.threads }

// Memory says what is needed of RAM; for GPUs see Devices.
type Memory struct {
	Weights int64 // mapped from the files, without what was brought to GPUs
	KV      int64 // the cache of one sequence at full context
	// Compute is everything that batches need: activations, attention's workspace,
	// logits, and those of a tile if the model can see. The program itself, its tables for tokens and what a batch makes by the
	// way come on top, together less than 32 MiB. Logits that nobody asks for are
	// counted and cost nothing.
	Compute int64
}

// Memory is what the model needs.
func (m *Model) Memory() Memory {
	m.placed.Lock()
	mem, alone := Memory{Weights: m.info.Bytes - m.away, Compute: m.compute}, len(m.gpus) == 0
	m.placed.Unlock()
	if m.eyes != nil {
		tower := m.eyes.tower.Memory()
		mem.Compute += tower.Compute
		if m.eyes.tower.owned {
			mem.Weights += tower.Weights
		}
	}
	for _, l := range m.cacheSpec() {
		if l.Device == tensor.CPU || alone {
			mem.KV += l.Bytes()
		}
	}
	return mem
}

// Tokenize is the token ids of text, without a begin-of-text token. Special
// tokens in it become themselves only when special is true.
func (m *Model) Tokenize(text string, special bool) []int32 {
	return m.tok.Encode([]string{text}, special)
}

// BOS is the token that begins every text, and whether the model wants it there.
func (m *Model) BOS() (id int32, want bool) {
	id, ok := m.tok.BOS()
	return id, ok && m.tok.AddBOS()
}

// Piece is the text of a token as the vocabulary has it, special tokens
// included. It need not be whole runes.
func (m *Model) Piece(id int32) string { return string(m.tok.AppendPiece(nil, id, true)) }

// Close frees everything. Sequences of the model return ErrClosed afterwards.
// It waits for a run that is under way; closing again does nothing.
func (m *Model) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var errs []error
	if m.eyes != nil { // it may read the same file
		errs = append(errs, m.eyes.tower.Close())
	}
	if m.exec != nil {
		errs = append(errs, m.exec.Close())
		m.exec = nil
	}
	for d, b := range m.backends {
		errs = append(errs, b.Close())
		delete(m.backends, d)
	}
	if m.file != nil {
		errs = append(errs, m.file.Close())
		m.file = nil
	}
	return errors.Join(errs...)
}
