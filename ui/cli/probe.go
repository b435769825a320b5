package cli

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"scout/engine"
	"scout/hardware"
)

// probeName is the command that a copy of this program runs to look at devices.
const probeName = "__probe"

// The parts of a probe, which are looked at in a process each, so that none hides
// the others.
const (
	probeDrives = "drives" // of the folders that follow
	probeGPUs   = "gpus"   // that the system and NVIDIA's library tell of
	probeVulkan = "vulkan" // and what the engine's driver interface tells besides
)

// probeCommand is the hidden "scout __probe".
func (a *App) probeCommand() *cobra.Command {
	return &cobra.Command{
		Use:    probeName + " PART [FOLDER...]",
		Short:  "Look at devices, for scout itself",
		Hidden: true,
		Args:   cobra.MinimumNArgs(1),
		RunE: a.keep(func(_ *cobra.Command, args []string) error {
			switch args[0] {
			case probeDrives:
				return a.writeJSON(hardware.ProbeDrives(args[1:]))
			case probeGPUs:
				return a.writeJSON(hardware.ProbeGPUs(nil))
			case probeVulkan:
				return a.writeJSON(hardware.ProbeGPUs(vulkanGPUs))
			}
			return usageErrorf("%s %q is none of %s, %s and %s", probeName, args[0], probeDrives, probeGPUs, probeVulkan)
		}),
	}
}

// vulkanGPUs is what the engine's interface to drivers tells of GPUs. Of processors
// that play one there is nothing to tell.
func vulkanGPUs() ([]hardware.GPU, error) {
	devices, err := engine.Devices()
	if errors.Is(err, engine.ErrNoGPUSupport) {
		return nil, nil
	}
	return fromVulkan(devices), err
}

// fromVulkan turns devices into GPUs.
func fromVulkan(devices []engine.Device) []hardware.GPU {
	const source = "Vulkan"
	var all []hardware.GPU
	for _, d := range devices {
		g := hardware.GPU{Name: d.Name, PCI: d.PCI, DriverVersion: d.Driver, Total: int64(d.Total())}
		g.Sources = map[string]string{"name": source, "kind": source, "driver_version": source, "total_bytes": source}
		if d.PCI != "" {
			g.Sources["pci"] = source
		}
		switch d.Kind {
		case engine.DiscreteGPU, engine.VirtualGPU:
			g.Kind = hardware.Discrete
		case engine.IntegratedGPU:
			g.Kind, g.Shared = hardware.Integrated, g.Total
			g.Sources["shared_bytes"] = source
		default:
			continue
		}
		budget := false // without one, what is free is not known
		for _, h := range d.Heaps {
			budget = budget || h.DeviceLocal && h.Budget > 0
		}
		if free := int64(d.Free()); budget && free <= g.Total {
			g.Free, g.Used = free, g.Total-free
			g.Sources["free_bytes"], g.Sources["used_bytes"] = source+", the driver's guess", source+", the driver's guess"
		}
		all = append(all, g)
	}
	return all
}

// probeApart looks at a part of this machine in a copy of this program.
func probeApart(ctx context.Context, args ...string) (hardware.Probe, error) {
	self, err := os.Executable()
	if err != nil {
		return hardware.Probe{}, err
	}
	return hardware.ProbeApart(ctx, hardware.ProbeTime, append([]string{self, probeName}, args...)...)
}

// probeAge is how old what was found may be: the terminal app asks again and again.
const probeAge = 30 * time.Second

// found keeps what a probe found.
type found struct {
	sync.Mutex
	at    time.Time
	probe hardware.Probe
}

// devices looks at GPUs, and at the disks of the folders of models and
// conversations. What cannot be found is missing, and said in Errors. It takes as
// long as the slowest driver, twice ProbeTime at most.
func (a *App) devices(ctx context.Context) hardware.Probe {
	a.found.Lock()
	defer a.found.Unlock()
	if !a.found.at.IsZero() && time.Since(a.found.at) < probeAge {
		return a.found.probe
	}
	var (
		drives, gpus hardware.Probe
		looking      sync.WaitGroup
	)
	looking.Go(func() { drives = a.probePart(ctx, probeDrives, modelsDir(), a.sessionsDir) })
	looking.Go(func() {
		p, err := a.probe(ctx, probeVulkan)
		if err != nil && ctx.Err() == nil { // what needs no Vulkan may still be told
			gpus = a.probePart(ctx, probeGPUs)
			gpus.Errors = append(gpus.Errors, "with Vulkan: "+err.Error())
			return
		}
		gpus = p
	})
	looking.Wait()
	p := hardware.Probe{GPUs: gpus.GPUs, Drives: drives.Drives, Errors: append(gpus.Errors, drives.Errors...)}
	if ctx.Err() == nil {
		a.found.at, a.found.probe = time.Now(), p
	}
	return p
}

// probePart is one part, whose failure is one of its errors.
func (a *App) probePart(ctx context.Context, args ...string) hardware.Probe {
	p, err := a.probe(ctx, args...)
	if err != nil {
		p.Errors = append(p.Errors, strings.TrimPrefix(err.Error(), "hardware: "))
	}
	return p
}
