// Package engine runs Llama 4 models from GGUF files. It is the front door: a
// caller imports this package and none below it.
//
//	messages
//	   │ prompt: the file's chat template       text in parts
//	   │ tokenizer                              token ids
//	   ▼
//	Sequence ── kvcache: what is already there, how to cut the rest into batches
//	   │ model: norm, attention, norm, experts  a graph, no arithmetic
//	   │ tensor.Executor on backends (cpu)      weights read where they are mapped
//	   ▼
//	logits ─► sample ─► token ─► tokenizer.Stream ─► Delta          and round again
//
// Two nouns: a Model is shared, immutable weights; a Sequence is one mutable
// timeline on them. A caller always passes the whole conversation, and the
// sequence finds out how much of it the cache already holds, so editing an
// earlier message needs no bookkeeping.
//
// The field's words are used unchanged: token, vocabulary, block (GGUF blk),
// head, KV head, head dimension, RoPE base, RMS norm, gate/up/down, expert,
// router, prefill (reading the prompt), decode (generating), logits, temperature,
// top-k, top-p, min-p, super-block, placement.
package engine
