package cli

import (
	"context"
	"errors"
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

// DemoName is the model name that stands for the embedded model. A file of
// that name is "./demo".
const DemoName = "demo"

const demoName = DemoName

// modelFiles opens models through the engine's front door.
type modelFiles struct{ demo, demoTower []byte }

func (f modelFiles) open(ctx context.Context, name string, o engine.Options) (model, error) {
	m, err := f.openEngine(ctx, name, o)
	if err != nil {
		return nil, err
	}
	return openedModel{m}, nil
}

// openEngine opens a model by its name.
func (f modelFiles) openEngine(ctx context.Context, name string, o engine.Options) (*engine.Model, error) {
	if o.Tower == demoName {
		o.TowerData = f.demoTower
	}
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

// openForScreen opens a model for the terminal app: with the vision tower that
// belongs to it, if there is one that fits, and only if its cache fits this machine.
func (a *App) openForScreen(ctx context.Context, name string, o engine.Options) (*engine.Model, error) {
	o.Embeds = embedCache()
	o.Tower, _ = a.towerFor(name, &pictureFlags{})
	memory := a.remembering(&o)
	m, err := a.files.openEngine(ctx, name, o)
	var tower *engine.TowerError
	if o.Tower != "" && errors.As(err, &tower) { // merely found: the chat is worth more
		o.Tower = ""
		m, err = a.files.openEngine(ctx, name, o)
	}
	if err != nil {
		return nil, err
	}
	if err := a.tooLarge(openedModel{m}); err != nil {
		m.Close() // the error that matters is err
		return nil, err
	}
	memory.opened(m)
	return m, nil
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
