package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"scout/downloads"
	"scout/ui/safetext"
)

// lsCommand is "scout ls": the models that were pulled.
func (a *App) lsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "ls",
		Short:   "List downloaded models",
		Long:    "Lists the models that were pulled, also those that are still on their way, and what they take on the disk.",
		Example: "scout ls\nscout ls --json",
		Args:    cobra.ArbitraryArgs,
		RunE: a.keep(func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageErrorf("ls takes no arguments, got %d", len(args))
			}
			return a.withDownloads("", func(d *downloads.Downloads) error { return a.ls(d, asJSON) })
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write one JSON object")
	return cmd
}

// storedRecord is a stored model as JSON. Sizes are bytes.
type storedRecord struct {
	Name     string    `json:"name"`
	Source   string    `json:"source"`
	Revision string    `json:"revision"`
	License  string    `json:"license,omitempty"`
	Pulled   time.Time `json:"pulled"`
	Complete bool      `json:"complete"`
	Size     int64     `json:"size"`
	Have     int64     `json:"have"`
	OnDisk   int64     `json:"on_disk"`
	Shared   int64     `json:"shared"`
	Process  int       `json:"process,omitempty"` // that is downloading it
	Missing  string    `json:"missing,omitempty"` // what was there and is not any more
}

// usageRecord is the store as JSON.
type usageRecord struct {
	Dir    string         `json:"dir"`
	Total  int64          `json:"total"`
	Free   int64          `json:"free"`
	Unused int64          `json:"unused"`
	Models []storedRecord `json:"models"`
	Broken []string       `json:"broken,omitempty"`
}

// ls writes the models of the store.
func (a *App) ls(d *downloads.Downloads, asJSON bool) error {
	u, err := d.List()
	if err != nil {
		return err
	}
	if asJSON {
		return a.writeJSON(newUsageRecord(d.Dir(), u))
	}
	for _, b := range u.Broken {
		a.note("%s", safetext.Line(b.Error()))
	}
	if len(u.Models) > 0 {
		if err := a.writeTable(modelRows(u)); err != nil {
			return err
		}
	}
	if unused := unusedBytes(u); len(u.Unused) > 0 {
		a.note("%s in %s that no model uses: 'scout rm --unused' removes them", downloads.Bytes(unused), plural(len(u.Unused), "file"))
	}
	if a.ErrTerminal {
		a.note("%s in %s, %s free", downloads.Bytes(u.Total), safetext.Line(d.Dir()), downloads.Bytes(u.Free))
	}
	return nil
}

func unusedBytes(u downloads.Usage) int64 {
	var sum int64
	for _, p := range u.Unused {
		sum += p.OnDisk
	}
	return sum
}

func newUsageRecord(dir string, u downloads.Usage) usageRecord {
	r := usageRecord{Dir: dir, Total: u.Total, Free: u.Free, Unused: unusedBytes(u), Models: []storedRecord{}}
	for _, m := range u.Models {
		r.Models = append(r.Models, storedRecord{
			Name: m.Name, Source: m.Source, Revision: m.Revision, License: m.License, Pulled: m.Pulled, Complete: m.Complete,
			Size: m.Size(), Have: m.Have, OnDisk: m.OnDisk, Shared: m.Shared, Process: max(m.Owner, 0), Missing: m.Missing,
		})
	}
	for _, b := range u.Broken {
		r.Broken = append(r.Broken, b.Error())
	}
	return r
}

// modelRows are the models for people, a row each.
func modelRows(u downloads.Usage) [][]string {
	var rows [][]string
	for _, m := range u.Models {
		rows = append(rows, []string{m.Name, downloads.Bytes(m.Size()), m.Pulled.Local().Format("2006-01-02 15:04"), modelState(m)})
	}
	return rows
}

// modelState says what is to be said of a model beside its size.
func modelState(m downloads.ModelUsage) string {
	var notes []string
	switch {
	case !m.Complete && m.Owner >= 0:
		notes = append(notes, fmt.Sprintf("%s downloaded, process %d is at it", percent(m.Have, m.Size()), m.Owner))
	case !m.Complete:
		notes = append(notes, fmt.Sprintf("%s downloaded: 'scout pull' goes on", percent(m.Have, m.Size())))
	}
	if m.Shared > 0 {
		notes = append(notes, downloads.Bytes(m.Shared)+" shared with others")
	}
	for _, f := range m.Files {
		if f.Owner != "" {
			notes = append(notes, "uses a file of "+f.Owner)
			break
		}
	}
	if m.Missing != "" {
		notes = append(notes, m.Missing)
	}
	return strings.Join(notes, ", ")
}
