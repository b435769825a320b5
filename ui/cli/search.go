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

// searchFlags is what "scout search" can be told.
type searchFlags struct {
	json         bool
	limit, page  int
	sort, caFile string
}

// searchSorts are the orders, by the names they have here.
var searchSorts = map[string]downloads.Sort{"downloads": "downloads", "likes": "likes", "updated": "lastModified", "trending": "trendingScore"}

// searchCommand is "scout search": models on the Hugging Face hub.
func (a *App) searchCommand() *cobra.Command {
	var f searchFlags
	cmd := &cobra.Command{
		Use:   "search QUERY...",
		Short: "Find models on Hugging Face",
		Long: "Finds repositories of models with GGUF files on the Hugging Face hub, those most downloaded first: a line each, with the number of " +
			"parameters, the quantizations and about how large they are, the largest that this machine's memory can hold, downloads of the last month, " +
			"the licence, and when it was changed last. 'scout quants REPO' then lists a repository's exact sizes.",
		Example: "scout search llama 4 scout\nscout search qwen vl --limit 50 --sort updated\nscout search llama-4 --json | jq -r .name",
		Args:    cobra.ArbitraryArgs,
		RunE: a.keep(func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageErrorf("search takes words to look for: scout search llama 4 scout")
			}
			q, err := f.query(args)
			if err != nil {
				return err
			}
			return a.withDownloads(f.caFile, func(d *downloads.Downloads) error { return a.search(cmd.Context(), d, q, f) })
		}),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.IntVar(&f.limit, "limit", 20, "results of a page, at most 100")
	flags.IntVar(&f.page, "page", 1, "which page")
	flags.StringVar(&f.sort, "sort", "downloads", "what comes first: downloads, likes, updated or trending")
	flags.BoolVar(&f.json, "json", false, "write a JSON object a line, one for each repository")
	flags.StringVar(&f.caFile, "ca-cert", "", caFileHelp)
	return cmd
}

// query checks the flags.
func (f searchFlags) query(words []string) (downloads.Query, error) {
	q := downloads.Query{Text: strings.Join(words, " "), Limit: f.limit}
	var ok bool
	switch q.Sort, ok = searchSorts[f.sort]; {
	case !ok:
		return q, usageErrorf("--sort is %q, want downloads, likes, updated or trending", f.sort)
	case f.limit < 1 || f.limit > 100:
		return q, usageErrorf("--limit is %d, want 1 to 100", f.limit)
	case f.page < 1 || f.page > mostPages:
		return q, usageErrorf("--page is %d, want 1 to %d", f.page, mostPages)
	}
	return q, nil
}

// mostPages is how far a search goes: pages are asked for one after the other.
const mostPages = 100

// search writes a page of what a search finds.
func (a *App) search(ctx context.Context, d *downloads.Downloads, q downloads.Query, f searchFlags) error {
	ctx, stop := a.interruptible(ctx)
	defer stop()
	var found downloads.Found
	for page := 1; page <= f.page; page++ {
		var err error
		if found, err = d.Search(ctx, q, a.waiting(q.Text)); err != nil {
			return orInterrupted(ctx, err)
		}
		if q.After = found.Next; q.After == "" && page < f.page {
			return fmt.Errorf("the search has %s, and no page %d", plural(page, "page"), f.page)
		}
	}
	if f.json {
		for _, r := range found.Results {
			if err := a.writeJSON(a.newFoundRecord(r)); err != nil {
				return err
			}
		}
		return nil
	}
	if len(found.Results) == 0 {
		a.note("nothing was found: try fewer words")
		return nil
	}
	var rows [][]string
	for _, r := range found.Results {
		rows = append(rows, a.foundRow(r))
	}
	if err := a.writeTable(rows); err != nil {
		return err
	}
	if found.Next != "" && a.ErrTerminal {
		a.note("there is more: --page %d; 'scout quants REPO' lists what a repository has", f.page+1)
	}
	return nil
}

// waiting are the options of a question that is asked until it is answered:
// what it waits for is said.
func (a *App) waiting(name string) downloads.Options {
	view := a.newPullView(name, false)
	return downloads.Options{Each: func(p downloads.Progress) {
		p.Trouble = safetext.Line(p.Trouble)
		if p.State == downloads.Waiting { // else there is nothing to tell
			view.plain(p)
		}
		for _, n := range p.Notices {
			a.note("%s", safetext.Line(n))
		}
	}}
}

// foundRow is a repository for people.
func (a *App) foundRow(r downloads.SearchResult) []string {
	parameters, quants, fit := "", "", ""
	if r.Parameters > 0 {
		parameters = formatCount(r.Parameters)
	}
	if n := len(r.Quants); n > 0 {
		quants = r.Quants[0]
		if n > 1 {
			quants = fmt.Sprintf("%s to %s (%d)", r.Quants[0], r.Quants[n-1], n)
		}
		if small, large := r.About(r.Quants[0]), r.About(r.Quants[n-1]); small > 0 {
			quants += ", about " + downloads.Bytes(small)
			if n > 1 {
				quants += " to " + downloads.Bytes(large)
			}
		}
		switch best, known := a.bestFit(r); {
		case best != "":
			fit = best + " fits"
		case known:
			fit = "none fits"
		}
	}
	notes := []string{r.License}
	if r.License == "" {
		notes[0] = "no licence named"
	}
	if r.Gated {
		notes = append(notes, "gated")
	}
	if r.Tower {
		notes = append(notes, "vision")
	}
	return []string{r.Repo, parameters, quants, fit, plural(int(r.Downloads), "download"), strings.Join(notes, ", "), r.Updated}
}

// bestFit is the finest quantization that this machine's memory can hold, going
// by about what it takes; known is false if that cannot be told.
func (a *App) bestFit(r downloads.SearchResult) (best string, known bool) {
	for _, q := range slices.Backward(r.Quants) {
		size := r.About(q)
		if size == 0 {
			return "", false
		}
		fits, ok := a.fits(size)
		if !ok {
			return "", false
		}
		if fits {
			return q, true
		}
	}
	return "", true
}

// foundRecord is a repository as JSON.
type foundRecord struct {
	Name         string   `json:"name"` // USER/REPO
	Parameters   int64    `json:"parameters,omitempty"`
	Architecture string   `json:"architecture,omitempty"`
	Context      int64    `json:"context,omitempty"`
	Quants       []string `json:"quants"`
	Fits         string   `json:"fits,omitempty"` // the finest that memory can hold
	Vision       bool     `json:"vision_tower"`
	Downloads    int64    `json:"downloads"`
	Likes        int64    `json:"likes"`
	License      string   `json:"license,omitempty"`
	Gated        bool     `json:"gated"`
	Updated      string   `json:"updated,omitempty"`
}

func (a *App) newFoundRecord(r downloads.SearchResult) foundRecord {
	fits, _ := a.bestFit(r)
	quants := r.Quants
	if quants == nil {
		quants = []string{}
	}
	return foundRecord{r.Repo, r.Parameters, r.Architecture, r.Context, quants, fits, r.Tower, r.Downloads, r.Likes, r.License, r.Gated, r.Updated}
}
