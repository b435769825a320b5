package cli

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"scout/engine"
	"scout/hardware"
	"scout/hardware/ledger"
	"scout/sessions"
)

const gibibyte = 1 << 30

// workstation is what a probe finds of a machine with two GPUs and a disk.
func workstation(folder string) hardware.Probe {
	return hardware.Probe{
		GPUs: []hardware.GPU{
			{Name: "NVIDIA GeForce RTX 4090", Kind: hardware.Discrete, PCI: "0000:01:00.0", Driver: "nvidia", DriverVersion: "550.90.07", Total: 24 * gibibyte, Used: gibibyte, Free: 23 * gibibyte,
				Bandwidth: 1008e9, TFLOPS: 165, Link: hardware.PCILink{Generation: 4, Lanes: 16}, Display: true,
				Sources: map[string]string{"total_bytes": "NVML", "free_bytes": "NVML", "bandwidth_bytes_s": "NVML, memory clock and bus width"}},
			{Name: "Intel Arc A750", Kind: hardware.Discrete, Total: 8 * gibibyte, Bandwidth: 512e9, Sources: map[string]string{"total_bytes": "devices.toml"}},
			{Name: "Intel Iris Xe Graphics", Kind: hardware.Integrated, Driver: "i915"},
			{Name: "ASPEED display", Kind: hardware.Virtual},
		},
		Drives: []hardware.Drive{{Folder: folder, Device: "nvme0n1p2", FileSystem: "ext4", Kind: "nvme4", Total: 1000 * gibibyte, Free: 400 * gibibyte, Bandwidth: 6e9,
			Sources: map[string]string{"bandwidth_bytes_s": "usual for nvme4"}}},
	}
}

// probed makes an App find this by probing, and counts the parts that were asked for.
func probed(a *testApp, p hardware.Probe, asked *[]string) {
	var mu sync.Mutex // parts are asked for at the same time
	a.probe = func(_ context.Context, args ...string) (hardware.Probe, error) {
		if asked != nil {
			mu.Lock()
			*asked = append(*asked, args[0])
			mu.Unlock()
		}
		if args[0] == probeDrives {
			return hardware.Probe{Drives: p.Drives}, nil
		}
		return hardware.Probe{GPUs: p.GPUs}, nil
	}
}

// elsewhere gives the test a home of its own, with a name that must not be told.
func elsewhere(t *testing.T) (home string) {
	t.Helper()
	home = filepath.Join(t.TempDir(), "ann.secretname")
	if err := os.MkdirAll(home, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"HOME": home, "USERPROFILE": home, "USER": "secretuser", "LOGNAME": "secretuser", "USERNAME": "secretuser", "SCOUT_MODELS": filepath.Join(home, "models"),
		"HF_TOKEN": "hf_secrettoken", "HUGGING_FACE_HUB_TOKEN": "hf_secrettoken", "HTTPS_PROXY": "http://user:secretpassword@proxy", "SCOUT_SOMETHING": "secretvalue",
		"TERM": "xterm-256color", "TERM_PROGRAM": "ghostty", "TERM_PROGRAM_VERSION": "1.3.1", "COLORTERM": "truecolor", "TMUX": "", "STY": "", "ZELLIJ": "", "NO_COLOR": "", "SSH_CONNECTION": "10.0.0.1 secretaddress", "SSH_TTY": "",
	} {
		t.Setenv(name, value)
	}
	return home
}

