package tensor

// Segment is a run of consecutive nodes of one device: Nodes[From:To].
type Segment struct {
	Device   Device
	From, To int
}

// Segments cuts the graph where the device changes, in order.
func (g *Graph) Segments() []Segment {
	var out []Segment
	for i, n := range g.Nodes {
		if len(out) == 0 || out[len(out)-1].Device != n.Device {
			out = append(out, Segment{n.Device, i, i})
		}
		out[len(out)-1].To = i + 1
	}
	return out
}

// Producer is the node that computes v: every node makes one value, so they
// share their numbers.
func (g *Graph) Producer(v Value) *Node { return &g.Nodes[v] }

// Crossing lists the values computed on one device and read on another.
func (g *Graph) Crossing() []Value {
	seen := make([]bool, len(g.Values))
	var out []Value
	for _, n := range g.Nodes {
		for _, v := range n.In {
			if g.Producer(v).Device != n.Device && !seen[v] {
				seen[v] = true
				out = append(out, v)
			}
		}
	}
	return out
}
