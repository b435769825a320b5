package cli

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"time"

	"scout/downloads"
	"scout/engine"
	"scout/hardware"
)

// machineRecord is what was found of this machine, as JSON: sizes in bytes, rates in
// bytes per second, and beside every figure where it came from. It says nothing of
// whose the machine is.
type machineRecord struct {
	ID       string                     `json:"id"`
	CPU      cpuRecord                  `json:"cpu"`
	Memory   memoryRecord               `json:"memory"`
	GPUs     []hardware.GPU             `json:"gpus"`
	Disks    []hardware.Drive           `json:"disks"`
	Measured map[string]hardware.Figure `json:"measured"` // by scout fit --measure
	Errors   []string                   `json:"errors,omitempty"`
}

type cpuRecord struct {
	Model    string   `json:"model"`
	Cores    int      `json:"cores"`   // of the machine
	Logical  int      `json:"logical"` // hardware threads of the machine
	Usable   int      `json:"usable"`  // that this process may keep busy
	Threads  int      `json:"threads"` // that compute where nobody says how many
	Features []string `json:"features"`
}

type memoryRecord struct {
	Total     int64  `json:"total_bytes"`
	Available int64  `json:"free_bytes"`
	Source    string `json:"source"`
}

// lookAtMachine gathers what is known of this machine. What cannot be found is
// missing, and said in Errors.
func (a *App) lookAtMachine(ctx context.Context, memory hardware.Memory) machineRecord {
	r := machineRecord{
		Memory:   memoryRecord{memory.Total, memory.Available, memorySource(memory)},
		Measured: map[string]hardware.Figure{}, GPUs: []hardware.GPU{}, Disks: []hardware.Drive{},
	}
	machine, err := a.snapshot()
	r.note(err)
	r.ID = machine.ID
	r.CPU = cpuRecord{machine.CPU.Model, machine.CPU.Physical, machine.CPU.Logical, machine.CPU.Usable, engine.DefaultThreads(), engine.ProcessorFeatures()}
	p := a.devices(ctx)
	r.GPUs = append(r.GPUs, p.GPUs...)
	for _, d := range p.Drives {
		d.Folder = withoutHome(d.Folder)
		r.Disks = append(r.Disks, d)
	}
	for _, e := range p.Errors {
		r.Errors = append(r.Errors, withoutHome(e))
	}
	measured, err := hardware.LoadCalibration(a.measurements(), r.ID)
	r.note(err)
	maps.Copy(r.Measured, measured.Figures)
	return r
}

// note keeps an error without what tells whose the machine is.
func (r *machineRecord) note(err error) {
	if err != nil {
		r.Errors = append(r.Errors, withoutHome(err.Error()))
	}
}

// measurements is the file of what was measured.
func (a *App) measurements() string { return filepath.Join(a.stateDir, "measurements.json") }

// models is the disk where models are kept, if it was found.
func (r machineRecord) models() (hardware.Drive, bool) {
	for _, d := range r.Disks {
		if d.Folder == withoutHome(modelsDir()) {
			return d, true
		}
	}
	return hardware.Drive{}, false
}

// measure measures this machine with so many threads, and remembers it: main memory,
// and the disk of the models if there is a model to read.
func (a *App) measure(ctx context.Context, seen *machineRecord, threads int) error {
	now := time.Now().UTC().Truncate(time.Second)
	rounds, err := hardware.Measure(measurements, func() (float64, error) { return a.bandwidth(ctx, threads) })
	if err != nil {
		return err
	}
	figures := map[string]hardware.Figure{
		hardware.RAMRead(threads): {Value: rounds.Best, Unit: "B/s", Spread: rounds.Spread, Rounds: rounds.Count, Date: now},
	}
	d, ok := seen.models()
	if file := largestModel(); ok && d.Device != "" && file != "" {
		// A disk that cannot be measured leaves what its kind usually reaches.
		if speed, err := a.diskSpeed(ctx, file); err == nil {
			figures[hardware.DiskRead(d.Device)] = hardware.Figure{Value: speed.Rate, Unit: "B/s", Date: now, Note: "by reading a model (" + speed.How + ")"}
		} else {
			seen.note(err)
		}
	}
	if err := a.kernelFigures(ctx, threads, seen.Memory.Available, figures); err != nil {
		seen.note(err)
	}
	maps.Copy(seen.Measured, figures)
	if err := (hardware.Calibration{Machine: seen.ID, Figures: figures}).Store(a.measurements()); err != nil {
		a.note("the measurements will be used this once: %s", withoutHome(err.Error()))
	}
	return ctx.Err()
}

// largestModel is the largest file of a pulled model; "" if there is none.
func largestModel() (file string) {
	if _, err := os.Stat(modelsDir()); err != nil {
		return ""
	}
	d, err := downloads.Open(downloads.Config{Dir: modelsDir(), Published: published})
	if err != nil {
		return ""
	}
	defer d.Close()
	usage, err := d.List()
	if err != nil {
		return ""
	}
	var largest int64
	for _, m := range usage.Models {
		if !m.Complete {
			continue
		}
		model, err := d.Path(m.Name)
		if err != nil {
			continue
		}
		if info, err := os.Stat(model.Weights); err == nil && info.Size() > largest {
			largest, file = info.Size(), model.Weights
		}
	}
	return file
}
