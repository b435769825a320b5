package cli

import (
	"scout/engine"
	"scout/hardware/plan"
)

// EnginePlacement is a plan's placement as the engine takes it; nil if everything is
// in main memory. Device 1 of either is the first GPU of the plan's machine. A plan
// counts a layer's routed experts on each device, which are all of one size; the
// engine wants to know which: the first ones go to the first GPU, and so on, the last
// ones stay in main memory.
func EnginePlacement(p plan.Placement) *engine.Placement {
	away := p.Output != plan.CPU
	out := &engine.Placement{Output: engine.DeviceNumber(p.Output), Layers: make([]engine.LayerPlacement, len(p.Layers))}
	for i, l := range p.Layers {
		place := engine.LayerPlacement{Attention: engine.DeviceNumber(l.Attention), Dense: engine.DeviceNumber(l.Dense)}
		away = away || l.Attention != plan.CPU || l.Dense != plan.CPU
		for d := 1; d < len(l.Experts); d++ {
			for range l.Experts[d] {
				place.Experts, away = append(place.Experts, engine.DeviceNumber(d)), true
			}
		}
		out.Layers[i] = place
	}
	if !away {
		return nil
	}
	return out
}
