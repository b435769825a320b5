package cli

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/spf13/cobra"

	"scout/downloads"
	"scout/ui/safetext"
)

// verifyFlags is what "scout verify" can be told.
type verifyFlags struct {
	repair, json bool
	caFile       string
}

// verifyCommand is "scout verify": whether models are as they were published.
func (a *App) verifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify [NAME...]",
		Short: "Check downloaded models against their checksums, and repair them",
		Long: "Reads all files of models that were pulled, or of all of them, and holds them against their published checksums. " +
			"--repair downloads what is damaged again, and only that. The exit code is 1 if something is damaged and was not repaired.",
		Example: "scout verify\nscout verify llama4:scout --repair",
		Args:    cobra.ArbitraryArgs,
		RunE: a.keep(func(cmd *cobra.Command, args []string) error {
			return a.withDownloads(f.caFile, func(d *downloads.Downloads) error { return a.verify(cmd.Context(), d, args, f) })
		}),
	}
	cmd.Flags().BoolVar(&f.repair, "repair", false, "download what is damaged again")
	cmd.Flags().BoolVar(&f.json, "json", false, "write a JSON object a line, one for each model")
	cmd.Flags().StringVar(&f.caFile, "ca-cert", "", caFileHelp)
	return cmd
}

// verify checks models, all if none are named.
func (a *App) verify(ctx context.Context, d *downloads.Downloads, names []string, f verifyFlags) error {
	ctx, stop := a.interruptible(ctx)
	defer stop()
	all := len(names) == 0
	if all {
		u, err := d.List()
		if err != nil {
			return err
		}
		for _, b := range u.Broken {
			a.note("%s", safetext.Line(b.Error()))
		}
		for _, m := range u.Models {
			names = append(names, m.Name)
		}
	}
	damaged := 0
	for _, name := range names {
		right, err := a.verifyOne(ctx, d, name, f)
		var partial *downloads.IncompleteError
		switch {
		case all && errors.As(err, &partial):
			a.note("%s", safetext.Line(err.Error()))
		case errors.Is(err, downloads.ErrNoModel):
			return fmt.Errorf("no model %q was pulled: 'scout ls' lists those that were", name)
		case err != nil:
			return orInterrupted(ctx, err)
		case !right:
			damaged++
		}
	}
	if damaged > 0 {
		return fmt.Errorf("%s damaged: 'scout verify --repair' downloads again what is wrong, and only that", plural(damaged, "model"))
	}
	return nil
}

// verifyOne checks a model, and repairs it if that is wanted.
func (a *App) verifyOne(ctx context.Context, d *downloads.Downloads, name string, f verifyFlags) (right bool, err error) {
	line := a.newProgress()
	checked, err := d.Verify(ctx, name, func(done, total int64) {
		if line.w == nil {
			return
		}
		line.show(fmt.Sprintf("checking %s: %s of %s", safetext.Line(name), downloads.Bytes(done), downloads.Bytes(total)))
	})
	line.clear()
	if err != nil {
		return false, err
	}
	switch {
	case f.json:
	case checked.Right():
		return true, a.printf("%s: right\n", safetext.Line(checked.Name))
	default:
		if err := a.printDamage(checked); err != nil {
			return false, err
		}
	}
	found := checked
	if !checked.Right() && f.repair {
		view := a.newPullView(checked.Name, false)
		checked, err = d.Repair(ctx, checked, downloads.Options{Each: view.update})
		view.end()
		if err != nil {
			return false, err
		}
	}
	switch {
	case f.json:
		err = a.writeJSON(newVerifiedRecord(found, checked))
	case checked.Repaired:
		err = a.printf("%s: repaired, %s were downloaded\n", safetext.Line(checked.Name), downloads.Bytes(checked.Fetched))
	}
	return checked.Right() || checked.Repaired, err
}

// printDamage writes what is wrong with a model's files.
func (a *App) printDamage(checked downloads.Checked) error {
	for _, f := range checked.Files {
		if f.Right {
			continue
		}
		if err := a.printf("%s: %s\n", safetext.Line(checked.Name), safetext.Line(damageOf(f))); err != nil {
			return err
		}
	}
	return nil
}

// damageOf says what is wrong with a file.
func damageOf(f downloads.FileHealth) string {
	name := path.Base(f.Name)
	switch {
	case f.Why != "":
		return name + ": " + f.Why
	case f.Mapped && len(f.Damaged) > 0:
		return fmt.Sprintf("%s is damaged, in %s (%s)", name, plural(len(f.Damaged), "piece"), downloads.Bytes(f.Bytes))
	}
	return name + " is damaged"
}

// verifiedRecord is a model that was checked as JSON. Sizes are bytes.
type verifiedRecord struct {
	Name     string         `json:"name"`
	Right    bool           `json:"right"` // before any repair
	Damaged  []damageRecord `json:"damaged"`
	Repaired bool           `json:"repaired"`
	Fetched  int64          `json:"fetched"` // by the repair
}

// damageRecord is a file that is not as it was published.
type damageRecord struct {
	Name   string `json:"name"`
	Why    string `json:"why"`
	Pieces int    `json:"pieces,omitempty"` // that are damaged, where that can be told
	Size   int64  `json:"size,omitempty"`   // of those
}

func newVerifiedRecord(found, after downloads.Checked) verifiedRecord {
	r := verifiedRecord{Name: found.Name, Right: found.Right(), Damaged: []damageRecord{}, Repaired: after.Repaired, Fetched: after.Fetched}
	for _, f := range found.Files {
		if f.Right {
			continue
		}
		damage := damageRecord{Name: path.Base(f.Name), Why: damageOf(f)}
		if f.Mapped {
			damage.Pieces, damage.Size = len(f.Damaged), f.Bytes
		}
		r.Damaged = append(r.Damaged, damage)
	}
	return r
}
