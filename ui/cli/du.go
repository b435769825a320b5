package cli

import (
	"cmp"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"scout/downloads"
	"scout/ui/safetext"
)

// duCommand is "scout du": what models take on the disk.
func (a *App) duCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "du",
		Short: "Show what models take on the disk",
		Long: "Shows what each model takes on the disk, the largest first: also those that are not whole, files that no model uses, and the cache of " +
			"pictures that were looked at. A file that several models use is counted with each of them and once in the total. Files of other programs " +
			"take nothing of it: they are named, since the models need them.",
		Example: "scout du\nscout du --json",
		Args:    cobra.ArbitraryArgs,
		RunE: a.keep(func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageErrorf("du takes no arguments, got %d", len(args))
			}
			return a.withDownloads("", func(d *downloads.Downloads) error { return a.du(d, asJSON) })
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write one JSON object")
	return cmd
}

// duLine is a line of what is on the disk.
type duLine struct {
	bytes int64
	name  string
	note  string
}

// du writes what the store and the caches take.
func (a *App) du(d *downloads.Downloads, asJSON bool) error {
	u, err := d.List()
	if err != nil {
		return err
	}
	pictures := folderSize(embedCache().Dir)
	if asJSON {
		return a.writeJSON(newDiskRecord(d.Dir(), u, pictures))
	}
	for _, b := range u.Broken {
		a.note("%s", safetext.Line(b.Error()))
	}
	var lines []duLine
	for _, m := range u.Models {
		lines = append(lines, duLine{m.OnDisk, m.Name, modelState(m)})
	}
	slices.SortStableFunc(lines, func(x, y duLine) int { return cmp.Compare(y.bytes, x.bytes) })
	if len(u.Unused) > 0 {
		lines = append(lines, duLine{unusedBytes(u), "unused", plural(len(u.Unused), "file") + " that no model uses: 'scout rm --unused' removes them"})
	}
	if pictures > 0 {
		lines = append(lines, duLine{pictures, "pictures", "embeddings kept so that a picture is looked at once, in " + embedCache().Dir})
	}
	lines = append(lines, duLine{u.Total + pictures, "total", downloads.Bytes(u.Free) + " free in " + d.Dir()})
	var rows [][]string
	for _, l := range lines {
		rows = append(rows, []string{downloads.Bytes(l.bytes), l.name, l.note})
	}
	if err := a.writeTable(rows); err != nil {
		return err
	}
	if u.Foreign > 0 {
		a.note("%s besides lie with other programs and are used there", downloads.Bytes(u.Foreign))
	}
	return nil
}

// folderSize is the bytes of the files in a folder and below it; what cannot be
// read is not counted.
func folderSize(dir string) int64 {
	var sum int64
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			sum += info.Size()
		}
		return nil
	})
	return sum
}

// diskRecord is what is on the disk as JSON. Sizes are bytes.
type diskRecord struct {
	usageRecord
	Foreign  int64  `json:"foreign"` // of other programs, used where they lie
	Pictures int64  `json:"pictures"`
	Cache    string `json:"pictures_dir"`
}

func newDiskRecord(dir string, u downloads.Usage, pictures int64) diskRecord {
	return diskRecord{newUsageRecord(dir, u), u.Foreign, pictures, embedCache().Dir}
}
