package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"scout/downloads"
	"scout/ui/safetext"
)

// importFlags is what "scout import" can be told.
type importFlags struct {
	all, json bool
}

// importCommand is "scout import": models that other programs have.
func (a *App) importCommand() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import [NAME|FILE...]",
		Short: "Use models that Ollama, LM Studio and others have on this disk",
		Long: "Without a name, lists the models that Ollama, the Hugging Face cache, LM Studio and llama.cpp have on this disk. With names, or files, of the " +
			"list it takes them into the store: each file is read once and held against its published checksum, and is then used where it lies. " +
			"Nothing is copied, written or removed there. Should the other program delete or change its file, that is said, and 'scout pull' fetches " +
			"what is missing.",
		Example: "scout import\nscout import llama4:scout\nscout import --all",
		Args:    cobra.ArbitraryArgs,
		RunE: a.keep(func(cmd *cobra.Command, args []string) error {
			if f.all && len(args) > 0 {
				return usageErrorf("import takes names or --all, not both")
			}
			return a.withDownloads("", func(d *downloads.Downloads) error { return a.importModels(cmd.Context(), d, args, f) })
		}),
	}
	cmd.Flags().BoolVar(&f.all, "all", false, "import everything on the list that can be used")
	cmd.Flags().BoolVar(&f.json, "json", false, "write a JSON object a line, one for each model")
	return cmd
}

// importModels lists models of other programs, or imports those that are named.
func (a *App) importModels(ctx context.Context, d *downloads.Downloads, names []string, f importFlags) error {
	list, err := d.Importables()
	if err != nil {
		return err
	}
	if len(names) == 0 && !f.all {
		return a.listImportables(list, d.Unreadable(), f.json)
	}
	chosen, err := chooseImports(list, names, f.all)
	if err != nil {
		return err
	}
	ctx, stop := a.interruptible(ctx)
	defer stop()
	failed := 0
	for _, i := range chosen {
		err := a.importOne(ctx, d, i, f.json)
		switch {
		case err == nil:
			continue
		case ctx.Err() != nil || len(chosen) == 1:
			return orInterrupted(ctx, err)
		}
		failed++
		a.note("%s", safetext.Line(err.Error()))
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d models could not be imported", failed, len(chosen))
	}
	if len(chosen) == 0 {
		a.note("there is nothing to import that is not here already")
	}
	return nil
}

// chooseImports are the models that are named, each from the first program
// that has it in a state to be used.
func chooseImports(list []downloads.Importable, names []string, all bool) ([]downloads.Importable, error) {
	var chosen []downloads.Importable
	if all {
		taken := map[string]bool{}
		for _, i := range list {
			if i.Why == "" && !taken[i.Name] {
				taken[i.Name] = true
				chosen = append(chosen, i)
			}
		}
		return chosen, nil
	}
	for _, name := range names {
		var best *downloads.Importable
		for _, i := range list {
			named := strings.EqualFold(i.Name, name) || strings.EqualFold(i.Name, "hf.co/"+name) || slices.Contains(i.Paths, name)
			if named && (best == nil || best.Why != "" && i.Why == "") {
				best = &i
			}
		}
		if best == nil {
			return nil, fmt.Errorf("no other program on this disk has a model %q: 'scout import' lists what there is", name)
		}
		chosen = append(chosen, *best)
	}
	return chosen, nil
}

// importOne takes a model into the store.
func (a *App) importOne(ctx context.Context, d *downloads.Downloads, i downloads.Importable, asJSON bool) error {
	if i.Here {
		if asJSON {
			return a.writeJSON(newImportRecord(i))
		}
		return a.printf("%s: %s\n", safetext.Line(i.Name), safetext.Line(i.Why))
	}
	line := a.newProgress()
	got, err := d.Import(ctx, i, func(done, total int64) {
		if line.w != nil {
			line.show(fmt.Sprintf("checking %s: %s of %s", safetext.Line(i.Name), downloads.Bytes(done), downloads.Bytes(total)))
		}
	})
	line.clear()
	if err != nil {
		return err
	}
	for _, n := range got.Notices {
		a.note("%s", safetext.Line(n))
	}
	if asJSON {
		r := newImportRecord(i)
		r.Name, r.Imported, r.Published = got.Name, true, got.Published
		return a.writeJSON(r)
	}
	sums := "all checksums right"
	if !got.Published {
		sums = "no published checksum is known, so what is there now counts"
	}
	return a.printf("%s\n", safetext.Line(fmt.Sprintf("%s is used where %s has it (%s, %s, nothing copied): scout run %s", got.Name, got.Program, downloads.Bytes(i.Size), sums, got.Name)))
}

// listImportables writes what there is.
func (a *App) listImportables(list []downloads.Importable, unreadable []string, asJSON bool) error {
	if asJSON {
		for _, i := range list {
			if err := a.writeJSON(newImportRecord(i)); err != nil {
				return err
			}
		}
		return nil
	}
	for _, folder := range unreadable {
		a.note("%s cannot be read: what is in there is not listed", safetext.Line(folder))
	}
	if len(list) == 0 {
		a.note("neither Ollama nor the Hugging Face cache, LM Studio or llama.cpp has a model on this disk, as far as can be seen")
		return nil
	}
	var rows [][]string
	for _, i := range list {
		var notes []string
		if i.Parts > 1 {
			notes = append(notes, plural(i.Parts, "part"))
		}
		if i.Tower {
			notes = append(notes, "vision tower")
		}
		if i.Why != "" {
			notes = append(notes, i.Why)
		}
		rows = append(rows, []string{i.Name, downloads.Bytes(i.Size), i.Program, strings.Join(notes, ", ")})
	}
	if err := a.writeTable(rows); err != nil {
		return err
	}
	if a.ErrTerminal {
		a.note("'scout import NAME' uses one of them where it lies")
	}
	return nil
}

// importRecord is a model of another program as JSON. Sizes are bytes.
type importRecord struct {
	Name      string   `json:"name"`
	Program   string   `json:"program"`
	Size      int64    `json:"size"`
	Parts     int      `json:"parts"`
	Vision    bool     `json:"vision_tower"`
	Files     []string `json:"files"`
	Here      bool     `json:"here"`           // it is in the store already
	Note      string   `json:"note,omitempty"` // why it cannot be used, or as what it is here
	Imported  bool     `json:"imported"`       // it was taken into the store now
	Published bool     `json:"published_sums"` // of Imported: it was held against published checksums
}

func newImportRecord(i downloads.Importable) importRecord {
	return importRecord{Name: i.Name, Program: i.Program, Size: i.Size, Parts: i.Parts, Vision: i.Tower, Files: i.Paths, Here: i.Here, Note: i.Why}
}
