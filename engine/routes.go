package engine

import (
	"scout/engine/tensor"
)

// Routed is one token's choice of experts in one layer.
type Routed struct {
	Position int
	Layer    int
	Experts  []int32   // best first
	Logits   []float32 // [experts], the router's, before any sigmoid
}

// routing is where a graph chooses experts.
type routing struct {
	layer          int
	logits, choice tensor.Value
}

// routings lists them in order of the layers.
func routings(g *tensor.Graph) []routing {
	var out []routing
	for _, n := range g.Nodes {
		if _, ok := n.Op.(tensor.Route); ok {
			out = append(out, routing{n.Layer, n.In[0], n.Out})
		}
	}
	return out
}

// keptValues are the values of the graph that must outlive a run.
func (m *Model) keptValues() []tensor.Value {
	var keep []tensor.Value
	if m.onRouted != nil {
		for _, r := range routings(m.model.Graph) {
			keep = append(keep, r.logits, r.choice)
		}
	}
	return keep
}

// report tells about the experts of the batch that has just run.
func (m *Model) report(b *tensor.Batch) error {
	g := m.model.Graph
	for _, r := range routings(g) {
		logits, err := m.exec.Read(g, r.logits)
		if err != nil {
			return err
		}
		choice, err := m.exec.Read(g, r.choice)
		if err != nil {
			return err
		}
		experts, used := g.Values[r.logits].Width, g.Values[r.choice].Width
		for i := range len(logits) / experts {
			routed := Routed{Position: b.Start + i, Layer: r.layer, Logits: logits[i*experts : (i+1)*experts]}
			if g.Values[r.choice].Rows == tensor.PerOutput {
				routed.Position = b.Start + int(b.Outputs[i])
			}
			for _, id := range choice[2*i*used : (2*i+1)*used] {
				routed.Experts = append(routed.Experts, int32(id))
			}
			m.onRouted(routed)
		}
	}
	return nil
}
