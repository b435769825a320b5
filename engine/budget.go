package engine

import (
	"fmt"
	"strings"

	"scout/engine/vision"
)

// ContextError says that a prompt does not fit the context. Nothing of it has been
// run.
type ContextError struct {
	Need int // positions asked for: of a prompt and one token of its answer, or of the tokens to append
	Have int // positions there are

	// Of a prompt with pictures:
	Images      []ImagePlan // in order; Tokens of each are part of Need
	FitTiles    int         // the largest limit on tiles with which all would fit; 0 if none does
	FitImages   int         // how many of the pictures would fit, the first ones, as they are
	MostContext int         // what the model was made for
}

// ImageTokens is how many of Need are the pictures'.
func (e *ContextError) ImageTokens() (n int) {
	for _, i := range e.Images {
		n += i.Tokens
	}
	return n
}

func (e *ContextError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "engine: the prompt needs %d positions, the context has %d", e.Need, e.Have)
	if len(e.Images) == 0 {
		return b.String()
	}
	fmt.Fprintf(&b, "; %d of them are for ", e.ImageTokens())
	for i, p := range e.Images {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s (%d)", p.Name, p.Tokens)
	}
	return b.String()
}

// tooLong is the error for a prompt that does not fit, with what would.
func (m *Model) tooLong(p *prompted) error {
	e := &ContextError{Need: len(p.ids) + 1, Have: m.context, MostContext: m.info.ContextLength}
	for _, placed := range p.pictures {
		e.Images = append(e.Images, placed.plan)
	}
	if len(e.Images) == 0 {
		return e
	}
	text := e.Need - e.ImageTokens()
	room := m.context - text
	for _, i := range e.Images {
		if room -= i.Tokens; room < 0 {
			break
		}
		e.FitImages++
	}
	for most := m.eyes.processor.MostTiles() - 1; most > 0 && e.FitTiles == 0; most-- {
		fewer, err := vision.NewProcessor(m.eyes.tower.Config(), most)
		if err != nil {
			break
		}
		need := text
		for _, i := range e.Images {
			need += fewer.Plan(i.SourceWidth, i.SourceHeight).Tokens
		}
		if need <= m.context {
			e.FitTiles = most
		}
	}
	return e
}
