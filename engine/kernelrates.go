package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"scout/engine/internal/cpu"
	"scout/engine/quant"
	"scout/engine/tensor"
)

// KernelRate is how fast this machine computes with weights of a type, in whole
// feed-forward networks, with everything that belongs to them.
type KernelRate struct {
	Type   string
	Decode float64 // bytes of weights a second, for one token
	// Small and Large are products (a multiplication and an addition) a second when so
	// many tokens are computed together.
	Small, Large float64
}

// The tokens that Small and Large of a KernelRate are for: what an expert of sixteen
// sees of a batch, and a batch.
const (
	SmallBatch = batchTokens / 16
	LargeBatch = batchTokens
)

// AttentionRate is how fast it attends to a cache.
type AttentionRate struct {
	KV     string
	Decode float64 // bytes of keys and values a second, for one token
	Large  float64 // products a second, for a batch of LargeBatch
}

// KernelBytes is the memory that measuring takes: more than caches hold.
const KernelBytes = 640 << 20

// kernelBench is a processor to measure, with the shapes of what is measured.
type kernelBench struct {
	b                *cpu.Backend
	width, ff, depth int
	layers           int // that only attend, or cost nothing but overhead
}

const rateHeads, rateKV, rateHead = 32, 8, 128 // of attention

// newKernelBench measures about what a layer of Llama 4 Scout is.
func newKernelBench(threads int) kernelBench {
	return kernelBench{b: cpu.New(threads), width: 4096, ff: 4096, depth: 4096, layers: 8}
}

// MeasureKernels measures the types of that name, each for some tenths of a second,
// with so many threads and weights of about so many bytes; none, with bytes of 0,
// means KernelBytes. It calls each with what was measured. Types that the engine does
// not compute with are passed over.
func MeasureKernels(ctx context.Context, threads int, bytes int, types []string, each func(KernelRate)) error {
	if bytes == 0 {
		bytes = KernelBytes
	}
	k := newKernelBench(threads)
	defer k.b.Close()
	return k.kernels(ctx, bytes, types, each)
}

func (k kernelBench) kernels(ctx context.Context, bytes int, types []string, each func(KernelRate)) error {
	var chosen []quant.Type
	for _, t := range quant.Types() {
		if slices.Contains(types, t.String()) && k.b.Supports(tensor.MatMul{W: &tensor.Weight{Type: t, Shape: []int{256, 256}}}) == nil {
			chosen = append(chosen, t)
			bytes = max(bytes, k.layerBytes(t))
		}
	}
	memory, release, err := smallPages(bytes)
	if err != nil {
		return fmt.Errorf("engine: measuring kernels: no memory of %d MiB: %w", bytes>>20, err)
	}
	defer release()
	fillWeights(memory)
	for _, t := range chosen {
		r, err := k.kernel(ctx, t, memory)
		if err != nil {
			return fmt.Errorf("engine: measuring kernels of %v: %w", t, err)
		}
		each(r)
	}
	return nil
}

// layerBytes is the weights of one of the networks that are measured.
func (k kernelBench) layerBytes(t quant.Type) int {
	return 2*k.ff*t.RowBytes(k.width) + k.width*t.RowBytes(k.ff)
}

// fillWeights makes bytes that are finite weights in every format: no scale of half
// precision has an exponent above that of one.
func fillWeights(b []byte) {
	rng := rand.New(rand.NewPCG(4, 109))
	for i := 0; i+8 <= len(b); i += 8 {
		x := rng.Uint64() & 0x3f3f3f3f3f3f3f3f
		for k := range 8 {
			b[i+k] = byte(x >> (8 * k))
		}
	}
}

