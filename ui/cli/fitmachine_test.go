package cli

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scout/hardware"
)

// roomy is an App on a workstation with 64 GiB of memory.
func roomy(t *testing.T) *testApp {
	t.Helper()
	home := elsewhere(t)
	a := newTestApp(t, newFakeModel())
	probed(a, workstation(filepath.Join(home, "models")), nil)
	a.App.memory = func() (hardware.Memory, error) {
		return hardware.Memory{Total: 64 * gibibyte, Available: 60 * gibibyte}, nil
	}
	return a
}

// TestFitHardware expects the GPUs and the disk of this machine in what fit says,
// with their sources, and plans without a GPU unless asked otherwise.
func TestFitHardware(t *testing.T) {
	tests := []struct {
		args []string
		gpus int // in the plan
		say  []string
	}{
		{nil, 0, []string{"RTX 4090, discrete, 24.0 GiB, 23.0 GiB of it free (NVML)", "(not planned with; --gpu here does)", "(not planned with: it shares main memory)", "disk: nvme0n1p2, nvme4, 6.0 GB/s, 400.0 GiB free"}},
		{[]string{"--gpu", "none"}, 0, []string{"not planned with"}},
		{[]string{"--gpu", "Here"}, 2, []string{"(planned with)"}},
		{[]string{"--disk", "hdd"}, 0, []string{"disk: hdd"}},
	}
	for _, test := range tests {
		a := roomy(t)
		args := append([]string{"fit", "llama3.1:8b:Q4_K_M", "--json"}, test.args...)
		if code := a.run(args...); code != ExitDone {
			t.Fatal(code, a.err.String())
		}
		var r fitRecord
		if err := json.Unmarshal(a.out.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		if len(r.Devices) != 1+test.gpus || r.Hardware == nil || len(r.Hardware.GPUs) != 4 || len(r.Hardware.Disks) != 1 || r.Hardware.Disks[0].Folder != "~/models" {
			t.Errorf("%v: got %d devices, hardware %+v", test.args, len(r.Devices), r.Hardware)
		}
		sources := strings.Join(r.Sources, "\n")
		for _, want := range test.say {
			if !strings.Contains(sources, want) {
				t.Errorf("%v: the sources lack %q:\n%s", test.args, want, sources)
			}
		}
		if test.gpus == 2 && (r.Devices[1].Name != "NVIDIA GeForce RTX 4090" || r.Devices[1].Free != 23*gibibyte || r.Devices[2].Free != 8*gibibyte-8*gibibyte/10 || r.Devices[1].Weights == 0) {
			t.Errorf("%v: got devices %+v", test.args, r.Devices)
		}
		if strings.Contains(sources, "ASPEED") {
			t.Errorf("%v: a screen's controller is among the GPUs:\n%s", test.args, sources)
		}
	}
	// About another machine, nothing is said of this one.
	a := roomy(t)
	if a.run("fit", "llama3.1:8b:Q4_K_M", "--json", "--ram", "64GB", "--gpu", "none"); strings.Contains(a.out.String(), `"hardware"`) || strings.Contains(a.out.String(), "4090") {
		t.Errorf("got %s", a.out.String())
	}
	a = roomy(t)
	if code := a.run("fit", "--gpu", "here", "--ram", "64GB"); code != ExitUsage || !strings.Contains(a.err.String(), "this machine") {
		t.Errorf("got code %d, %q", code, a.err.String())
	}
}

// TestMeasureIsRemembered measures once and plans with it from then on, until it is
// measured again.
func TestMeasureIsRemembered(t *testing.T) {
	a := roomy(t)
	asked := 0
	rate := 40e9
	a.bandwidth = func(context.Context, int) (float64, error) {
		asked++
		if asked%measurements == 2 {
			return rate, nil
		}
		return rate * 0.9, nil
	}
	speed := func(args ...string) float64 {
		t.Helper()
		b := roomy(t)
		b.bandwidth, b.stateDir = a.bandwidth, a.stateDir
		if code := b.run(append([]string{"fit", "llama3.1:8b:Q4_K_M", "--json", "--threads", "4"}, args...)...); code != ExitDone {
			t.Fatal(code, b.err.String())
		}
		var r fitRecord
		if err := json.Unmarshal(b.out.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		f := r.Hardware.Measured[hardware.RAMRead(4)]
		if f.Value > 0 && (f.Rounds != measurements || f.Spread < 0.0999 || f.Spread > 0.1001 || f.Unit != "B/s" || f.Date.IsZero()) {
			t.Errorf("got %+v", f)
		}
		if said := strings.Contains(strings.Join(r.Sources, "\n"), "the worst 10 % slower, with 4 threads"); said != (f.Value > 0) {
			t.Errorf("measured: %v; said so: %v", f.Value > 0, said)
		}
		return f.Value
	}
	if speed() != 0 || asked != 0 {
		t.Error("it measured without being asked")
	}
	if got := speed("--measure"); got != 40e9 || asked != measurements {
		t.Errorf("got %v after %d rounds", got, asked)
	}
	if got := speed(); got != 40e9 || asked != measurements {
		t.Errorf("later: got %v after %d rounds", got, asked)
	}
	if rate = 50e9; speed("--measure") != 50e9 || speed() != 50e9 {
		t.Error("it was not measured again")
	}
	c, err := hardware.LoadCalibration(a.measurements(), "other")
	if err != nil || len(c.Figures) != 0 {
		t.Errorf("another machine has %+v, %v", c, err)
	}
}

// TestMeasureFails expects a failed measurement to be an error, and a place where it
// cannot be kept a note.
func TestMeasureFails(t *testing.T) {
	a := roomy(t)
	a.bandwidth = func(context.Context, int) (float64, error) { return 0, errors.New("hardware: nothing to spare") }
	if code := a.run("fit", "--measure"); code != ExitError || strings.Count(a.err.String(), "\n") != 1 {
		t.Errorf("got code %d, %q", code, a.err.String())
	}
	a = roomy(t)
	a.stateDir = filepath.Join(a.stateDir, "file", "in a file")
	if err := os.WriteFile(filepath.Dir(a.stateDir), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code := a.run("fit", "llama3.1:8b:Q4_K_M", "--measure"); code != ExitDone || !strings.Contains(a.err.String(), "this once") || !strings.Contains(a.out.String(), "1.0 GB/s (measured") {
		t.Errorf("got code %d, %q, %q", code, a.out.String(), a.err.String())
	}
	a = roomy(t)
	a.signals <- os.Interrupt
	a.bandwidth = func(ctx context.Context, _ int) (float64, error) { <-ctx.Done(); return 0, ctx.Err() }
	if code := a.run("fit", "--measure"); code != ExitInterrupted {
		t.Errorf("interrupted: got code %d, %q", code, a.err.String())
	}
}

// TestMeasureDisk measures with the largest pulled model, remembers the disk's speed,
// and goes without where there is no model or the disk cannot be measured.
func TestMeasureDisk(t *testing.T) {
	a := roomy(t)
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	disk := func() (hardware.Figure, string) {
		t.Helper()
		a.out.Reset()
		if code := a.run("fit", "llama3.1:8b:Q4_K_M", "--measure", "--json"); code != ExitDone {
			t.Fatal(code, a.err.String())
		}
		var r fitRecord
		if err := json.Unmarshal(a.out.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		return r.Hardware.Measured[hardware.DiskRead("nvme0n1p2")], strings.Join(append(r.Sources, r.Hardware.Errors...), "\n")
	}
	var read []string
	fails := error(nil)
	a.diskSpeed = func(_ context.Context, file string) (hardware.DiskSpeed, error) {
		read = append(read, file)
		return hardware.DiskSpeed{Rate: 3.5e9, How: "O_DIRECT"}, fails
	}
	if f, _ := disk(); f.Value != 0 || len(read) != 0 {
		t.Errorf("without a model: got %+v from %v", f, read)
	}
	ollamaHas(t)
	b := newTestApp(t, newFakeModel())
	if code := b.run("import", "tiny:latest"); code != ExitDone {
		t.Fatal(code, b.err.String())
	}
	fails = errors.New("hardware: bad sector in " + home)
	if f, said := disk(); f.Value != 0 || len(read) != 1 || !strings.Contains(said, "bad sector in ~") {
		t.Errorf("a disk that fails: got %+v, said %s", f, said)
	}
	fails = nil
	f, said := disk()
	if f.Value != 3.5e9 || len(read) != 2 || !strings.Contains(said, "disk: nvme0n1p2, nvme4, 3.5 GB/s, 400.0 GiB free (measured ") || !strings.Contains(said, "by reading a model (O_DIRECT)") {
		t.Errorf("got %+v from %v, said %s", f, read, said)
	}
	if info, err := os.Stat(read[1]); err != nil || info.Size() < 1<<20 {
		t.Errorf("it read %s: %v", read[1], err)
	}
}
