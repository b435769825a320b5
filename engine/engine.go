package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"

	"scout/engine/gguf"
	"scout/engine/internal/cpu"
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

	mu   sync.Mutex // held while the executor runs
	exec *tensor.Executor
}

// Open maps the file at path (any part of a split set) and prepares to run it.
// Nothing of the weights is read or copied yet beyond norms and router tables.
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

func (m *Model) load(ctx context.Context, o Options) error {
	if err := m.file.Guard(func() error { return m.describe(o) }); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("engine: opening %s: %w", m.file.Path(), err)
	}
	m.threads = o.Threads
	if m.threads <= 0 {
		m.threads = runtime.GOMAXPROCS(0)
	}
	if m.backends[tensor.CPU] == nil {
		m.backends[tensor.CPU] = cpu.New(m.threads)
	}
	return m.file.Guard(func() error {
		var err error
		limits := tensor.Limits{Tokens: batchTokens, Outputs: batchOutputs}
		m.exec, err = tensor.NewExecutor(m.model.Graph, m.backends, limits, nil)
		return err
	})
}

// describe reads everything but the weights: header, graph, tokenizer, template.
func (m *Model) describe(o Options) error {
	var err error
	if m.info, err = inspect(m.file); err != nil {
		return err
	}
	if m.model, err = buildModel(m.file, o.Placement); err != nil {
		return fmt.Errorf("engine: opening %s: %w", m.file.Path(), err)
	}
	if m.tok, err = newTokenizer(m.file); err != nil {
		return fmt.Errorf("engine: opening %s: %w", m.file.Path(), err)
	}
	if n := m.model.Config.Vocabulary; m.tok.Len() > n {
		return fmt.Errorf("engine: opening %s: the tokenizer has %d tokens, the model has room for %d", m.file.Path(), m.tok.Len(), n)
	}
	m.template = m.chooseTemplate()
	if m.kv, err = kvType(o.KV); err != nil {
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

func kvType(name string) (tensor.KVType, error) {
	switch name {
	case "", "f16":
		return tensor.KVF16, nil
	case "f32":
		return tensor.KVF32, nil
	}
	return 0, fmt.Errorf("engine: cache type is %q, want f16 or f32", name)
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
	source := func(name string) (*tensor.Weight, bool) {
		t, ok := f.Tensor(name)
		if !ok {
			return nil, false
		}
		place := fmt.Sprintf("byte %d of %s", t.Offset, t.Path)
		return &tensor.Weight{Name: t.Name, Type: t.Type, Shape: t.Shape, Data: t.Data, Place: place}, true
	}
	return model.Build(metadata{f}, source, p)
}

// Info describes the model.
func (m *Model) Info() Info { return m.info }

// Context is the number of positions a sequence has room for.
func (m *Model) Context() int { return m.context }

// Threads is the number of worker threads.
func (m *Model) Threads() int { return m.threads }

// Memory says where the bytes are.
type Memory struct {
	Weights int64 // mapped from the file
	KV      int64 // the cache of one sequence at full context
	Compute int64 // activations of one batch
}

// Memory is what the model needs.
func (m *Model) Memory() Memory {
	mem := Memory{Weights: m.info.Bytes}
	for _, l := range m.cacheSpec() {
		mem.KV += l.Bytes()
	}
	if b, ok := m.backends[tensor.CPU].(*cpu.Backend); ok {
		mem.Compute = b.ActivationBytes()
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