// kernel measures one type.
func (k kernelBench) kernel(ctx context.Context, t quant.Type, memory []byte) (KernelRate, error) {
	r := KernelRate{Type: t.String()}
	layer := k.layerBytes(t)
	n := max(1, len(memory)/layer)
	many, err := newBenchGraph(k.b, k.feedForwards(t, n, memory))
	if err != nil {
		return r, err
	}
	defer many.close()
	d, err := many.median(ctx, 1, 0, 5)
	if err != nil {
		return r, err
	}
	r.Decode = float64(n*layer) / d.Seconds()
	one, err := newBenchGraph(k.b, k.feedForwards(t, 1, memory))
	if err != nil {
		return r, err
	}
	defer one.close()
	for tokens, to := range map[int]*float64{SmallBatch: &r.Small, LargeBatch: &r.Large} {
		d, err := one.median(ctx, tokens, 0, 2)
		if err != nil {
			return r, err
		}
		*to = 3 * float64(k.ff*k.width*tokens) / d.Seconds()
	}
	return r, nil
}

// MeasureOverhead is what a layer costs a token beside its weights and its cache, in
// seconds: norms, rotations, what lies between, and threads that wait for each other;
// for one token, and for each of a batch.
func MeasureOverhead(ctx context.Context, threads int) (decode, prefill float64, err error) {
	k := newKernelBench(threads)
	defer k.b.Close()
	return k.overhead(ctx)
}

func (k kernelBench) overhead(ctx context.Context) (decode, prefill float64, err error) {
	bench, err := newBenchGraph(k.b, k.overheads())
	if err != nil {
		return 0, 0, fmt.Errorf("engine: measuring overheads: %w", err)
	}
	defer bench.close()
	one, err := bench.median(ctx, 1, 0, 30)
	if err != nil {
		return 0, 0, fmt.Errorf("engine: measuring overheads: %w", err)
	}
	many, err := bench.median(ctx, LargeBatch, 0, 2)
	if err != nil {
		return 0, 0, fmt.Errorf("engine: measuring overheads: %w", err)
	}
	layers := float64(k.layers)
	return one.Seconds() / layers, many.Seconds() / layers / LargeBatch, nil
}

// MeasureAttention measures a cache type: "f16", "f32", "q8_0" or "q4_0".
func MeasureAttention(ctx context.Context, threads int, kv string) (AttentionRate, error) {
	k := newKernelBench(threads)
	defer k.b.Close()
	return k.attention(ctx, kv)
}

func (k kernelBench) attention(ctx context.Context, kv string) (r AttentionRate, err error) {
	r.KV = kv
	types := []tensor.KVType{tensor.KVF16, tensor.KVF32, tensor.KVQ8_0, tensor.KVQ4_0}
	i := slices.IndexFunc(types, func(t tensor.KVType) bool { return t.String() == kv })
	if i < 0 {
		return r, fmt.Errorf("engine: measuring attention: cache type is %q, want one of %v", kv, types)
	}
	g := k.attentions()
	g.kv = types[i]
	bench, err := newBenchGraph(k.b, g)
	if err != nil {
		return r, fmt.Errorf("engine: measuring attention: %w", err)
	}
	defer bench.close()
	spent := func(tokens, start, origin, times int) time.Duration {
		if err != nil {
			return 0
		}
		bench.origin = origin
		var d time.Duration
		d, err = bench.median(ctx, tokens, start, times)
		return d
	}
	for at := 0; at < k.depth; at += LargeBatch { // so that there is something to read
		spent(LargeBatch, at, at, 1)
	}
	last, batch := k.depth-1, k.depth-LargeBatch
	one, many := spent(1, last, 0, 7), spent(LargeBatch, batch, 0, 1)
	// What it takes with nothing to read goes off, unless a busy machine makes that more.
	if empty := spent(1, last, last, 7); empty < one {
		one -= empty
	}
	if empty := spent(LargeBatch, batch, batch, 1); empty < many {
		many -= empty
	}
	if err != nil {
		return r, fmt.Errorf("engine: measuring attention: %w", err)
	}
	layers := float64(len(g.cache))
	r.Decode = layers * 2 * rateKV * float64(k.depth) * float64(g.kv.RowBytes(rateHead)) / one.Seconds()
	r.Large = layers * 2 * rateHeads * rateHead * LargeBatch * float64(batch) / many.Seconds()
	return r, nil
}
