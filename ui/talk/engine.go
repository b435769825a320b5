package talk

import (
	"scout/engine"
	"scout/sessions"
)

// Engine is a model of the engine as a talk needs it. It reads a few MB of the file, to
// know which model it is.
func Engine(m *engine.Model) Model {
	o := opened{Model: m}
	if s, err := m.Setup(); err == nil { // a file that cannot be read will be heard of at the first reply
		o.hash, o.setup = s.Identity, sessions.Setup{
			KV: s.KV, Kernels: s.Kernels, Devices: s.Devices, Threads: m.Threads(), Tower: s.Tower, MostTiles: s.MostTiles,
		}
	}
	return o
}

// opened is the engine's model with its sequences behind an interface.
type opened struct {
	*engine.Model
	hash  string
	setup sessions.Setup
}

func (m opened) NewSequence() (Sequence, error) {
	s, err := m.Model.NewSequence()
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Setup says which model it is and how it was opened.
func (m opened) Setup() (hash string, s sessions.Setup) { return m.hash, m.setup }

// Placement says what lies where.
func (m opened) Placement() []sessions.Place {
	here := sessions.Place{Device: "CPU", Holds: "everything", Bytes: m.Memory().Weights}
	var places []sessions.Place
	for _, d := range m.Devices() {
		here.Holds = "the rest"
		here.Bytes -= d.Weights
		places = append(places, sessions.Place{Device: d.Name, Holds: "weights", Bytes: d.Weights})
	}
	return append(places, here)
}
