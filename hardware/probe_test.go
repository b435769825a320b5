package hardware

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// childRole, in the environment, makes this test a process that is asked for a probe.
const childRole = "SCOUT_TEST_PROBE_CHILD"

// endedFile, in the environment, is what a child of a child makes when it ends.
const endedFile = "SCOUT_TEST_PROBE_ENDED"

func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		answerBadly(role)
	}
	os.Exit(m.Run())
}

// answerBadly is what broken drivers make of a process.
func answerBadly(role string) {
	answer := `{"gpus":[{"name":"RTX 4090","kind":"discrete","total_bytes":25757220864,"used_bytes":1,"free_bytes":25757220863,"sources":{"name":"NVML"}}]}` + "\n"
	switch role {
	case "good":
		os.Stdout.WriteString(answer)
	case "hang":
		select {}
	case "hang after an answer":
		os.Stdout.WriteString(answer)
		time.Sleep(time.Hour)
	case "a child that holds the pipe":
		os.Stdout.WriteString(answer)
		self, _ := os.Executable()
		child := exec.Command(self)
		child.Env = append(os.Environ(), childRole+"=sleep a little")
		child.Stdout = os.Stdout
		child.Start()
	case "sleep a little":
		time.Sleep(20 * time.Second)
		os.WriteFile(os.Getenv(endedFile), nil, 0o600)
	case "crash":
		os.Stderr.WriteString("libvendor: assertion failed\nmore\n")
		p, _ := os.FindProcess(os.Getpid())
		p.Kill()
		select {}
	case "panic":
		panic("a driver's pointer")
	case "exit":
		os.Exit(7)
	case "garbage":
		os.Stdout.WriteString("MESA: error \x00\xff {{{\n")
	case "noise before":
		os.Stdout.WriteString("WARNING: radv is not conformant\n" + answer)
	case "noise after":
		os.Stdout.WriteString(answer + "bye\n")
	case "nothing":
	case "a gigabyte":
		for line := []byte(strings.Repeat("x", 1<<16)); ; {
			if _, err := os.Stdout.Write(line); err != nil {
				os.Exit(0)
			}
		}
	case "a gigabyte of complaints":
		for range 1 << 8 {
			os.Stderr.WriteString(strings.Repeat("y", 1<<16))
		}
		os.Stdout.WriteString(answer)
	case "impossible":
		os.Stdout.WriteString(`{"gpus":[{"name":"x","total_bytes":5,"free_bytes":9}]}`)
	case "negative":
		os.Stdout.WriteString(`{"drives":[{"folder":"x","total_bytes":-5}]}`)
	case "too many":
		os.Stdout.WriteString(`{"gpus":[` + strings.Repeat(`{},`, 99) + `{}]}`)
	case "itself":
		_, err := ProbeApart(context.Background(), time.Minute, os.Args[0])
		os.Stdout.WriteString(`{"errors":["` + err.Error() + `"]}`)
	}
	os.Exit(0)
}

