package cli

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"scout/downloads"
	"scout/hardware"
	"scout/sessions"
	"scout/ui/safetext"
)

// doctorCommand is "scout doctor": what a bug report should say.
func (a *App) doctorCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine, terminal and installation are, for a bug report",
		Long: "Says what scout finds of this machine, of the terminal and of its own folders, on one screen that can be pasted into a bug report. " +
			"It says nothing of whose they are: no tokens, no names of models or conversations, the home folder as ~.",
		Example: "scout doctor\nscout doctor --json",
		Args:    cobra.ArbitraryArgs,
		RunE: a.keep(func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageErrorf("doctor takes no arguments, got %d", len(args))
			}
			return a.doctor(cmd.Context(), asJSON)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write one JSON object")
	return cmd
}

// doctorRecord is the report as JSON. Sizes are bytes.
type doctorRecord struct {
	Scout       string         `json:"scout"` // version
	Go          string         `json:"go"`
	Platform    string         `json:"platform"`
	System      string         `json:"system"`
	Machine     machineRecord  `json:"machine"`
	Terminal    terminalRecord `json:"terminal"`
	Models      modelsRecord   `json:"models"`
	Sessions    sessionsRecord `json:"sessions"`
	Ledger      ledgerRecord   `json:"ledger"`
	Environment []string       `json:"environment"` // variables that matter, by name: what they hold stays here
	Problems    []string       `json:"problems"`
}

// modelsRecord is the store of pulled models.
type modelsRecord struct {
	Folder     string `json:"folder"`
	Exists     bool   `json:"exists"`
	Models     int    `json:"models"`
	Incomplete int    `json:"incomplete"`
	Broken     int    `json:"broken"`
	Bytes      int64  `json:"bytes"`
	Unused     int    `json:"unused_files"`
}

// sessionsRecord is the store of conversations.
type sessionsRecord struct {
	Folder  string `json:"folder"`
	Exists  bool   `json:"exists"`
	Count   int    `json:"conversations"`
	Deleted int    `json:"deleted"`
	Damaged int    `json:"damaged"`
}

// doctor writes the report.
func (a *App) doctor(ctx context.Context, asJSON bool) error {
	ctx, stop := a.interruptible(ctx)
	defer stop()
	r := a.examine(ctx)
	if ctx.Err() != nil {
		return orInterrupted(ctx, ctx.Err())
	}
	if asJSON {
		return a.writeJSON(r)
	}
	return a.printf("%s", r.text())
}

// examine gathers the report. What cannot be found is one of its problems.
func (a *App) examine(ctx context.Context) doctorRecord {
	r := doctorRecord{
		Scout: a.version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, System: hardware.System(),
		Terminal: a.terminalFacts(os.Getenv), Environment: environmentNames(os.Environ()), Problems: []string{},
	}
	memory, err := a.memory()
	r.problem(err)
	r.Machine = a.lookAtMachine(ctx, memory)
	r.Problems = append(r.Problems, r.Machine.Errors...)
	r.Ledger, err = examineLedger(a.pastFile(), r.Machine.ID)
	r.problem(err)
	r.Models, err = examineModels(modelsDir())
	r.problem(err)
	r.Sessions, err = examineSessions(a.sessionsDir)
	r.problem(err)
	return r
}

func (r *doctorRecord) problem(err error) {
	if err != nil {
		r.Problems = append(r.Problems, withoutHome(err.Error()))
	}
}

// examineModels counts what is in the store of models. It makes nothing.
func examineModels(dir string) (modelsRecord, error) {
	r := modelsRecord{Folder: withoutHome(dir)}
	if _, err := os.Stat(dir); err != nil {
		return r, notMissing(err)
	}
	r.Exists = true
	d, err := downloads.Open(downloads.Config{Dir: dir, Published: published})
	if err != nil {
		return r, err
	}
	defer d.Close()
	usage, err := d.List()
	if err != nil {
		return r, err
	}
	r.Models, r.Broken, r.Bytes, r.Unused = len(usage.Models), len(usage.Broken), usage.Total, len(usage.Unused)
	for _, m := range usage.Models {
		if !m.Complete || m.Missing != "" {
			r.Incomplete++
		}
	}
	return r, nil
}

