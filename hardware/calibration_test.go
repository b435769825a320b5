package hardware

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCalibration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state", "calibration.json")
	day := time.Date(2026, 11, 25, 1, 2, 3, 0, time.UTC)
	c, err := LoadCalibration(file, "a")
	if err != nil || c.Machine != "a" || len(c.Figures) != 0 {
		t.Fatalf("nothing was measured: got %+v, %v", c, err)
	}
	store := func(machine string, figures map[string]Figure) {
		t.Helper()
		if err := (Calibration{Machine: machine, Figures: figures}).Store(file); err != nil {
			t.Fatal(err)
		}
	}
	ram := Figure{Value: 41e9, Unit: "B/s", Spread: 0.1, Rounds: 5, Date: day}
	store("a", map[string]Figure{RAMRead(8): ram})
	store("a", map[string]Figure{"kernel q4_K": {Value: 71e9, Unit: "products/s", Date: day}}) // another package's
	store("b", map[string]Figure{RAMRead(8): {Value: 5, Unit: "B/s"}})
	store("a", map[string]Figure{DiskRead("nvme0n1"): {Value: 3e9, Unit: "B/s"}, RAMRead(8): {Value: 42e9, Unit: "B/s"}})
	c, err = LoadCalibration(file, "a")
	if err != nil || len(c.Figures) != 3 || c.Figures[RAMRead(8)].Value != 42e9 || c.Figures["kernel q4_K"].Unit != "products/s" || !c.Figures["kernel q4_K"].Date.Equal(day) {
		t.Errorf("got %+v, %v", c, err)
	}
	if c, err := LoadCalibration(file, "b"); err != nil || len(c.Figures) != 1 || c.Figures[RAMRead(8)].Value != 5 {
		t.Errorf("another machine: got %+v, %v", c, err)
	}
	left, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(left) != 1 {
		t.Errorf("files beside it: %v, %v", left, err)
	}
}

// TestCalibrationKeepsMachines fills a file with more machines than it keeps.
func TestCalibrationKeepsMachines(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.json")
	for i := range mostMachines + 3 {
		c := Calibration{Machine: strings.Repeat("m", i+1), Figures: map[string]Figure{"x": {Value: 1, Unit: "B/s"}}}
		if err := c.Store(file); err != nil {
			t.Fatal(err)
		}
	}
	all, err := readCalibrations(file)
	if err != nil || len(all.Machines) != mostMachines || all.Machines[0].Machine != "mmmm" {
		t.Errorf("got %d machines, the first %q, %v", len(all.Machines), all.Machines[0].Machine, err)
	}
}

func TestCalibrationRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	broken := write("broken", `{"version":1,"machines":[{"mach`)
	if c, err := LoadCalibration(broken, "a"); err == nil || strings.Contains(err.Error(), "\n") || len(c.Figures) != 0 || c.Figures == nil {
		t.Errorf("a broken file: got %+v, %v", c, err)
	}
	good := Calibration{Machine: "a", Figures: map[string]Figure{"x": {Value: 1, Unit: "B/s"}}}
	if err := good.Store(broken); err != nil {
		t.Errorf("over a broken file: %v", err)
	}
	if c, err := LoadCalibration(broken, "a"); err != nil || len(c.Figures) != 1 {
		t.Errorf("after that: got %+v, %v", c, err)
	}
	if c, err := LoadCalibration(write("future", `{"version":99,"machines":[{"machine":"a","figures":{"x":{"value":1,"unit":"B/s"}}}]}`), "a"); err != nil || len(c.Figures) != 0 {
		t.Errorf("another version: got %+v, %v", c, err)
	}
	lies := write("lies", `{"version":1,"machines":[{"machine":"a","figures":{"x":{"value":-1,"unit":"B/s"},"y":{"value":1},"z":{"value":1,"unit":"B/s","spread":7}}}]}`)
	if c, err := LoadCalibration(lies, "a"); err != nil || len(c.Figures) != 0 {
		t.Errorf("figures that are none: got %+v, %v", c, err)
	}
	if _, err := LoadCalibration(dir, "a"); err == nil {
		t.Error("a folder: got no error")
	}
	if _, err := LoadCalibration(write("large", strings.Repeat(" ", mostCalibration+1)), "a"); err == nil {
		t.Error("a large file: got no error")
	}
	for name, f := range map[string]Figure{"zero": {Unit: "B/s"}, "no unit": {Value: 1}} {
		if err := (Calibration{Machine: "a", Figures: map[string]Figure{name: f}}).Store(filepath.Join(dir, "new")); err == nil {
			t.Errorf("%s was stored", name)
		}
	}
	if err := good.Store(filepath.Join(broken, "in a file")); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("no folder can be made: got %v", err)
	}
}

func TestMachineID(t *testing.T) {
	c := CPU{Model: "AMD  EPYC", Physical: 2, Logical: 4, Usable: 3}
	id := MachineID(c, 24<<30)
	c.Usable = 1 // another limit, the same machine
	c.Model = "AMD EPYC "
	if len(id) != 16 || MachineID(c, 24<<30-5<<20) != id {
		t.Errorf("the same machine: got %q and %q", id, MachineID(c, 24<<30-5<<20))
	}
	for name, other := range map[string]string{"memory": MachineID(c, 32<<30), "cores": MachineID(CPU{Model: c.Model, Physical: 4, Logical: 4}, 24<<30), "processor": MachineID(CPU{Model: "Xeon", Physical: 2, Logical: 4}, 24<<30)} {
		if other == id {
			t.Errorf("another %s: the same name", name)
		}
	}
}

func FuzzDecodeCalibrations(f *testing.F) {
	f.Add([]byte(`{"version":1,"machines":[{"machine":"a","figures":{"x":{"value":1,"unit":"B/s","date":"2026-11-25T00:00:00Z"}}}]}`))
	f.Add([]byte(`{"version":1,"machines":[{"machine":"a","figures":null},null]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := decodeCalibrations(bytes.NewReader(text))
		if err != nil {
			return
		}
		c := all.of("a")
		if c.Machine != "a" || c.Figures == nil {
			t.Fatalf("got %+v", c)
		}
		for name, g := range c.Figures {
			if !g.sane() {
				t.Errorf("%q is %+v", name, g)
			}
		}
	})
}
