package cli

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"scout/engine"
	"scout/ui/safetext"
)

// showFlags is what "scout show" can be told.
type showFlags struct{ json, template bool }

// showCommand is "scout show": what is in a file.
func (a *App) showCommand() *cobra.Command {
	var f showFlags
	cmd := &cobra.Command{
		Use:   "show MODEL",
		Short: "Show what is in a model file, or what a model of the catalogue is",
		Long: "Shows a model's architecture, context, size by component, quantization mix, chat template and licence. " +
			"Only the header of the file is read, also of one on a hub, such as hf.co/user/repository:Q4_K_M. For a name of the catalogue, such as llama4:scout, it shows what one wants to know " +
			"before downloading it: memory, licence, strengths and weaknesses, quantizations.",
		Args: cobra.ArbitraryArgs,
		RunE: a.keep(func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageErrorf("show takes one model, got %d arguments", len(args))
			}
			if f.json && f.template {
				return usageErrorf("--json and --template exclude each other: the object has the template in it")
			}
			return a.show(cmd.Context(), args[0], f)
		}),
	}
	cmd.Flags().BoolVar(&f.json, "json", false, "write one JSON object")
	cmd.Flags().BoolVar(&f.template, "template", false, "write the chat template, whole")
	return cmd
}

// show describes the model of that name.
func (a *App) show(ctx context.Context, name string, f showFlags) error {
	if m, ok := catalogueEntry(name); ok {
		return a.showEntry(m, f)
	}
	info, read, err := a.inspectAnywhere(ctx, name)
	if err != nil {
		return err
	}
	if read > 0 {
		a.note("not here: read %s of its %s", formatSize(read), formatSize(info.Bytes))
	}
	switch {
	case f.json:
		return a.writeJSON(newInfoRecord(info))
	case f.template:
		if info.Template == "" {
			return fmt.Errorf("%s has no chat template; a built-in one is used", name)
		}
		return a.writeText(strings.TrimSuffix(info.Template, "\n") + "\n")
	}
	return a.printf("%s", describe(info, a.visionFact(name, info)))
}

// visionFact is what the model could see with.
func (a *App) visionFact(name string, info engine.Info) string {
	if info.Vision {
		return "in this file"
	}
	if name == demoName {
		return "inside this program"
	}
	beside := a.findTowers(name)
	for i, path := range beside {
		beside[i] = filepath.Base(path)
	}
	switch len(beside) {
	case 0:
		return "not in this file, and no mmproj*.gguf beside it: no pictures"
	case 1:
		return "not in this file; in " + beside[0] + " beside it, if they belong together"
	}
	return "not in this file; beside it are " + strings.Join(beside, ", ") + ": choose by --mmproj"
}

// describe is the tables of "scout show". Everything from the file is brought
// to one line, without control characters.
func describe(info engine.Info, vision string) string {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	for _, f := range facts(info, vision) {
		fmt.Fprintf(table, "%s\t%s\n", f.name, safetext.Line(f.value))
	}
	fmt.Fprintf(table, "\ncomponent\tparameters\tsize\tshare\n")
	for _, c := range info.Components {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", c.Name, formatCount(c.Parameters), formatBytes(c.Bytes), percent(c.Bytes, info.Bytes))
	}
	fmt.Fprintf(table, "\ntype\ttensors\tsize\tshare\n")
	for _, t := range info.Types {
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\n", t.Type, t.Tensors, formatBytes(t.Bytes), percent(t.Bytes, info.Bytes))
	}
	table.Flush() // into memory: it cannot fail
	for _, w := range info.Warnings {
		fmt.Fprintf(&b, "\nnote: %s\n", safetext.Line(w))
	}
	return b.String()
}

type fact struct{ name, value string }