// examineSessions counts conversations, and those that something was found wrong with.
// It makes no folder.
func examineSessions(dir string) (sessionsRecord, error) {
	r := sessionsRecord{Folder: withoutHome(dir)}
	if _, err := os.Stat(dir); err != nil {
		return r, notMissing(err)
	}
	r.Exists = true
	store, err := sessions.Open(dir)
	if err != nil {
		return r, err
	}
	defer store.Close()
	all, err := store.List()
	if err != nil {
		return r, err
	}
	for _, s := range all {
		switch {
		case !s.Deleted.IsZero():
			r.Deleted++
		default:
			r.Count++
		}
		if len(s.Damage) > 0 {
			r.Damaged++
		}
	}
	return r, nil
}

// notMissing is the error, unless it says that something is not there.
func notMissing(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

// environmentNames is the names of the variables that change what scout does. Some
// hold tokens, so that what they hold is never read.
func environmentNames(environ []string) []string {
	names := []string{}
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		for _, prefix := range []string{"SCOUT_", "HF_", "HUGGING_FACE_", "OLLAMA_", "XDG_", "VK_", "GOMAXPROCS", "GOMEMLIMIT", "ACCESSIBLE", "NO_COLOR", "CLICOLOR", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "CUDA_VISIBLE_DEVICES"} {
			if strings.HasPrefix(name, prefix) {
				names = append(names, safetext.Line(name))
				break
			}
		}
	}
	return names
}

// text is the report for people.
func (r doctorRecord) text() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-14s%s\n", name, safetext.Line(fmt.Sprintf(format, args...)))
	}
	line("scout", "%s, %s, %s", r.Scout, r.Go, r.Platform)
	line("system", "%s", r.System)
	r.Machine.text(line)
	if r.Models.Exists {
		line("models", "%s: %s, %d not whole, %d broken, %s", r.Models.Folder, plural(r.Models.Models, "model"), r.Models.Incomplete, r.Models.Broken, formatBytes(r.Models.Bytes))
	} else {
		line("models", "%s: nothing was pulled yet", r.Models.Folder)
	}
	if r.Sessions.Exists {
		line("conversations", "%s: %d, and %d deleted; %d damaged", r.Sessions.Folder, r.Sessions.Count, r.Sessions.Deleted, r.Sessions.Damaged)
	} else {
		line("conversations", "%s: none yet", r.Sessions.Folder)
	}
	r.Ledger.text(line)
	r.Terminal.text(line)
	if len(r.Environment) > 0 {
		line("variables", "%s", strings.Join(r.Environment, ", "))
	}
	for _, p := range r.Problems {
		line("problem", "%s", p)
	}
	return b.String()
}

// text is the lines of a machine.
func (r machineRecord) text(line func(name, format string, args ...any)) {
	features := "plain loops"
	if len(r.CPU.Features) > 0 {
		features = strings.Join(r.CPU.Features, ", ")
	}
	line("processor", "%s; %d cores, %d threads, %d usable", r.CPU.Model, r.CPU.Cores, r.CPU.Logical, r.CPU.Usable)
	line("kernels", "%s, on %s", features, plural(r.CPU.Threads, "thread"))
	line("memory", "%s, %s of it free (%s)", formatBytes(r.Memory.Total), formatBytes(r.Memory.Available), r.Memory.Source)
	if f, ok := r.Measured[hardware.RAMRead(r.CPU.Threads)]; ok {
		line("memory speed", "%s (%s)", formatBandwidth(f.Value), measuredText(f))
	} else {
		line("memory speed", "not measured: scout fit --measure does")
	}
	if len(r.GPUs) == 0 {
		line("GPU", "none found")
	}
	for _, g := range r.GPUs {
		line("GPU", "%s", strings.TrimPrefix(describeGPU(g), "GPU: "))
	}
	seen := map[string]bool{}
	for _, d := range r.Disks {
		if key := fmt.Sprint(d.Device, d.FileSystem, d.Total); seen[key] && d.Device != "" {
			continue // holds both folders
		} else {
			seen[key] = true
		}
		speed := "speed not known"
		if f, ok := r.Measured[hardware.DiskRead(d.Device)]; ok && d.Device != "" {
			speed = fmt.Sprintf("%s (%s)", diskRate(f.Value), measuredText(f))
		} else if d.Bandwidth > 0 {
			speed = fmt.Sprintf("%s (%s)", diskRate(d.Bandwidth), d.Sources["bandwidth_bytes_s"])
		}
		line("disk", "%s, %s: %s of %s free, %s", driveName(d), d.FileSystem, formatBytes(d.Free), formatBytes(d.Total), speed)
	}
}