// TestProbeApart starts processes that answer well, and in every way that a broken
// driver makes them fail. The limit is long for those that end by themselves, so
// that no test depends on how fast the machine is.
func TestProbeApart(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		role  string
		limit time.Duration
		want  string // of the error; "" for an answer
	}{
		{"good", time.Minute, ""},
		{"a gigabyte of complaints", time.Minute, ""},
		{"a child that holds the pipe", time.Minute, ""},
		{"hang", time.Second / 4, "no answer in 250ms"},
		{"hang after an answer", time.Second / 4, "no answer in 250ms"},
		{"crash", time.Minute, "the process that looked failed"},
		{"panic", time.Minute, "the process that looked failed: exit status 2: panic: a driver's pointer"},
		{"exit", time.Minute, "exit status 7"},
		{"garbage", time.Minute, "reading the answer"},
		{"noise before", time.Minute, "reading the answer"},
		{"noise after", time.Minute, "more follows the answer"},
		{"nothing", time.Minute, "reading the answer"},
		{"a gigabyte", time.Minute, "longer than 1048576 bytes"},
		{"impossible", time.Minute, "a GPU with 5 bytes, 9 free"},
		{"negative", time.Minute, "a disk with -5 bytes"},
		{"too many", time.Minute, "has 100, want at most 64"},
	}
	for _, test := range tests {
		t.Run(test.role, func(t *testing.T) {
			t.Setenv(childRole, test.role)
			ended := filepath.Join(t.TempDir(), "ended")
			t.Setenv(endedFile, ended)
			p, err := ProbeApart(context.Background(), test.limit, self)
			if _, err := os.Stat(ended); err == nil {
				t.Error("it waited for a child of the child")
			}
			if test.want == "" {
				if err != nil || len(p.GPUs) != 1 || p.GPUs[0].Total != 25757220864 || p.GPUs[0].Sources["name"] != "NVML" {
					t.Errorf("got %+v, %v", p, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") || len(p.GPUs)+len(p.Drives) > 0 {
				t.Errorf("got %+v, error %v, want an error with %q", p, err, test.want)
			}
		})
	}
}

func TestProbeApartRefuses(t *testing.T) {
	if _, err := ProbeApart(context.Background(), time.Minute); err == nil {
		t.Error("no program: got no error")
	}
	if _, err := ProbeApart(context.Background(), time.Minute, "/nowhere/at/all"); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("no such program: got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := ProbeApart(ctx, time.Minute, os.Args[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
	// A process that probes and starts itself would do so for ever.
	t.Setenv(childRole, "itself")
	p, err := ProbeApart(context.Background(), time.Minute, os.Args[0])
	if err != nil || len(p.Errors) != 1 || !strings.Contains(p.Errors[0], "probes itself") {
		t.Errorf("got %+v, %v", p, err)
	}
}

// TestProbes looks at the machine of the test, and sends what it found through JSON.
func TestProbes(t *testing.T) {
	p := ProbeDrives([]string{t.TempDir(), "a\x00b"})
	if len(p.Drives) != 1 || p.Drives[0].Total <= 0 || len(p.Errors) != 1 {
		t.Errorf("got drives %+v, errors %v", p.Drives, p.Errors)
	}
	more := func() ([]GPU, error) {
		return []GPU{{Name: "RTX 4090", Kind: Discrete, PCI: "ffff:ff:1f.0", Sources: map[string]string{"name": "x", "kind": "x", "pci": "x"}}}, errors.Join(errors.New("one"), errors.New("two"))
	}
	with, without := ProbeGPUs(more), ProbeGPUs(nil)
	if len(with.GPUs) != len(without.GPUs)+1 || len(with.Errors) != len(without.Errors)+2 {
		t.Errorf("a further source: got %+v, without it %+v", with, without)
	}
	p.GPUs = with.GPUs
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	back, err := decodeProbe(text)
	if err != nil || len(back.GPUs) != len(p.GPUs) || len(back.Drives) != 1 || back.Drives[0].Free != p.Drives[0].Free {
		t.Errorf("got %+v, %v", back, err)
	}
	for _, g := range p.GPUs {
		checkSources(t, g)
		if g.PCI == "ffff:ff:1f.0" && g.Bandwidth != 1008e9 {
			t.Errorf("the further source's GPU: got %+v", g)
		}
	}
}

func TestAppleGPU(t *testing.T) {
	const gib = 1 << 30
	tests := []struct {
		processor   string
		memory      int64
		wired       int64
		want        int64
		wantsSource string
	}{
		{"Apple M4 Max", 128 * gib, 0, 96 * gib, "3/4"},
		{"Apple M2", 24 * gib, 0, 16 * gib, "2/3"},
		{"Apple M1 Max", 64 * gib, 57344, 56 * gib, "iogpu.wired_limit_mb"},
		{"Apple M1 Max", 64 * gib, 1 << 40, 48 * gib, "3/4"},
	}
	for _, test := range tests {
		g, ok := appleGPU(test.processor, test.memory, test.wired)
		if !ok || g.Total != test.want || g.Kind != Integrated || !strings.Contains(g.Sources["total_bytes"], test.wantsSource) {
			t.Errorf("%s with %d GiB: got %+v", test.processor, test.memory/gib, g)
		}
		checkSources(t, g)
	}
	for _, processor := range []string{"Intel(R) Core(TM) i9-9880H", ""} {
		if g, ok := appleGPU(processor, 32*gib, 0); ok {
			t.Errorf("%q: got %+v", processor, g)
		}
	}
}

func TestRegistryAdapter(t *testing.T) {
	tests := []struct {
		adapter registryAdapter
		want    string
	}{
		{registryAdapter{"NVIDIA GeForce RTX 4090", "32.0.15.6094", `PCI\VEN_10DE&DEV_2684&SUBSYS_16F110DE`, 25757220864},
			"NVIDIA GeForce RTX 4090|discrete||10de:2684| 32.0.15.6094|25757220864 used 0 free 0 shared 0|unknown now unknown|"},
		{registryAdapter{"Intel(R) Iris(R) Xe Graphics", "31", `pci\ven_8086&dev_46a6`, 1 << 30},
			"Intel(R) Iris(R) Xe Graphics|unified||8086:46a6| 31|0 used 0 free 0 shared 0|unknown now unknown|"},
		{registryAdapter{"AMD Radeon(TM) 8060S Graphics", "31", `pci\ven_1002&dev_1586`, 64 << 30},
			"AMD Radeon(TM) 8060S Graphics|unified||1002:1586| 31|0 used 0 free 0 shared 0|unknown now unknown|"},
		{registryAdapter{"Intel(R) Arc(TM) A770 Graphics", "31", `pci\ven_8086&dev_56a0`, 17079205888},
			"Intel(R) Arc(TM) A770 Graphics|discrete||8086:56a0| 31|17079205888 used 0 free 0 shared 0|unknown now unknown|"},
		{registryAdapter{"Microsoft Remote Display Adapter", "1", `swd\remotedisplayenum`, 0}, ""},
		{registryAdapter{"NVIDIA GeForce RTX 4090", "1", `pci\ven_10de&dev_2684`, 1 << 60},
			"NVIDIA GeForce RTX 4090|discrete||10de:2684| 1|0 used 0 free 0 shared 0|unknown now unknown|"},
		{registryAdapter{"x", "1", `pci\ven_zz`, 0}, ""},
		{registryAdapter{}, ""},
	}
	for _, test := range tests {
		g, ok := test.adapter.gpu()
		if ok != (test.want != "") || ok && oneLine(g) != test.want {
			t.Errorf("got\n%s\nwant\n%s", oneLine(g), test.want)
		}
		if ok {
			checkSources(t, g)
		}
	}
}

func TestDecodeProbeRefuses(t *testing.T) {
	for _, answer := range []string{
		`{"gpus":[{"total_bytes":5,"used_bytes":-1}]}`, `{"gpus":[{"total_bytes":-1}]}`, `{"gpus":[{"total_bytes":5,"shared_bytes":6}]}`, `{"gpus":[{"bandwidth_bytes_s":-1}]}`,
		`{"gpus":[{"bandwidth_bytes_s":1e16}]}`, `{"gpus":[{"tflops":-1}]}`, `{"drives":[{"total_bytes":5,"free_bytes":6}]}`, `{"drives":[{"bandwidth_bytes_s":-1}]}`, `{"gpus":{}}`, `{} {}`, ``,
	} {
		if p, err := decodeProbe([]byte(answer)); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %+v, %v", answer, p, err)
		}
	}
}

// FuzzDecodeProbe reads whatever a process may answer.
func FuzzDecodeProbe(f *testing.F) {
	f.Add([]byte(`{"gpus":[{"name":"RTX 4090","total_bytes":25757220864,"free_bytes":3}],"drives":[{"folder":"/","total_bytes":5}],"errors":["x"]}`))
	f.Add([]byte(`{"gpus":[{"total_bytes":1e400}]}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		p, err := decodeProbe(answer)
		if err != nil {
			return
		}
		for _, g := range p.GPUs {
			if g.Total < 0 || g.Free < 0 || g.Free > g.Total || g.Bandwidth < 0 {
				t.Errorf("got %+v", g)
			}
		}
	})
}
