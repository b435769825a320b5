package prompt

import (
	"fmt"
	"slices"
	"strings"
)

// RenderPictures is Render for conversations with pictures. placeholder is the
// special token that the template writes where a picture stands, such as
// "<|image|>"; it is cut out. between has the parts before the first picture,
// those between it and the next, and so on, one element more than there are
// pictures; an element may be empty.
//
// What a person types never counts as a placeholder (see the package comment): one
// of the template's own lies whole in a part, one of any user-supplied byte has a
// cut inside. A template that writes another number of placeholders than there
// are pictures was not made for them; that is a *RefusedError.
func (t *Template) RenderPictures(in Input, placeholder string) (between [][]string, err error) {
	if !slices.Contains(in.Specials, placeholder) {
		in.Specials = append(slices.Clip(in.Specials), placeholder)
	}
	parts, err := t.Render(in)
	if err != nil {
		return nil, err
	}
	between = [][]string{nil}
	for _, part := range parts {
		for i, s := range strings.Split(part, placeholder) {
			if i > 0 {
				between = append(between, nil)
			}
			if s != "" {
				last := len(between) - 1
				between[last] = append(between[last], s)
			}
		}
	}
	pictures := 0
	for _, m := range in.Messages {
		pictures += len(m.Images())
	}
	if got := len(between) - 1; got != pictures {
		return nil, &RefusedError{fmt.Sprintf("it has places for %d of %d pictures, each marked %s", got, pictures, placeholder)}
	}
	return between, nil
}