// TestDoctor examines a workstation whose person has conversations, and expects
// everything that helps and nothing that tells whose it is.
func TestDoctor(t *testing.T) {
	home := elsewhere(t)
	a := newTestApp(t, newFakeModel())
	probed(a, workstation(filepath.Join(home, "models")), nil)
	a.App.memory = func() (hardware.Memory, error) {
		return hardware.Memory{Total: 64 * gibibyte, Available: 50 * gibibyte, Source: "the control group"}, nil
	}
	a.sessionsDir = filepath.Join(home, "secretuser", "sessions")
	store, err := sessions.Open(a.sessionsDir)
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(nil)
	if err := errors.Join(s.Rename("my secrettitle"), s.Close(), store.Close()); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(home, "models"), 0o700); err != nil {
		t.Fatal(err)
	}
	figure := hardware.Figure{Value: 61e9, Unit: "B/s", Spread: 0.04, Rounds: 5, Date: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}
	if err := (hardware.Calibration{Machine: "test", Figures: map[string]hardware.Figure{hardware.RAMRead(engine.DefaultThreads()): figure}}).Store(a.measurements()); err != nil {
		t.Fatal(err)
	}
	for i, decode := range []float64{8, 9, 30} {
		run := ledger.Run{Time: figure.Date.Add(time.Duration(i) * time.Hour), Machine: "test", Key: ledger.Key{Model: string(rune('a' + i/2)), Context: 1}, Predicted: ledger.Figures{Decode: 10, Peak: 100}, Measured: ledger.Figures{Decode: decode, Peak: 101}}
		if err := ledger.Add(a.pastFile(), run); err != nil {
			t.Fatal(err)
		}
	}
	if code := a.run("doctor"); code != ExitDone {
		t.Fatal(code, a.err.String())
	}
	text := a.out.String()
	for _, want := range []string{
		"scout         test, go", "processor     Test CPU; 8 cores, 16 threads, 8 usable", "64.0 GiB, 50.0 GiB of it free (the control group)",
		"61.0 GB/s (measured 2026-11-25, the best of 5 rounds, the worst 4 % slower)",
		"NVIDIA GeForce RTX 4090, discrete, 24.0 GiB, 23.0 GiB of it free (NVML), 1008.0 GB/s (NVML, memory clock and bus width), PCIe 4.0 x16, driver nvidia 550.90.07",
		"Intel Iris Xe Graphics, unified, driver i915", "nvme0n1p2, nvme4, ext4: 400.0 GiB of 1000.0 GiB free, 6.0 GB/s (usual for nvme4)",
		"models        ~/models: 0 models", "conversations ~/USER/sessions: 1, and 0 deleted; 0 damaged", "TERM=xterm-256color; ghostty 1.3.1; COLORTERM=truecolor",
		"colours: truecolour; pictures: half-blocks, or kitty graphics", "HF_TOKEN", "over SSH",
		"predictions   3 runs of 2 models; measured over predicted, before correction: generating 0.90, peak memory 1.01",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
	if n := strings.Count(text, "\n"); n > 24 {
		t.Errorf("the report has %d lines, want one screen", n)
	}
	b := newTestApp(t, newFakeModel())
	b.App.probe, b.sessionsDir, b.stateDir = a.App.probe, a.sessionsDir, a.stateDir
	if code := b.run("doctor", "--json"); code != ExitDone {
		t.Fatal(code, b.err.String())
	}
	var r doctorRecord
	if err := json.Unmarshal(b.out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Machine.GPUs) != 4 || r.Machine.GPUs[0].Sources["total_bytes"] != "NVML" || r.Sessions.Count != 1 || !r.Models.Exists || len(r.Problems) != 0 || strings.Contains(b.out.String(), "null") {
		t.Errorf("got %s", b.out.String())
	}
	for _, out := range []string{text, b.out.String()} {
		for _, secret := range []string{"secret", home, "10.0.0.1", "proxy@"} {
			if strings.Contains(out, secret) {
				t.Errorf("the report has %q:\n%s", secret, out)
			}
		}
	}
}

// TestDoctorMakesNothing examines a machine without anything, on which nothing can
// be found out, and expects that said, and no folder made.
func TestDoctorMakesNothing(t *testing.T) {
	home := elsewhere(t)
	a := newTestApp(t, newFakeModel())
	a.probe = func(context.Context, ...string) (hardware.Probe, error) {
		return hardware.Probe{}, errors.New("hardware: probing the GPUs: no answer in 5s at " + home)
	}
	a.App.memory = func() (hardware.Memory, error) { return hardware.Memory{}, errors.New("no memory") }
	a.snapshot = func() (hardware.Machine, error) { return hardware.Machine{}, errors.New("no processor") }
	a.sessionsDir = filepath.Join(home, "sessions")
	if code := a.run("doctor"); code != ExitDone {
		t.Fatal(code, a.err.String())
	}
	for _, want := range []string{"nothing was pulled yet", "none yet", "no run is remembered yet", "GPU           none found", "problem       no memory", "problem       no processor", "problem       probing the GPUs: no answer in 5s at ~", "problem       with Vulkan:"} {
		if !strings.Contains(a.out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, a.out.String())
		}
	}
	left, err := os.ReadDir(home)
	if err != nil || len(left) != 0 {
		t.Errorf("it made %v, %v", left, err)
	}
	a = newTestApp(t, newFakeModel())
	if code := a.run("doctor", "me"); code != ExitUsage {
		t.Errorf("an argument: got code %d", code)
	}
}

