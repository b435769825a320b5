package cli

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"scout/downloads"
	"scout/ui/safetext"
)

// quantsCommand is "scout quants": the quantizations of a repository.
func (a *App) quantsCommand() *cobra.Command {
	var asJSON bool
	var caFile string
	cmd := &cobra.Command{
		Use:   "quants REPO",
		Short: "List the quantizations of a model on a hub",
		Long: "Lists what there is of a model: each quantization with the bytes of all its files (its parts and its vision tower), " +
			"whether this machine's memory can hold it, and whether it is here already. The choice is then pulled as REPO:QUANT.",
		Example: "scout quants unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF\nscout quants https://huggingface.co/user/repo --json",
		Args:    cobra.ArbitraryArgs,
		RunE: a.keep(func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageErrorf("quants takes one repository, user/repo, got %d arguments", len(args))
			}
			return a.withDownloads(caFile, func(d *downloads.Downloads) error { return a.quants(cmd.Context(), d, args[0], asJSON) })
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write one JSON object")
	cmd.Flags().StringVar(&caFile, "ca-cert", "", "file of further root certificates (PEM)")
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
	view := a.newPullView(name, false)
	l, err := d.Look(ctx, name, downloads.Options{Each: func(p downloads.Progress) {
		if p.State == downloads.Waiting { // else there is nothing to tell
			view.plain(p)
		}
	}})
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
	return a.printf("%s", a.variantTable(l.Variants, here))
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

// variantTable is quantizations for people, a line each.
func (a *App) variantTable(variants []downloads.Variant, here map[string]bool) string {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
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
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", safetext.Line(v.Label()), downloads.Bytes(v.Size()), memory, strings.Join(notes, ", "))
	}
	table.Flush() // into memory: it cannot fail
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}
