package cli

import (
	"context"
	"iter"

	"scout/engine"
)

// model is what the commands need of an opened model.
type model interface {
	Info() engine.Info
	Context() int
	Threads() int
	Memory() engine.Memory
	Tokenize(text string, special bool) []int32
	BOS() (id int32, want bool)
	Piece(id int32) string
	Price(image []byte) (engine.ImagePlan, error)
	newSequence() (sequence, error)
	Profile(on bool)
	OpTimes() []engine.OpTime
	WeightBandwidth(ctx context.Context) (float64, error)
	Close() error
}

// generator is what an answer needs of a sequence.
type generator interface {
	Generate(ctx context.Context, conversation []engine.Message, s engine.Sampling) iter.Seq2[engine.Delta, error]
}

// sequence is what measuring needs of one, besides.
type sequence interface {
	generator
	Append(ctx context.Context, ids []int32, want engine.Want, each func(pos int, logits []float32) error) error
	Truncate(n int) int
	StartAt(pos int) error
	Close() error
}

// demoName is the model name that stands for the embedded model. A file of
// that name is "./demo".
const demoName = "demo"

// modelFiles opens models through the engine's front door.
type modelFiles struct{ demo, demoTower []byte }

func (f modelFiles) open(ctx context.Context, name string, o engine.Options) (model, error) {
	if o.Tower == demoName {
		o.TowerData = f.demoTower
	}
	open := func() (*engine.Model, error) {
		if name == demoName {
			return engine.OpenEmbedded(ctx, demoName, f.demo, o)
		}
		at, err := locateModel(name)
		if err != nil {
			return nil, err
		}
		m, err := engine.Open(ctx, at.path, o)
		return m, at.advise(name, err)
	}
	m, err := open()
	if err != nil {
		return nil, err
	}
	return openedModel{m}, nil
}

func (f modelFiles) inspect(name string) (engine.Info, error) {
	if name == demoName {
		return engine.InspectEmbedded(demoName, f.demo)
	}
	at, err := locateModel(name)
	if err != nil {
		return engine.Info{}, err
	}
	info, err := engine.Inspect(at.path)
	return info, at.advise(name, err)
}

// towers lists the vision towers that belong to a model: a pulled model's own,
// or those in the folder of a file.
func (f modelFiles) towers(name string) []string {
	at, err := locateModel(name)
	switch {
	case err != nil:
		return nil // opening the model will say it
	case at.tower != "":
		return []string{at.tower}
	}
	return towersBeside(at.path)
}

// openedModel is the engine's model with its sequences behind an interface.
type openedModel struct{ *engine.Model }

func (m openedModel) newSequence() (sequence, error) {
	s, err := m.NewSequence()
	if err != nil {
		return nil, err
	}
	return s, nil
}
