package plan

import "strings"

// Kernels is how fast a processor computes, all its cores together.
type Kernels struct {
	Types map[string]KernelRate // by weight type, as a model's file names it
	Cache map[KVType]CacheRate
	// Layer is what a layer costs a token beside weights and cache, in seconds, when
	// one token is computed; LayerBatch when many are, for a width of 4096.
	Layer, LayerBatch float64
	// Measured says that the rates are of this machine, with weights in its memory.
	// Otherwise they are what the cores reach that memory does not hold up.
	Measured bool
	Source   string
}

// KernelRate is how fast weights of a type are computed with.
type KernelRate struct {
	Decode       float64 // bytes of weights a second, for one token
	Small, Large float64 // products a second, for smallBatch and prefillBatch tokens together
}

// CacheRate is how fast a cache of a type is attended to.
type CacheRate struct {
	Decode float64 // bytes a second, for one token
	Large  float64 // products a second, for prefillBatch tokens together
}

// smallBatch is the tokens that KernelRate.Small is for.
const smallBatch = 32

// TypeUse is the weights of one type that tokens are multiplied with.
type TypeUse struct {
	Type   string
	Fixed  Amount // in layers, for every token
	Routed Amount // of all routed experts
	Output Amount
}

// Amount is a number of weights and the bytes they take.
type Amount struct{ Bytes, Weights int64 }

// OfType is the facts with all weights of one type, or near it: what is known of a file
// of which only the quantization's name is.
func (f Facts) OfType(name string) Facts {
	var fixed, routed int64
	for _, l := range f.Layers {
		fixed += l.Attention + l.Dense
		routed += l.Experts
	}
	read := fixed + f.routed(routed)
	if read <= 0 || f.Multiplied <= 0 {
		return f
	}
	amount := func(bytes int64) Amount {
		return Amount{bytes, int64(float64(bytes) * float64(f.Multiplied) / float64(read))}
	}
	f.Types = []TypeUse{{Type: name, Fixed: amount(fixed), Routed: amount(routed), Output: amount(f.outputRead())}}
	return f
}

// like is the rate of a type, or of one whose name begins like it, since those are
// unpacked alike: IQ2_S as IQ2_XXS.
func (k *Kernels) like(t string) (KernelRate, bool) {
	if r, ok := k.Types[t]; ok {
		return r, true
	}
	for n := len(t); n >= 2; n-- {
		best := ""
		for name := range k.Types {
			if strings.HasPrefix(name, t[:n]) && (best == "" || name < best) {
				best = name
			}
		}
		if best != "" {
			return k.Types[best], true
		}
	}
	return KernelRate{}, false
}

// decodeRate is the bandwidth that generating with a model gets of memory that gives
// otherwise: each type at its own rate. ok is false if nothing is known of a type.
func (k *Kernels) decodeRate(f Facts, otherwise float64) (rate float64, ok bool) {
	if k == nil || len(f.Types) == 0 {
		return 0, false
	}
	bytes, seconds := 0.0, 0.0
	for _, t := range f.Types {
		n := float64(t.Fixed.Bytes) + float64(f.routed(t.Routed.Bytes)) + float64(t.Output.Bytes)
		rate := otherwise
		if r, ok := k.like(t.Type); ok && r.Decode > 0 {
			rate = r.Decode
			if !k.Measured {
				rate = min(rate, otherwise)
			}
		} else if isSmall(t, f) {
			rate = otherwise // norms and routers
		} else if k.Measured {
			return 0, false
		}
		bytes += n
		seconds += n / rate
	}
	if !(seconds > 0) {
		return 0, false
	}
	return bytes / seconds, true
}

// isSmall says whether so little is of a type that its rate does not matter.
func isSmall(t TypeUse, f Facts) bool {
	return t.Fixed.Bytes+f.routed(t.Routed.Bytes)+t.Output.Bytes < f.PerToken()/20
}

// cacheSeconds is what a token takes longer, or less long, for so many bytes of cache
// than the same bytes of weights do at a rate.
func (k *Kernels) cacheSeconds(bytes float64, t KVType, rate float64) float64 {
	if k == nil || k.Cache[t].Decode <= 0 {
		return 0
	}
	reached := k.Cache[t].Decode
	if !k.Measured {
		reached = min(reached, rate)
	}
	return bytes/reached - bytes/rate
}

// prefillSeconds is what the processor takes for a token of a prompt that is read in
// batches from Depth on, if all of the model is its own; 0 if a type is unknown.
func (k *Kernels) prefillSeconds(f Facts, o Options, rate float64) (seconds float64) {
	if k == nil || len(f.Types) == 0 {
		return 0
	}
	const batch = float64(prefillBatch)
	share, tokens := 0.0, batch
	if f.Experts > 0 {
		share = float64(f.ExpertsUsed) / float64(f.Experts)
		tokens = batch * share
	}
	for _, t := range f.Types {
		r, ok := k.like(t.Type)
		if !ok || r.Large <= 0 || r.Small <= 0 {
			if isSmall(t, f) {
				continue
			}
			return 0
		}
		seconds += float64(t.Fixed.Weights)/r.Large + float64(t.Routed.Weights)*share/r.at(tokens)
		seconds += float64(t.Output.Bytes) / rate / batch // of the last token alone
	}
	for _, l := range f.Layers {
		seconds += k.LayerBatch * float64(f.Width) / 4096
		if r := k.Cache[o.KV].Large; r > 0 {
			seconds += 2 * float64(f.Heads*l.HeadDim) * l.seen(o.Depth, prefillBatch) / r
		}
	}
	return seconds
}

// seen is how many positions a token of a batch sees on average that begins after
// depth others.
func (l Layer) seen(depth, batch int) float64 {
	if l.Chunk > 0 && depth >= l.Chunk {
		return float64(l.Chunk) / 2
	}
	return float64(depth) + float64(batch)/2
}

// at is the products a second for so many tokens together. Weights are unpacked once
// for all of them, which takes a time that does not depend on their number: between
// the two figures, and below, the time of a weight is a straight line of it.
func (r KernelRate) at(tokens float64) float64 {
	if tokens >= prefillBatch {
		return r.Large
	}
	small, large := smallBatch/r.Small, prefillBatch/r.Large // seconds of a weight for all tokens
	perToken := (large - small) / (prefillBatch - smallBatch)
	if tokens >= smallBatch {
		return tokens / (small + perToken*(tokens-smallBatch))
	}
	perToken = max(0, min(perToken, small/smallBatch))
	once := small - smallBatch*perToken
	return tokens / (once + perToken*tokens)
}
