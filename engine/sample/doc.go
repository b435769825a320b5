// Package sample turns logits into the next token: penalties, truncation
// (top-k, top-p, min-p), temperature and a seeded draw.
//
//	logits ─► penalties ─► top-k ─► top-p ─► min-p ─► temperature ─► draw
//
// The order is that of llama.cpp and the programs built on it, which is where
// people who load GGUF files bring their settings from: the truncations look
// at the model's own distribution, and temperature only reshapes what they
// left. A high temperature then cannot bring back a tail that top-p had cut.
// Hugging Face transformers and vLLM apply temperature before top-p and min-p,
// which for temperatures below 1 cuts a little more and above 1 a little less.
//
// The same parameters, logits and accepted tokens give the same token on every
// platform. Three things make that true: the generator is PCG from
// math/rand/v2, whose stream is fixed; the exponential is our own, since
// math.Exp is assembly on some platforms and not on others; and no product is
// left for the compiler to fuse into an addition, which it may do on arm64.
//
// Nothing sorts the vocabulary. Top-k and top-p find the lowest logit that
// stays by a radix selection over the bits of the logits, which is linear.
package sample