// TestDevices expects the parts that need no Vulkan when that fails, and one look in
// a while.
func TestDevices(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	var asked []string
	probed(a, workstation("x"), &asked)
	whole := a.probe
	a.probe = func(ctx context.Context, args ...string) (hardware.Probe, error) {
		p, err := whole(ctx, args...)
		if args[0] == probeVulkan {
			return hardware.Probe{}, errors.New("hardware: probing the GPUs: the process that looked failed")
		}
		return p, err
	}
	p := a.devices(context.Background())
	if len(p.GPUs) != 4 || len(p.Drives) != 1 || len(p.Errors) != 1 || !strings.HasPrefix(p.Errors[0], "with Vulkan: ") {
		t.Errorf("got %+v", p)
	}
	a.devices(context.Background())
	slices.Sort(asked)
	if !slices.Equal(asked, []string{probeDrives, probeGPUs, probeVulkan}) {
		t.Errorf("asked for %v", asked)
	}
}

func TestProbeCommand(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	if code := a.run(probeName, probeDrives, t.TempDir()); code != ExitDone {
		t.Fatal(code, a.err.String())
	}
	var p hardware.Probe
	if err := json.Unmarshal(a.out.Bytes(), &p); err != nil || len(p.Drives) != 1 || p.Drives[0].Total <= 0 {
		t.Errorf("got %s, %v", a.out.String(), err)
	}
	for _, args := range [][]string{{probeName}, {probeName, "disks"}} {
		a = newTestApp(t, newFakeModel())
		if code := a.run(args...); code != ExitUsage || strings.Count(a.err.String(), "\n") != 1 {
			t.Errorf("%v: got code %d, %q", args, code, a.err.String())
		}
	}
	a = newTestApp(t, newFakeModel())
	if a.run("--help"); strings.Contains(a.out.String(), probeName) {
		t.Error("the help lists the hidden command")
	}
}

func TestFromVulkan(t *testing.T) {
	got := fromVulkan([]engine.Device{
		{Name: "RTX 4090", Kind: engine.DiscreteGPU, PCI: "0000:01:00.0", Driver: "NVIDIA 550", Heaps: []engine.DeviceHeap{{Size: 24 * gibibyte, Budget: 20 * gibibyte, Used: gibibyte, DeviceLocal: true}, {Size: 64 * gibibyte}}},
		{Name: "Arc", Kind: engine.DiscreteGPU, Heaps: []engine.DeviceHeap{{Size: 8 * gibibyte, DeviceLocal: true}}},
		{Name: "Iris", Kind: engine.IntegratedGPU, Heaps: []engine.DeviceHeap{{Size: 16 * gibibyte, DeviceLocal: true}}},
		{Name: "llvmpipe", Kind: engine.SoftwareGPU, Heaps: []engine.DeviceHeap{{Size: gibibyte, DeviceLocal: true}}},
	})
	if len(got) != 3 {
		t.Fatalf("got %+v", got)
	}
	if g := got[0]; g.Total != 24*gibibyte || g.Free != 19*gibibyte || !g.FreeKnown() || g.PCI != "0000:01:00.0" || g.Kind != hardware.Discrete {
		t.Errorf("with a budget: got %+v", g)
	}
	if g := got[1]; g.Total != 8*gibibyte || g.FreeKnown() || g.Free != 0 {
		t.Errorf("without one: got %+v", g)
	}
	if g := got[2]; g.Kind != hardware.Integrated || g.Shared != 16*gibibyte {
		t.Errorf("unified: got %+v", g)
	}
}

func TestWithoutHome(t *testing.T) {
	t.Setenv("HOME", "/home/ann")
	t.Setenv("USERPROFILE", "/home/ann")
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		t.Setenv(name, "ann")
	}
	for text, want := range map[string]string{
		"/home/ann/models": "~/models", "in /home/ann.": "in ~.", "/home/ann": "~", "/home/anna/x": "/home/anna/x", "a /home/ann b /home/ann/c": "a ~ b ~/c",
		"/data/ann/models": "/data/USER/models", `C:\Users\ann\x`: `C:\Users\USER\x`, "/data/announce": "/data/announce", "ann": "ann", "": "",
	} {
		if got := withoutHome(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
