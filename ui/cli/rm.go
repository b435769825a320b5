package cli

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"scout/downloads"
	"scout/ui/safetext"
)

// rmCommand is "scout rm": models from the disk.
func (a *App) rmCommand() *cobra.Command {
	var unused, asJSON bool
	cmd := &cobra.Command{
		Use:   "rm NAME...",
		Short: "Remove downloaded models",
		Long: "Removes models that were pulled, whole or not, and says what that frees. Files that another model uses too are kept, " +
			"and so is everything while a manifest of the store cannot be read. --unused removes files that no model uses.",
		Example: "scout rm unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF:Q2_K\nscout rm --unused",
		Args:    cobra.ArbitraryArgs,
		RunE: a.keep(func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && !unused {
				return usageErrorf("rm takes the names of models: 'scout ls' lists them")
			}
			return a.withDownloads("", func(d *downloads.Downloads) error { return a.rm(d, args, unused, asJSON) })
		}),
	}
	cmd.Flags().BoolVar(&unused, "unused", false, "remove files that no model uses")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write a JSON object a line, one for each model")
	return cmd
}

// rm removes models.
func (a *App) rm(d *downloads.Downloads, names []string, unused, asJSON bool) error {
	for _, name := range names {
		r, err := d.Remove(name)
		if errors.Is(err, downloads.ErrNoModel) {
			return fmt.Errorf("no model %q was pulled: 'scout ls' lists those that were", name)
		}
		if err != nil {
			return err
		}
		if asJSON {
			err = a.writeJSON(newRemovedRecord(r))
		} else {
			err = a.printf("%s\n", safetext.Line(removedLine(r)))
		}
		if err != nil {
			return err
		}
	}
	if !unused {
		return nil
	}
	freed, err := d.RemoveUnused()
	if err != nil {
		return err
	}
	if asJSON {
		return a.writeJSON(removedRecord{Freed: freed, Kept: []keptRecord{}})
	}
	return a.printf("removed what no model uses: %s are free again\n", downloads.Bytes(freed))
}

// removedLine says what a removal did, and what it left and why.
func removedLine(r downloads.Removal) string {
	line := fmt.Sprintf("removed %s: %s are free again", r.Name, downloads.Bytes(r.Freed))
	for _, k := range r.Kept {
		reason := strings.Join(k.By, " and ")
		if len(k.By) == 0 {
			line += fmt.Sprintf("; %s stays, it belongs to %s", k.File.Path, k.File.Owner)
			continue
		}
		verb := "uses"
		if len(k.By) > 1 {
			verb = "use"
		}
		line += fmt.Sprintf("; kept %s (%s), which %s %s too", path.Base(k.File.Name), downloads.Bytes(k.File.Size), reason, verb)
	}
	return line
}

// removedRecord is a removal as JSON. Sizes are bytes.
type removedRecord struct {
	Name  string       `json:"name"` // empty for files that no model used
	Freed int64        `json:"freed"`
	Kept  []keptRecord `json:"kept"`
}

// keptRecord is a file that stays.
type keptRecord struct {
	Name   string   `json:"name"`
	Size   int64    `json:"size"`
	UsedBy []string `json:"used_by,omitempty"` // other models
	Owner  string   `json:"owner,omitempty"`   // the program that it belongs to
}

func newRemovedRecord(r downloads.Removal) removedRecord {
	out := removedRecord{Name: r.Name, Freed: r.Freed, Kept: []keptRecord{}}
	for _, k := range r.Kept {
		out.Kept = append(out.Kept, keptRecord{Name: path.Base(k.File.Name), Size: k.File.Size, UsedBy: k.By, Owner: k.File.Owner})
	}
	return out
}
