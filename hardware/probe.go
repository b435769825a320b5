package hardware

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"time"
)

// Probe is what looking at this machine's devices found. It is written as JSON by a
// process that looks, and read by the one that started it.
type Probe struct {
	GPUs   []GPU    `json:"gpus,omitempty"`
	Drives []Drive  `json:"drives,omitempty"`
	Errors []string `json:"errors,omitempty"` // what could not be read, a line each
}

// ProbeGPUs looks at the GPUs in this process: a driver that crashes takes it down,
// and one that hangs never lets go of it. Callers that matter ask ProbeApart. more,
// if it is not nil, is a further source.
func ProbeGPUs(more func() ([]GPU, error)) Probe {
	var p Probe
	gpus, err := findGPUs()
	p.note(err)
	if more != nil {
		others, err := more()
		p.note(err)
		gpus = MergeGPUs(gpus, others)
	}
	for i := range gpus {
		gpus[i].fromTable()
	}
	p.GPUs = gpus
	return p
}

// ProbeDrives looks at the drives of folders in this process, which hangs where a
// server that holds a folder does.
func ProbeDrives(folders []string) Probe {
	var p Probe
	for _, folder := range folders {
		d, err := FindDrive(folder)
		p.note(err)
		if err == nil {
			p.Drives = append(p.Drives, d)
		}
	}
	return p
}

// note keeps an error's lines.
func (p *Probe) note(err error) {
	if err == nil {
		return
	}
	var several interface{ Unwrap() []error }
	if errors.As(err, &several) {
		for _, e := range several.Unwrap() {
			p.note(e)
		}
		return
	}
	p.Errors = append(p.Errors, err.Error())
}

// GPUsThatCompute are those that a model could run on.
func (p Probe) GPUsThatCompute() []GPU {
	var all []GPU
	for _, g := range p.GPUs {
		if g.Kind != Virtual {
			all = append(all, g)
		}
	}
	return all
}

// ProbeTime is how long looking may take. Drivers that wake a sleeping card take up
// to two seconds.
const ProbeTime = 5 * time.Second

// findGPUs asks every source of this system.
func findGPUs() ([]GPU, error) {
	gpus, err := systemGPUs(os.DirFS("/"))
	cards, _, nvmlErr := nvmlGPUs()
	all := MergeGPUs(cards, gpus) // NVML first: it asks the cards themselves
	slices.SortStableFunc(all, func(a, b GPU) int { return cmp.Compare(a.PCI, b.PCI) })
	return all, errors.Join(err, nvmlErr)
}