// facts is what the header says, in the order of interest.
func facts(info engine.Info, vision string) []fact {
	file := info.Path
	switch {
	case file == demoName:
		file = "inside this program"
	case len(info.Files) > 1:
		file += fmt.Sprintf(" (%d parts)", len(info.Files))
	}
	heads := fmt.Sprintf("%d of %d, %d for keys and values", info.Heads, info.HeadDim, info.KVHeads)
	all := []fact{
		{"name", cmp.Or(info.Name, "unnamed")},
		{"file", file},
		{"architecture", info.Architecture},
		{"parameters", parametersFact(info)},
		{"size", formatBytes(info.Bytes)},
		{"context", fmt.Sprintf("%d tokens", info.ContextLength)},
		{"layers", fmt.Sprint(info.Layers)},
		{"width", fmt.Sprint(info.Width)},
		{"heads", heads},
	}
	if info.Experts > 0 {
		all = append(all, fact{"experts", fmt.Sprintf("%d of width %d, %d at a time", info.Experts, info.ExpertFF, info.ExpertsUsed)})
	}
	if info.FF > 0 && info.Experts == 0 {
		all = append(all, fact{"feed-forward", fmt.Sprintf("width %d", info.FF)})
	}
	return append(all,
		fact{"vocabulary", fmt.Sprintf("%d tokens (%s)", info.Vocabulary, info.Tokenizer)},
		fact{"vision", vision},
		fact{"cache", fmt.Sprintf("%s for each token of context, in f16", formatBytes(info.KVBytesPerToken))},
		fact{"template", templateFact(info.Template)},
		fact{"licence", cmp.Or(info.License, "not stated")},
	)
}

// parametersFact is how many parameters there are and, of a mixture of
// experts, how many of them a token meets.
func parametersFact(info engine.Info) string {
	all := formatCount(info.Parameters)
	if info.Experts == 0 {
		return all
	}
	var active int64
	for _, c := range info.Components {
		switch c.Name {
		case "vision":
		case "routed experts":
			active += c.Parameters * int64(info.ExpertsUsed) / int64(info.Experts)
		default:
			active += c.Parameters
		}
	}
	return fmt.Sprintf("%s, %s of them for each token", all, formatCount(active))
}

// templateFact says what chat template there is.
func templateFact(template string) string {
	if template == "" {
		return "none in the file, a built-in one is used"
	}
	lines := strings.Count(strings.TrimSuffix(template, "\n"), "\n") + 1
	return fmt.Sprintf("in the file, %s (--template writes it out)", plural(lines, "line"))
}

// plural is a number of things, in words.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// percent is part of whole, as a percentage.
func percent(part, whole int64) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(part)/float64(whole))
}

// infoRecord is what the header says, as JSON. Sizes are bytes.
type infoRecord struct {
	Name            string            `json:"name"`
	Path            string            `json:"path"`
	Files           []string          `json:"files"`
	Architecture    string            `json:"architecture"`
	License         string            `json:"license"`
	Tokenizer       string            `json:"tokenizer"`
	Template        string            `json:"template"`
	Layers          int               `json:"layers"`
	Width           int               `json:"width"`
	Heads           int               `json:"heads"`
	KVHeads         int               `json:"kv_heads"`
	HeadDim         int               `json:"head_dim"`
	FF              int               `json:"ff"`
	ExpertFF        int               `json:"expert_ff"`
	Experts         int               `json:"experts"`
	ExpertsUsed     int               `json:"experts_used"`
	Vocabulary      int               `json:"vocabulary"`
	ContextLength   int               `json:"context_length"`
	Vision          bool              `json:"vision"`
	Parameters      int64             `json:"parameters"`
	Bytes           int64             `json:"bytes"`
	Components      []componentRecord `json:"components"`
	Types           []typeRecord      `json:"types"`
	KVBytesPerToken int64             `json:"kv_bytes_per_token"`
	Warnings        []string          `json:"warnings"`
}

type componentRecord struct {
	Name       string `json:"name"`
	Parameters int64  `json:"parameters"`
	Bytes      int64  `json:"bytes"`
}

type typeRecord struct {
	Type    string `json:"type"`
	Tensors int    `json:"tensors"`
	Bytes   int64  `json:"bytes"`
}

func newInfoRecord(i engine.Info) infoRecord {
	r := infoRecord{
		Name: i.Name, Path: i.Path, Files: append([]string{}, i.Files...), Architecture: i.Architecture,
		License: i.License, Tokenizer: i.Tokenizer, Template: i.Template,
		Layers: i.Layers, Width: i.Width, Heads: i.Heads, KVHeads: i.KVHeads, HeadDim: i.HeadDim,
		FF: i.FF, ExpertFF: i.ExpertFF, Experts: i.Experts, ExpertsUsed: i.ExpertsUsed,
		Vocabulary: i.Vocabulary, ContextLength: i.ContextLength, Vision: i.Vision,
		Parameters: i.Parameters, Bytes: i.Bytes, KVBytesPerToken: i.KVBytesPerToken,
		Components: []componentRecord{}, Types: []typeRecord{}, Warnings: append([]string{}, i.Warnings...),
	}
	for _, c := range i.Components {
		r.Components = append(r.Components, componentRecord(c))
	}
	for _, t := range i.Types {
		r.Types = append(r.Types, typeRecord(t))
	}
	return r
}
