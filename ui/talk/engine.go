package talk

import "scout/engine"

// Engine is a model of the engine as a talk needs it.
func Engine(m *engine.Model) Model { return opened{m} }

// opened is the engine's model with its sequences behind an interface.
type opened struct{ *engine.Model }

func (m opened) NewSequence() (Sequence, error) {
	s, err := m.Model.NewSequence()
	if err != nil {
		return nil, err
	}
	return s, nil
}
