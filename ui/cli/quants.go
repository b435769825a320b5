package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"scout/downloads"
	"scout/ui/safetext"
)

// quantsCommand is "scout quants": the quantizations of a repository.
func (a *App) quantsCommand() *cobra.Command {
	var asJSON bool
	var caFile string
	cmd := &cobra.Command{
		Use:   "quants REPO|NAME",
		Short: "List the quantizations of a model on a hub",
		Long: "Lists what there is of a model: each quantization with the bytes of all its files (its parts and its vision tower), " +
			"whether this machine's memory can hold it, and whether it is here already. The choice is then pulled as REPO:QUANT. " +
			"For a short name that scout fit lists, they are those of its repository on Hugging Face.",
		Example: "scout quants llama4:scout\nscout quants unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF\nscout quants https://huggingface.co/user/repo --json",
		Args:    cobra.ArbitraryArgs,
		RunE: a.keep(func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageErrorf("quants takes one repository, user/repo, or a name such as llama4:scout, got %d arguments", len(args))
			}
			return a.withDownloads(caFile, func(d *downloads.Downloads) error { return a.quants(cmd.Context(), d, args[0], asJSON) })
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write one JSON object")
	cmd.Flags().StringVar(&caFile, "ca-cert", "", caFileHelp)
	return cmd
}

// variantRecord is a quantization as JSON. Sizes are bytes.
type variantRecord struct {
	Quant  string `json:"quant"`
	Name   string `json:"name"` // to pull
	Size   int64  `json:"size"`
	Parts  int    `json:"parts"`
	Vision bool   `json:"vision_tower"`
	Fits   *bool  `json:"fits,omitempty"` // in memory; absent if that is unknown
	Here   bool   `json:"here"`
}

// quants writes the quantizations of a repository.
func (a *App) quants(ctx context.Context, d *downloads.Downloads, name string, asJSON bool) error {
	ctx, stop := a.interruptible(ctx)
	defer stop()
	asked := name
	if repo, _, ok := published(name, ""); ok { // the registry would say only what that tag is
		asked = repo
		a.note("%s", safetext.Line(fmt.Sprintf("the quantizations of %s are those of %s: 'scout pull %s:QUANT' takes one", name, repo, name)))
	}
	l, err := d.Look(ctx, asked, a.waiting(name))
	if err != nil {
		return orInterrupted(ctx, err)
	}
	here := map[string]bool{}
	for _, v := range l.Variants {
		named := l.Named(v).Name()
		_, err := d.Path(named)
		here[v.Label()] = err == nil
	}
	if asJSON {
		return a.writeJSON(a.listingRecord(l, here))
	}
	for _, w := range l.Warnings {
		a.note("%s", safetext.Line(w))
	}
	if len(l.Variants) == 0 {
		return fmt.Errorf("%s has no GGUF files: look for a repository whose name ends in -GGUF", name)
	}
	if l.License.Name != "" {
		license := "licence: " + l.License.Name
		if l.Gated {
			license += " (to be accepted on the hub's site first)"
		}
		a.note("%s", safetext.Line(license))
	}
	return a.writeTable(a.variantRows(l.Variants, here))
}

// listingRecord is a listing as JSON.
func (a *App) listingRecord(l downloads.Listing, here map[string]bool) any {
	records := []variantRecord{}
	for _, v := range l.Variants {
		r := variantRecord{Quant: v.Label(), Name: l.Named(v).Name(), Size: v.Size(), Parts: len(v.Files), Vision: v.Projector != nil, Here: here[v.Label()]}
		if fits, known := a.fits(v.Size()); known {
			r.Fits = &fits
		}
		records = append(records, r)
	}
	return struct {
		Revision string          `json:"revision"`
		License  string          `json:"license,omitempty"`
		Gated    bool            `json:"gated"`
		Variants []variantRecord `json:"variants"`
		Warnings []string        `json:"warnings,omitempty"`
	}{l.Revision, l.License.Name, l.Gated, records, l.Warnings}
}

// variantRows are quantizations for people, a row each.
func (a *App) variantRows(variants []downloads.Variant, here map[string]bool) [][]string {
	var rows [][]string
	for _, v := range variants {
		var notes []string
		if len(v.Files) > 1 {
			notes = append(notes, plural(len(v.Files), "part"))
		}
		if v.Projector != nil {
			notes = append(notes, "vision tower")
		}
		if here[v.Label()] {
			notes = append(notes, "here")
		}
		memory := ""
		if fits, known := a.fits(v.Size()); known {
			memory = "fits"
			if !fits {
				memory = "larger than memory"
			}
		}
		rows = append(rows, []string{v.Label(), downloads.Bytes(v.Size()), memory, strings.Join(notes, ", ")})
	}
	return rows
}
