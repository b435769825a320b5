// Package catalogue knows published models by name: where they are, which
// quantizations there are, what they take, what their licences ask, what each is
// good for, and whether our engine runs them today.
//
// models.toml is the data, made to be edited. Sizes of the usual quantizations
// are computed from a model's shape, exact to the byte; those of special mixtures
// are what their repository says, and their division among the parts is an
// estimate that is marked as one.
package catalogue

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"

	"scout/hardware/plan"
)

//go:embed models.toml
var data string

// Model is one entry.
type Model struct {
	Name       string // as it is asked for: "llama4:scout"
	Title      string
	Repository string // of the quantizations that name none
	Graph      string // GGUF architecture
	Context    int    // positions it was made for
	Parameters string // for people

	License     string
	LicenseURL  string `toml:"license_url"`
	Commercial  string // what the licence says of commercial use
	Clauses     []string
	Purpose     string
	Strengths   []string
	Weaknesses  []string
	Instead     string // when to prefer another
	Get         string // what stands between a person and the files
	VisionBytes int64  `toml:"vision_bytes"` // of the usual file of the vision tower; 0: it has none
	VisionRuns  bool   `toml:"vision_runs"`  // our engine sees with it

	Shape  Shape
	Quants []Quant `toml:"quant"`
}

// Quant is one quantization of a model.
type Quant struct {
	Name       string
	Repository string
	Bytes      int64  // of the files as published; 0: what the recipe gives
	Like       string // the recipe that its every-token parts resemble, where there is none of its name or none that holds
	Quality    string // for people, with its source
	Poor       bool   // below the quality that is worth running
	Rank       int    // quality among the model's quantizations: higher is better
}

// load reads the catalogue once.
var load = sync.OnceValues(func() ([]Model, error) { return parse(data) })

// parse reads a catalogue and refuses entries that make no sense.
func parse(text string) ([]Model, error) {
	var file struct {
		Models []Model `toml:"model"`
	}
	meta, err := toml.Decode(text, &file)
	if err != nil {
		return nil, fmt.Errorf("catalogue: reading models.toml: %w", err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return nil, fmt.Errorf("catalogue: models.toml: key %s is unknown", unknown[0])
	}
	names := map[string]bool{}
	for _, m := range file.Models {
		if m.Name == "" || names[m.Name] {
			return nil, fmt.Errorf("catalogue: models.toml: name %q is missing or there twice", m.Name)
		}
		names[m.Name] = true
		if err := m.check(); err != nil {
			return nil, err
		}
	}
	return file.Models, nil
}

func (m Model) check() error {
	s := m.Shape
	if min(s.Layers, s.Width, s.Heads, s.KVHeads, s.HeadDim, s.Vocabulary, m.Context) <= 0 || s.Layers > 1<<10 || s.Width > 1<<17 {
		return fmt.Errorf("catalogue: %s: the shape %+v cannot be a model's", m.Name, s)
	}
	if len(m.Quants) == 0 || m.License == "" || m.Repository == "" {
		return fmt.Errorf("catalogue: %s: quantizations, licence and repository are wanted", m.Name)
	}
	for _, q := range m.Quants {
		if _, err := m.Facts(q); err != nil {
			return err
		}
	}
	return nil
}

// All lists the models in the order of the file. The slice is the caller's.
func All() ([]Model, error) {
	models, err := load()
	return slices.Clone(models), err
}

// Find gives the model of that name. "llama4:scout:Q4_K_M" and "llama4:scout@Q4_K_M"
// choose a quantization too; without one it is "".
func Find(name string) (m Model, quant string, ok bool) {
	models, err := load()
	if err != nil {
		return Model{}, "", false
	}
	for _, m := range models {
		if strings.EqualFold(name, m.Name) {
			return m, "", true
		}
		if len(name) > len(m.Name) && strings.EqualFold(name[:len(m.Name)], m.Name) && strings.ContainsAny(name[len(m.Name):len(m.Name)+1], ":@") {
			return m, name[len(m.Name)+1:], true
		}
	}
	return Model{}, "", false
}

// Names lists what Find knows.
func Names() []string {
	models, err := load()
	if err != nil {
		return nil
	}
	var names []string
	for _, m := range models {
		names = append(names, m.Name)
	}
	return names
}

// Quant finds a quantization by name, in any case and with "-" for "_".
func (m Model) Quant(name string) (Quant, bool) {
	plain := func(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "-", "_")) }
	for _, q := range m.Quants {
		if plain(q.Name) == plain(name) {
			return q, true
		}
	}
	return Quant{}, false
}

// Runs says whether an engine with these graphs runs the model's text.
func (m Model) Runs(graphs []string) bool { return slices.Contains(graphs, m.Graph) }

// Facts is what a plan needs to know of a quantization. The vision tower is left
// out: whoever wants to see adds VisionBytes.
func (m Model) Facts(q Quant) (plan.Facts, error) {
	r, known := recipes[q.Name]
	var f plan.Facts
	switch {
	case known && q.Like == "":
		f = m.Shape.facts(r)
	case q.Bytes <= 0:
		return f, fmt.Errorf("catalogue: %s %s: the size is missing and no recipe has that name", m.Name, q.Name)
	default:
		like, ok := recipes[q.Like]
		if !ok {
			return f, fmt.Errorf("catalogue: %s %s: like is %q, which is no recipe", m.Name, q.Name, q.Like)
		}
		var err error
		if f, err = m.Shape.scaled(like, q.Bytes); err != nil {
			return f, fmt.Errorf("catalogue: %s %s: %w", m.Name, q.Name, err)
		}
	}
	f.Name, f.ContextLength = m.Title+" "+q.Name, m.Context
	return f.OfType(strings.TrimPrefix(q.Name, "UD-")), nil
}

// Repo is where a quantization's files are.
func (m Model) Repo(q Quant) string {
	if q.Repository != "" {
		return q.Repository
	}
	return m.Repository
}
