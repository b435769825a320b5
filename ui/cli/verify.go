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

// verifyCommand is "scout verify": whether models are as they were published.
func (a *App) verifyCommand() *cobra.Command {
	var repair bool
	var caFile string
	cmd := &cobra.Command{
		Use:   "verify [NAME...]",
		Short: "Check downloaded models against their checksums, and repair them",
		Long: "Reads all files of models that were pulled, or of all of them, and holds them against their published checksums. " +
			"--repair downloads what is damaged again, and only that. The exit code is 1 if something is damaged and was not repaired.",
		Example: "scout verify\nscout verify llama4:scout --repair",
		Args:    cobra.ArbitraryArgs,
		RunE: a.keep(func(cmd *cobra.Command, args []string) error {
			return a.withDownloads(caFile, func(d *downloads.Downloads) error { return a.verify(cmd.Context(), d, args, repair) })
		}),
	}
	cmd.Flags().BoolVar(&repair, "repair", false, "download what is damaged again")
	cmd.Flags().StringVar(&caFile, "ca-cert", "", "file of further root certificates (PEM)")
	return cmd
}

// verify checks models, all if none are named.
func (a *App) verify(ctx context.Context, d *downloads.Downloads, names []string, repair bool) error {
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
		right, err := a.verifyOne(ctx, d, name, repair)
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
func (a *App) verifyOne(ctx context.Context, d *downloads.Downloads, name string, repair bool) (right bool, err error) {
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
	if checked.Right() {
		return true, a.printf("%s: right\n", safetext.Line(checked.Name))
	}
	for _, f := range checked.Files {
		if f.Right {
			continue
		}
		if err := a.printf("%s: %s\n", safetext.Line(checked.Name), safetext.Line(damageOf(f))); err != nil {
			return false, err
		}
	}
	if !repair {
		return false, nil
	}
	view := a.newPullView(checked.Name, false)
	checked, err = d.Repair(ctx, checked, downloads.Options{Each: view.update})
	view.end()
	if err != nil {
		return false, err
	}
	return true, a.printf("%s: repaired, %s were downloaded\n", safetext.Line(checked.Name), downloads.Bytes(checked.Fetched))
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
