package cli

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"scout/engine"
)

func TestGPUFlags(t *testing.T) {
	for _, c := range []struct {
		args []string
		want engine.Options
	}{
		{nil, engine.Options{}},
		{[]string{"--no-gpu"}, engine.Options{}},
		{[]string{"--gpu-layers", "30"}, engine.Options{Split: engine.GPUSplit{Layers: 30, Experts: 1, Devices: 1}}},
		{[]string{"--gpu-layers", "30", "--gpu-experts", "0.25", "--device", "1,0"}, engine.Options{
			Split: engine.GPUSplit{Layers: 30, Experts: 0.25, Devices: 2}, GPUs: []int{1, 0},
		}},
	} {
		a := newTestApp(t, newFakeModel("a"))
		if code := a.run(append([]string{"run", "fake", "hi"}, c.args...)...); code != 0 {
			t.Errorf("%v: exit code %d: %s", c.args, code, a.err.String())
			continue
		}
		got := engine.Options{Split: a.model.options.Split, GPUs: a.model.options.GPUs}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: options are %+v, want %+v", c.args, got, c.want)
		}
	}
}

func TestGPUFlagsRefused(t *testing.T) {
	for args, want := range map[string]string{
		"--gpu-layers=-1":                  "--gpu-layers is -1, want 0 or more",
		"--gpu-layers=3 --gpu-experts=1.5": "--gpu-experts is 1.5, want 0 to 1",
		"--gpu-layers=3 --gpu-experts=NaN": "--gpu-experts is NaN, want 0 to 1",
		"--gpu-layers=3 --no-gpu":          "--no-gpu and --gpu-layers exclude each other",
		"--device=0":                       "--device needs --gpu-layers",
		"--gpu-layers=3 --device=0,-1":     "--device is -1, want 0 or more",
	} {
		for _, command := range []string{"run fake hi", "bench fake"} {
			a := newTestApp(t, newFakeModel("a"))
			code := a.run(strings.Fields(command + " " + args)...)
			if got := a.err.String(); code != ExitUsage || !strings.Contains(got, want) {
				t.Errorf("%s %s: code %d, %q, want %q", command, args, code, got, want)
			}
		}
	}
}

// lostModel is a model that has left its GPUs.
type lostModel struct{ *fakeModel }

func (lostModel) Lost() error { return errors.New("the GPU is lost\x1b[31m") }

func TestRunSaysThatTheGPUIsLost(t *testing.T) {
	a := newTestApp(t, newFakeModel("a"))
	a.openModel = func(context.Context, string, engine.Options) (model, error) { return lostModel{a.model}, nil }
	if code := a.run("run", "fake", "hi"); code != 0 || a.out.String() != "a\n" || !strings.Contains(a.err.String(), "went on on the CPU: the GPU is lost") || strings.Contains(a.err.String(), "\x1b") {
		t.Errorf("code %d, output %q, said %q", code, a.out.String(), a.err.String())
	}
}
