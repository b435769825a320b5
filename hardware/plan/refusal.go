package plan

import (
	"cmp"
	"fmt"
)

// Refusal says that a model does not fit a machine.
type Refusal struct {
	Model      string
	Limit      string // the device that is too small
	Need, Have int64  // bytes: what the plan that comes nearest needs there; what may be used
	Context    int    // positions that were asked for
	// With these it would fit; 0 and "" if no context does.
	FitContext int
	FitKV      KVType
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("plan: %s with a context of %d needs %d bytes of %s, %d can be used", r.Model, r.Context, r.Need, r.Limit, r.Have)
}

const (
	leastContext = 2048 // the shortest worth offering
	roundContext = 1024 // contexts that are offered are multiples
)

// refuse says why nothing fits, and which context would.
func refuse(f Facts, m Machine, o Options) *Refusal {
	t := newTask(f, m, o)
	p := t.fill(orders[0])
	u := t.measure(p)
	r := &Refusal{Model: f.Name, Limit: m.DeviceName(CPU), Context: o.Context, Need: t.resident(&u, CPU), Have: t.budget[CPU]}
	if m.Disk.Bandwidth > 0 { // then weights are not what is too large
		r.Need = u.kv[CPU] + t.compute[CPU]
	}
	r.FitContext, r.FitKV = Shorter(f, m, o)
	return r
}

// Shorter is the longest context with which all of a model lies in memory where
// with that of o it does not, halving, and the cache type for it: that of o, or else
// q8_0. It is 0 if no context helps.
func Shorter(f Facts, m Machine, o Options) (context int, kv KVType) {
	o.KV = cmp.Or(o.KV, F16)
	if checkAll(f, m, o) != nil {
		return 0, ""
	}
	m.Disk = Disk{} // nothing is to be streamed
	for context := o.Context; context >= min(leastContext, o.Context); context /= 2 {
		if context > roundContext && context < o.Context {
			context = context / roundContext * roundContext
		}
		for _, kv := range []KVType{o.KV, Q8_0} {
			if kv == Q8_0 && !f.blocksFit() {
				continue
			}
			if newTask(f, m, Options{Context: context, KV: kv, Depth: min(o.Depth, context)}).search() != nil {
				return context, kv
			}
		}
	}
	return 0, ""
}

// blocksFit says whether a cache of blocks of 32 can hold the model's heads.
func (f Facts) blocksFit() bool {
	for _, l := range f.Layers {
		if l.HeadDim%32 != 0 {
			return false
		}
	}
	return true
}
