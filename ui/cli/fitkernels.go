package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"scout/engine"
	"scout/hardware"
	"scout/hardware/plan"
)

// Names of the figures that "scout fit --measure" keeps of the processor. Rates are of
// so many threads.
const (
	figureDecode    = "decode"    // of a weight type, B/s
	figureSmall     = "small"     // of a weight type, products/s of engine.SmallBatch tokens
	figureLarge     = "large"     // of a weight type, products/s of engine.LargeBatch tokens
	figureKVDecode  = "kv decode" // of a cache type, B/s
	figureKVLarge   = "kv large"  // of a cache type, products/s
	figureLayer     = "layer"     // of a token, s
	figureLayerMany = "layer, batch"
)

// measuredTypes are those that nearly all files are made of. Others are taken for the
// like of these.
var measuredTypes = []string{"Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "Q8_0", "Q4_0", "IQ2_XXS", "IQ3_XXS", "IQ4_XS", "F16", "BF16"}

// kernelFigure names a figure: "kernel decode, Q4_K, 2 threads".
func kernelFigure(what, of string, threads int) string {
	return strings.Join(slices.DeleteFunc([]string{"kernel " + what, of, plural(threads, "thread")}, func(s string) bool { return s == "" }), ", ")
}

// kernelMeasurer measures the processor; replaced in tests. It calls put with the
// figures, one after the other.
type kernelMeasurer func(ctx context.Context, threads int, bytes int, put func(what, of string, value float64, unit string)) error

// measureKernels is the kernelMeasurer of the engine.
func measureKernels(ctx context.Context, threads, bytes int, put func(what, of string, value float64, unit string)) error {
	err := engine.MeasureKernels(ctx, threads, bytes, measuredTypes, func(r engine.KernelRate) {
		put(figureDecode, r.Type, r.Decode, "B/s")
		put(figureSmall, r.Type, r.Small, "products/s")
		put(figureLarge, r.Type, r.Large, "products/s")
	})
	if err != nil {
		return err
	}
	for _, kv := range []plan.KVType{plan.F16, plan.Q8_0, plan.Q4_0} {
		r, err := engine.MeasureAttention(ctx, threads, string(kv))
		if err != nil {
			return err
		}
		put(figureKVDecode, r.KV, r.Decode, "B/s")
		put(figureKVLarge, r.KV, r.Large, "products/s")
	}
	one, many, err := engine.MeasureOverhead(ctx, threads)
	if err != nil {
		return err
	}
	put(figureLayer, "", one, "s")
	put(figureLayerMany, "", many, "s")
	return nil
}

// kernelFigures measures the processor with so many threads. Weights of an eighth of
// the free memory are enough to be beyond every cache, and little enough everywhere.
func (a *App) kernelFigures(ctx context.Context, threads int, free int64, figures map[string]hardware.Figure) error {
	now := time.Now().UTC().Truncate(time.Second)
	bytes := int(min(engine.KernelBytes, free/8))
	return a.kernels(ctx, threads, bytes, func(what, of string, value float64, unit string) {
		figures[kernelFigure(what, of, threads)] = hardware.Figure{Value: value, Unit: unit, Date: now}
	})
}

// setKernels takes what was measured of the processor, or what its kind is sure to
// reach.
func (m *planMachine) setKernels(measured map[string]hardware.Figure, features []string) {
	get := func(what, of string) float64 { return measured[kernelFigure(what, of, m.Cores)].Value }
	k := &plan.Kernels{
		Types: map[string]plan.KernelRate{}, Cache: map[plan.KVType]plan.CacheRate{}, Measured: true,
		Layer: get(figureLayer, ""), LayerBatch: get(figureLayerMany, ""),
	}
	for _, t := range measuredTypes {
		if r := (plan.KernelRate{Decode: get(figureDecode, t), Small: get(figureSmall, t), Large: get(figureLarge, t)}); r.Decode > 0 {
			k.Types[t] = r
		}
	}
	for _, kv := range []plan.KVType{plan.F16, plan.F32, plan.Q8_0, plan.Q4_0} {
		if r := (plan.CacheRate{Decode: get(figureKVDecode, string(kv)), Large: get(figureKVLarge, string(kv))}); r.Decode > 0 {
			k.Cache[kv] = r
		}
	}
	if len(k.Types) == 0 {
		if k = plan.AssumedKernels(features, m.Cores); k == nil {
			return
		}
		m.Kernels = k
		m.source("processor: %s (%s; --measure measures it)", plural(m.Cores, "core"), k.Source)
		return
	}
	m.Kernels = k
	figure := measured[kernelFigure(figureDecode, "Q4_K", m.Cores)]
	m.source("processor: %s of Q4_K weights (%s, with %s)", formatBandwidth(k.Types["Q4_K"].Decode), measuredText(figure), plural(m.Cores, "thread"))
	m.CPUFlops = 0 // the rates of the types say more
	if r := k.Types["Q4_K"]; r.Large > 0 {
		m.CPUFlops = 2 * r.Large
	}
}
