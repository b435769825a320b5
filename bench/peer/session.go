package main

import (
	"cmp"
	"fmt"
	"unsafe"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// microBatch is the most tokens llama.cpp computes at once, its own default.
const microBatch = 512

// config is how a model is to be run.
type config struct {
	model   string
	threads int
	context int     // cells of the KV cache
	batch   int     // tokens handed to llama.cpp in one call, 0 for as many as there are
	kv      string  // element type of the KV cache
	flash   bool    // flash attention
	repack  bool    // let the CPU backend rearrange weights for its own kernels
	windows bool    // keep no more of chunked layers than they can see, as llama.cpp's own programs do
	eval    uintptr // callback for every tensor computed, or 0
}

// session is a loaded model with one sequence.
type session struct {
	model  llama.Model
	vocab  llama.Vocab
	ctx    llama.Context
	memory llama.Memory
	nVocab int
	batch  int
	filled int // tokens that rewind has put at the front of the cache
}

// kvTypes are the element types -kv takes.
var kvTypes = map[string]llama.GGMLType{
	"f16": llama.GGMLTypeF16, "f32": llama.GGMLTypeF32, "q8_0": llama.GGMLTypeQ8_0,
}

// loadModel loads the weights and the vocabulary, without a context.
func loadModel(c config) (*session, error) {
	p := llama.ModelDefaultParams()
	if !c.repack {
		p.UseExtraBufts = 0
	}
	model, err := llama.ModelLoadFromFile(c.model, p)
	if err != nil {
		return nil, fmt.Errorf("peer: loading %s: %w", c.model, err)
	}
	if model == 0 {
		return nil, fmt.Errorf("peer: loading %s: llama.cpp refused it, -v shows why", c.model)
	}
	s := &session{model: model, vocab: llama.ModelGetVocab(model)}
	s.nVocab = int(llama.VocabNTokens(s.vocab))
	return s, nil
}

// start gives the session its context.
func (s *session) start(c config) error {
	kv, ok := kvTypes[c.kv]
	if !ok {
		return fmt.Errorf("peer: -kv is %q, want f16, f32 or q8_0", c.kv)
	}
	s.batch = cmp.Or(c.batch, c.context)
	p := llama.ContextDefaultParams()
	p.NCtx, p.NBatch, p.NUbatch = uint32(c.context), uint32(max(s.batch, microBatch)), microBatch
	p.NThreads, p.NThreadsBatch = int32(c.threads), int32(c.threads)
	p.TypeK, p.TypeV = kv, kv
	p.FlashAttentionType = llama.FlashAttentionTypeDisabled
	if c.flash {
		p.FlashAttentionType = llama.FlashAttentionTypeEnabled
	}
	if c.windows {
		p.SwaFull = 0
	}
	p.CbEval = c.eval
	var err error
	if s.ctx, err = llama.InitFromModel(s.model, p); err != nil {
		return fmt.Errorf("peer: starting a context of %d positions with %s KV: %w", c.context, c.kv, err)
	}
	if s.memory, err = llama.GetMemory(s.ctx); err != nil {
		return fmt.Errorf("peer: asking for the KV cache: %w", err)
	}
	return nil
}

// decode appends ids at position at, in batches. When all is set, each is
// called with the logits of every position in order, otherwise with those of
// the last one; each may be nil. A row of logits is valid during the call only.
func (s *session) decode(ids []llama.Token, at int, all bool, each func(logits []float32) error) error {
	for i := 0; i < len(ids); i += s.batch {
		part := ids[i:min(i+s.batch, len(ids))]
		last := i+len(part) == len(ids)
		if err := s.decodeBatch(part, at+i, all, last); err != nil {
			return err
		}
		if each == nil {
			continue
		}
		first := len(part) - 1
		if all {
			first = 0
		} else if !last {
			continue
		}
		for j := first; j < len(part); j++ {
			row, err := llama.GetLogitsIth(s.ctx, int32(j), s.nVocab)
			if err != nil {
				return fmt.Errorf("peer: logits of position %d: %w", at+i+j, err)
			}
			if err := each(row); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *session) decodeBatch(ids []llama.Token, at int, all, last bool) error {
	b := llama.BatchInit(int32(len(ids)), 0, 1)
	defer llama.BatchFree(b)
	for i, id := range ids {
		if err := b.Add(id, llama.Pos(at+i), []llama.SeqId{0}, all || last && i == len(ids)-1); err != nil {
			return fmt.Errorf("peer: adding token %d to a batch: %w", id, err)
		}
	}
	code, err := llama.Decode(s.ctx, b)
	if err == nil && code != 0 {
		err = fmt.Errorf("code %d", code)
	}
	if err != nil {
		return fmt.Errorf("peer: decoding %d tokens at position %d: %w", len(ids), at, err)
	}
	return nil
}

// wait returns when everything that was asked for has been computed.
func (s *session) wait() error { return llama.Synchronize(s.ctx) }

// rewind leaves the tokens before position depth, which are ids. Those that are
// not there, at first or because the cache cannot go back, are decoded.
func (s *session) rewind(depth int, ids []llama.Token) error {
	if s.filled == depth && depth > 0 {
		ok, err := llama.MemorySeqRm(s.memory, 0, llama.Pos(depth), -1)
		if err != nil {
			return fmt.Errorf("peer: going back to position %d: %w", depth, err)
		}
		if ok {
			return nil
		}
	}
	if err := llama.MemoryClear(s.memory, true); err != nil {
		return fmt.Errorf("peer: emptying the KV cache: %w", err)
	}
	s.filled = depth
	if depth > 0 {
		if err := s.decode(ids, 0, false, nil); err != nil {
			return err
		}
	}
	return s.wait()
}

// bytesOf is the memory of float32 values, little-endian on every processor
// these libraries are built for.
func bytesOf(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}
