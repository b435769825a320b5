package engine

import (
	"errors"
	"fmt"
	"time"

	"scout/engine/embedcache"
	"scout/engine/prompt"
)

// chooseTemplate is the file's own chat template, or the built-in one of its
// architecture when it has none or one that cannot be used; that is then a
// warning of the model.
func (m *Model) chooseTemplate() *prompt.Template {
	builtin, _ := prompt.Builtin(builtinTemplates[m.model.Config.Architecture])
	if m.info.Template == "" {
		return builtin
	}
	t, err := prompt.Parse(m.info.Template)
	if err != nil {
		m.info.Warnings = append(m.info.Warnings, fmt.Sprintf("the file's chat template cannot be used, the built-in one is: %v", err))
		return builtin
	}
	return t
}

// builtinTemplates is the template of each architecture for files without one.
// The llama family has had several; Llama 3's is what its instruct models use.
var builtinTemplates = map[string]string{"llama4": "llama4", "llama": "llama3", "qwen2": "chatml"}

// Encode is the token ids of a conversation as the model's template lays it out,
// ending where the assistant is to answer. Special tokens inside the messages
// stay text. A picture is markers and ids below zero, one for each of its
// embeddings: of the same picture always the same, of another others.
func (m *Model) Encode(conv []Message) ([]int32, error) {
	p, err := m.encode(conv)
	if err != nil {
		return nil, err
	}
	return p.ids, nil
}

// prompted is a conversation as ids.
type prompted struct {
	ids      []int32
	pictures []*placed // in order
}

// placed is a picture in a prompt.
type placed struct {
	image   *Image
	plan    ImagePlan
	key     embedcache.Key
	base    int32 // embedding i has the id -1-(base+i)
	patches int   // number of embeddings
	from    int   // place of the first embedding in the prompt
	to      int   // place behind the last
}

func (m *Model) encode(conv []Message) (*prompted, error) {
	pictures, err := m.place(conv)
	if err != nil {
		return nil, err
	}
	in := prompt.Input{Messages: conv, Specials: m.tok.Specials(), AddGenerationPrompt: true, Now: time.Now()}
	bos, hasBOS := m.tok.BOS()
	if hasBOS {
		in.BOS = m.Piece(bos)
	}
	if eos, ok := m.tok.EOS(); ok {
		in.EOS = m.Piece(eos)
	}
	between, err := m.render(in, len(pictures))
	if err != nil {
		return nil, fmt.Errorf("engine: laying out the conversation: %w", err)
	}
	ids := m.tok.Encode(between[0], true)
	if hasBOS && m.tok.AddBOS() && (len(ids) == 0 || ids[0] != bos) {
		ids = append([]int32{bos}, ids...)
	}
	for i, p := range pictures {
		ids = append(m.layOut(ids, p), m.tok.Encode(between[i+1], true)...)
	}
	return &prompted{ids, pictures}, nil
}

// render is the text of a conversation, cut at its pictures.
func (m *Model) render(in prompt.Input, pictures int) ([][]string, error) {
	if pictures > 0 {
		return m.template.RenderPictures(in, m.eyes.placeholder)
	}
	parts, err := m.template.Render(in)
	return [][]string{parts}, err
}

// place finds the pictures of a conversation and plans what becomes of each.
func (m *Model) place(conv []Message) ([]*placed, error) {
	var list []*placed
	for _, message := range conv {
		for _, image := range message.Images() {
			name := image.Name
			if name == "" {
				name = fmt.Sprintf("picture %d", len(list)+1)
			}
			plan, err := m.Price(image.Data)
			if errors.Is(err, ErrNoTower) {
				return nil, err
			}
			if err != nil {
				return nil, &ImageError{name, err}
			}
			plan.Name = name
			p := &placed{image: image, plan: plan}
			p.key = embedcache.KeyOf(image.Data, m.eyes.processor.Family(), m.eyes.processor.MostTiles(), m.eyes.identity)
			for _, piece := range m.eyes.processor.Layout(plan.Plan) {
				p.patches += piece.Patches
			}
			if p.base, err = m.eyes.number(p.key, p.patches); err != nil {
				return nil, err
			}
			list = append(list, p)
		}
	}
	return list, nil
}

// layOut appends what stands for a picture.
func (m *Model) layOut(ids []int32, p *placed) []int32 {
	next := -1 - p.base
	for _, piece := range m.eyes.processor.Layout(p.plan.Plan) {
		if piece.Token != "" {
			ids = append(ids, m.eyes.markers[piece.Token])
			continue
		}
		if next == -1-p.base {
			p.from = len(ids)
		}
		for range piece.Patches {
			ids = append(ids, next)
			next--
		}
		p.to = len(ids)
	}
	return ids
}
