package prompt

import (
	"cmp"
	"fmt"
	"strings"

	"scout/engine/prompt/jinja"
)

// schemaOrder is the order in which the keys of a tool and of a JSON schema
// are written where models were trained (transformers' get_json_schema). Go's
// maps have none. Other keys follow in alphabetical order.
var schemaOrder = func() map[string]int {
	order := map[string]int{}
	for i, k := range []string{"type", "function", "name", "description", "parameters", "properties", "required", "items", "enum"} {
		order[k] = i - 100
	}
	return order
}()

// lessInSchema orders keys. The names of parameters, below "properties", are
// the caller's own and stay alphabetical.
func lessInSchema(parent, a, b string) int {
	if parent != "properties" {
		if c := cmp.Compare(schemaOrder[a], schemaOrder[b]); c != 0 {
			return c
		}
	}
	return strings.Compare(a, b)
}

// tools are the tools as a template's value.
func (in *Input) tools() (*jinja.List, error) {
	list := &jinja.List{}
	for i, t := range in.Tools {
		v, err := jinja.FromGo(t, lessInSchema)
		if err != nil {
			return nil, fmt.Errorf("prompt: tool %d: %w", i, err)
		}
		list.Items = append(list.Items, v)
	}
	return list, nil
}
