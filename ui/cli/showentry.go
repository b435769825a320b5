package cli

import (
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"scout/engine"
	"scout/hardware/catalogue"
)

// catalogueEntry is the entry that a name stands for, unless it is a file's.
func catalogueEntry(name string) (catalogue.Model, bool) {
	if _, err := os.Stat(name); err == nil {
		return catalogue.Model{}, false
	}
	m, _, ok := catalogue.Find(name)
	return m, ok
}

// showEntry answers what people ask about a model before they download it.
func (a *App) showEntry(m catalogue.Model, f showFlags) error {
	switch {
	case f.template:
		return usageErrorf("%s is a name of the catalogue, and templates are in files", m.Name)
	case f.json:
		return a.writeJSON(newEntryRecord(m))
	}
	return a.printf("%s", describeEntry(m))
}

// describeEntry is the text of "scout show" for a name of the catalogue.
func describeEntry(m catalogue.Model) string {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	for _, f := range entryFacts(m) {
		fmt.Fprintf(table, "%s\t%s\n", f.name, f.value)
	}
	fmt.Fprintf(table, "\nquantization\tsize\tfor each token\tquality\n")
	for _, q := range m.Quants {
		f, err := m.Facts(q)
		if err != nil {
			continue // a test reads them all
		}
		read := formatSize(f.PerToken())
		if f.Estimated {
			read = "about " + read
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", q.Name, formatSize(f.Weights()), read, q.Quality)
	}
	table.Flush() // into memory: it cannot fail
	fmt.Fprintf(&b, "\nwhat fits here: scout fit %s\n", m.Name)
	return b.String()
}

func entryFacts(m catalogue.Model) []fact {
	runs := "not yet: its graph, " + m.Graph + ", is missing"
	if m.Runs(engine.Architectures()) {
		runs = "yes"
		if m.VisionBytes > 0 && !m.VisionRuns {
			runs = "its text; not yet with pictures"
		}
	}
	facts := []fact{
		{"name", m.Title + " (" + m.Name + ")"},
		{"parameters", m.Parameters},
		{"context", fmt.Sprintf("%d tokens", m.Context)},
		{"least memory", leastMemory(m)},
		{"scout runs it", runs},
		{"for", m.Purpose},
	}
	facts = append(facts, each("strength", m.Strengths)...)
	facts = append(facts, each("weakness", m.Weaknesses)...)
	facts = append(facts, fact{"instead", m.Instead}, fact{"licence", m.License + ", " + m.LicenseURL}, fact{"commercial use", m.Commercial})
	facts = append(facts, each("clause", m.Clauses)...)
	facts = append(facts, fact{"get it", m.Repository}, fact{"", m.Get})
	if m.VisionBytes > 0 {
		facts = append(facts, fact{"vision", formatSize(m.VisionBytes) + " more, in a file of its own (mmproj)"})
	}
	return facts
}

// each is facts of one name, which is written once.
func each(name string, values []string) []fact {
	var facts []fact
	for _, v := range values {
		facts = append(facts, fact{name, v})
		name = ""
	}
	return facts
}

// leastMemory is what the smallest quantization worth using takes, with a short
// context.
func leastMemory(m catalogue.Model) string {
	const context = 4096
	for _, q := range m.Quants {
		f, err := m.Facts(q)
		if q.Poor || err != nil {
			continue
		}
		return fmt.Sprintf("%s with %s and a context of %d, on all devices together and beside what else runs",
			formatSize(f.Weights()+f.KV(context, "f16")+f.Compute(0, (&planFlags{context: context}).options())), q.Name, context)
	}
	return "unknown"
}

// entryRecord is an entry of the catalogue as JSON. Sizes are bytes.
type entryRecord struct {
	Name        string        `json:"name"`
	Title       string        `json:"title"`
	Parameters  string        `json:"parameters"`
	Context     int           `json:"context_length"`
	Graph       string        `json:"architecture"`
	Runs        bool          `json:"runs"`
	VisionRuns  bool          `json:"vision_runs"`
	VisionBytes int64         `json:"vision_bytes"`
	License     string        `json:"license"`
	LicenseURL  string        `json:"license_url"`
	Commercial  string        `json:"commercial_use"`
	Clauses     []string      `json:"clauses"`
	Purpose     string        `json:"purpose"`
	Strengths   []string      `json:"strengths"`
	Weaknesses  []string      `json:"weaknesses"`
	Instead     string        `json:"instead"`
	Get         string        `json:"get"`
	Repository  string        `json:"repository"`
	Quants      []quantRecord `json:"quantizations"`
}

type quantRecord struct {
	Name       string `json:"name"`
	Repository string `json:"repository"`
	Bytes      int64  `json:"bytes"`
	PerToken   int64  `json:"bytes_per_token"`
	Estimated  bool   `json:"estimated"` // bytes_per_token is
	Quality    string `json:"quality"`
	Poor       bool   `json:"poor"`
}

func newEntryRecord(m catalogue.Model) entryRecord {
	r := entryRecord{
		Name: m.Name, Title: m.Title, Parameters: m.Parameters, Context: m.Context, Graph: m.Graph, Runs: m.Runs(engine.Architectures()),
		VisionRuns: m.VisionRuns, VisionBytes: m.VisionBytes, License: m.License, LicenseURL: m.LicenseURL, Commercial: m.Commercial,
		Clauses: append([]string{}, m.Clauses...), Purpose: m.Purpose, Strengths: m.Strengths, Weaknesses: m.Weaknesses, Instead: m.Instead,
		Get: m.Get, Repository: m.Repository, Quants: []quantRecord{},
	}
	for _, q := range m.Quants {
		if f, err := m.Facts(q); err == nil {
			r.Quants = append(r.Quants, quantRecord{q.Name, m.Repo(q), f.Weights(), f.PerToken(), f.Estimated, q.Quality, q.Poor})
		}
	}
	return r
}
