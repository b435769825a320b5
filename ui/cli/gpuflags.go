package cli

import (
	"github.com/spf13/pflag"

	"scout/engine"
	"scout/ui/safetext"
)

// gpuFlags say what of a model runs on GPUs.
type gpuFlags struct {
	layers  int
	experts float64
	devices []int
	off     bool
}

func (f *gpuFlags) register(flags *pflag.FlagSet) {
	flags.IntVar(&f.layers, "gpu-layers", 0, "layers to run on GPUs, from the model's end, the output first (default: none)")
	flags.Float64Var(&f.experts, "gpu-experts", 1, "share of the routed experts of these layers that goes along, 0 to 1; the rest stays in RAM")
	flags.IntSliceVar(&f.devices, "device", nil, "numbers of the GPUs that share the layers, from 0 (default: the first that is one)")
	flags.BoolVar(&f.off, "no-gpu", false, "run on the CPU alone")
}

// check refuses values that make no sense.
func (f *gpuFlags) check() error {
	switch {
	case f.layers < 0:
		return usageErrorf("--gpu-layers is %d, want 0 or more", f.layers)
	case !(f.experts >= 0 && f.experts <= 1):
		return usageErrorf("--gpu-experts is %v, want 0 to 1", f.experts)
	case f.off && f.layers > 0:
		return usageErrorf("--no-gpu and --gpu-layers exclude each other")
	case len(f.devices) > 0 && f.layers == 0:
		return usageErrorf("--device needs --gpu-layers")
	}
	for _, d := range f.devices {
		if d < 0 {
			return usageErrorf("--device is %d, want 0 or more", d)
		}
	}
	return nil
}

// place puts what the flags say into the options of a model.
func (f *gpuFlags) place(o *engine.Options) {
	if f.layers > 0 && !f.off {
		o.Split = engine.GPUSplit{Layers: f.layers, Experts: f.experts, Devices: max(1, len(f.devices))}
		o.GPUs = f.devices
	}
}

// sayLost tells why a model left its GPUs, if it did.
func (a *App) sayLost(m model) {
	if l, ok := m.(interface{ Lost() error }); ok && l.Lost() != nil {
		a.note("went on on the CPU: %s", safetext.Line(l.Lost().Error()))
	}
}
