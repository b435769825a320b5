package cli

import (
	"fmt"

	"scout/engine"
)

// fitError says that the machine has not enough memory.
type fitError struct {
	context    int   // positions asked for
	need, have int64 // bytes of cache and activations; of the machine's memory
	advice     int   // positions that fit; 0 if none do
}

func (e *fitError) Error() string {
	s := fmt.Sprintf("a context of %d needs %s of memory beside the weights, and this machine has %s",
		e.context, formatBytes(e.need), formatBytes(e.have))
	if e.advice > 0 {
		s += fmt.Sprintf(": try --ctx %d", e.advice)
	}
	return s
}

// checkFit refuses a context whose cache this machine cannot hold, before the
// memory is asked for. Weights are mapped and can be read from disk again and
// again, so weights that are larger than memory only earn a warning.
func (a *App) checkFit(m model) error {
	if err := a.tooLarge(m); err != nil {
		return err
	}
	memory, err := a.memory()
	if need := m.Memory(); err == nil && need.Weights > memory.Total && a.ErrTerminal {
		a.note("the weights (%s) are larger than this machine's memory (%s) and will be read from disk over and over: this will be slow",
			formatBytes(need.Weights), formatBytes(memory.Total))
	}
	return nil
}

// tooLarge is checkFit without the warning.
func (a *App) tooLarge(m model) error {
	memory, err := a.memory()
	if err != nil {
		return nil // unknown memory refuses nothing; the system will, if it must
	}
	need := m.Memory()
	if need.KV+need.Compute > memory.Total {
		return &fitError{
			context: m.Context(), need: need.KV + need.Compute, have: memory.Total,
			advice: min(contextThatFits(need, m.Context(), memory.Total), m.Info().ContextLength),
		}
	}
	return nil
}

// contextThatFits is the largest power of two of positions whose cache takes at
// most half of the memory, which leaves room for weights.
func contextThatFits(need engine.Memory, context int, total int64) int {
	room := total/2 - need.Compute
	if need.KV <= 0 || room <= 0 {
		return 0
	}
	limit := float64(room) / float64(need.KV) * float64(context)
	n := 1
	for float64(2*n) <= limit {
		n *= 2
	}
	if n < 256 { // no conversation fits into so little
		return 0
	}
	return n
}
