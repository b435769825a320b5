package model

import (
	"maps"
	"slices"

	"scout/engine/tensor"
)

// Placement says which device runs which part of a model. Everything it does
// not mention is on the CPU, so a nil Placement is a model wholly on the CPU.
type Placement struct {
	Layers []LayerPlacement // by block
	Output tensor.Device    // output norm and head
}

// LayerPlacement places the parts of one block.
type LayerPlacement struct {
	Attention tensor.Device   // its norm, its projections and its cache
	Dense     tensor.Device   // norm, router and shared expert, or the dense feed-forward network
	Experts   []tensor.Device // by routed expert; missing ones are on the CPU
}

func (p *Placement) layer(l int) LayerPlacement {
	if p == nil || l >= len(p.Layers) {
		return LayerPlacement{}
	}
	return p.Layers[l]
}

func (p *Placement) output() tensor.Device {
	if p == nil {
		return tensor.CPU
	}
	return p.Output
}

// expertGroups divides n experts by device, devices in ascending order. A
// single group has a nil list, which means all of them.
func (p LayerPlacement) expertGroups(n int) (devices []tensor.Device, experts [][]int) {
	byDevice := map[tensor.Device][]int{}
	for e := range n {
		d := tensor.CPU
		if e < len(p.Experts) {
			d = p.Experts[e]
		}
		byDevice[d] = append(byDevice[d], e)
	}
	for _, d := range slices.Sorted(maps.Keys(byDevice)) {
		devices, experts = append(devices, d), append(experts, byDevice[d])
	}
	if len(experts) == 1 {
		experts[0] = nil
	}
	return devices, experts
}
