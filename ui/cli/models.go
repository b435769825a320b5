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
		return engine.Open(ctx, name, o)
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
	return engine.Inspect(name)
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
