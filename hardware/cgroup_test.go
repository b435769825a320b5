package hardware

import (
	"testing"
	"testing/fstest"
)

// files builds a file system from paths and contents.
func files(content map[string]string) fstest.MapFS {
	root := fstest.MapFS{}
	for name, text := range content {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return root
}

func TestCgroupLimits(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  limits
	}{
		{"no control groups", nil, limits{}},
		{"version 2, no limits", map[string]string{
			"proc/self/cgroup":         "0::/user.slice\n",
			"sys/fs/cgroup/cpu.max":    "max 100000\n",
			"sys/fs/cgroup/memory.max": "max\n",
		}, limits{}},
		{"version 2, own group", map[string]string{
			"proc/self/cgroup":                  "0::/job\n",
			"sys/fs/cgroup/job/cpu.max":         "150000 100000\n",
			"sys/fs/cgroup/job/memory.max":      "1073741824\n",
			"sys/fs/cgroup/job/memory.current":  "536870912\n",
			"sys/fs/cgroup/job/memory.stat":     "anon 1\ninactive_file 268435456\nactive_file 7\n",
			"sys/fs/cgroup/memory.max":          "max\n",
			"sys/fs/cgroup/other/memory.max":    "4096\n",
			"sys/fs/cgroup/unified/job/cpu.max": "max 100000\n",
		}, limits{cpus: 1.5, memoryBytes: 1 << 30, memoryRoom: 3 << 28}},
		{"version 2, a parent is tighter", map[string]string{
			"proc/self/cgroup":                   "0::/a/b\n",
			"sys/fs/cgroup/a/b/cpu.max":          "400000 100000\n",
			"sys/fs/cgroup/a/b/memory.max":       "max\n",
			"sys/fs/cgroup/a/cpu.max":            "50000 100000\n",
			"sys/fs/cgroup/a/memory.max":         "2048\n",
			"sys/fs/cgroup/a/memory.current":     "1024\n",
			"sys/fs/cgroup/a/b/memory.current":   "1\n",
			"sys/fs/cgroup/a/b/irrelevant.files": "x",
		}, limits{cpus: 0.5, memoryBytes: 2048, memoryRoom: 1024}},
		{"version 2, the group is not mounted here", map[string]string{
			"proc/self/cgroup":         "0::/docker/0123\n",
			"sys/fs/cgroup/cpu.max":    "200000 100000\n",
			"sys/fs/cgroup/memory.max": "4096\n",
		}, limits{cpus: 2, memoryBytes: 4096, memoryRoom: 4096}},
		{"version 2, a parent is larger and fuller", map[string]string{
			"proc/self/cgroup":                 "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max":     "8000\n",
			"sys/fs/cgroup/a/b/memory.current": "1000\n",
			"sys/fs/cgroup/a/memory.max":       "16000\n",
			"sys/fs/cgroup/a/memory.current":   "15500\n",
			"sys/fs/cgroup/a/memory.stat":      "inactive_file 100\n",
			"sys/fs/cgroup/a/memory.swap.max":  "1\n",
		}, limits{memoryBytes: 8000, memoryRoom: 600}},
		{"version 2, slowed down before it is refused", map[string]string{
			"proc/self/cgroup":             "0::/\n",
			"sys/fs/cgroup/memory.max":     "8000\n",
			"sys/fs/cgroup/memory.high":    "6000\n",
			"sys/fs/cgroup/memory.current": "1000\n",
		}, limits{memoryBytes: 6000, memoryRoom: 5000}},
		{"version 1, a parent is fuller", map[string]string{
			"proc/self/cgroup": "4:memory:/a/b\n",
			"sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "8000\n",
			"sys/fs/cgroup/memory/a/b/memory.usage_in_bytes": "100\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes":   "9000\n",
			"sys/fs/cgroup/memory/a/memory.usage_in_bytes":   "9500\n",
		}, limits{memoryBytes: 8000, memoryRoom: 0}},
		{"version 1", map[string]string{
			"proc/self/cgroup":                                   "5:cpu,cpuacct:/job\n4:memory:/job\n0::/\n",
			"sys/fs/cgroup/cpu/job/cpu.cfs_quota_us":             "250000\n",
			"sys/fs/cgroup/cpu/job/cpu.cfs_period_us":            "100000\n",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us":                 "-1\n",
			"sys/fs/cgroup/cpu/cpu.cfs_period_us":                "100000\n",
			"sys/fs/cgroup/memory/job/memory.limit_in_bytes":     "8192\n",
			"sys/fs/cgroup/memory/job/memory.usage_in_bytes":     "4096\n",
			"sys/fs/cgroup/memory/job/memory.stat":               "inactive_file 9\ntotal_inactive_file 1024\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":         "9223372036854771712\n",
			"sys/fs/cgroup/memory/job/deeper/memory.limit_bytes": "1\n",
		}, limits{cpus: 2.5, memoryBytes: 8192, memoryRoom: 5120}},
		{"nonsense", map[string]string{
			"proc/self/cgroup":         "0::/\nno colons\n1:cpu\n",
			"sys/fs/cgroup/cpu.max":    "lots",
			"sys/fs/cgroup/memory.max": "-5",
		}, limits{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := cgroupLimits(files(test.files)); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestLimitMemory(t *testing.T) {
	machine := Memory{Total: 1000, Available: 600, Source: "the system"}
	tests := []struct {
		name    string
		limits  limits
		process processLimit
		want    Memory
	}{
		{"no limit", limits{}, processLimit{}, machine},
		{"a limit above the machine", limits{memoryBytes: 5000, memoryRoom: 4990}, processLimit{}, machine},
		{"a limit below", limits{memoryBytes: 500, memoryRoom: 400}, processLimit{}, Memory{500, 400, "the control group"}},
		{"all used", limits{memoryBytes: 500, memoryRoom: 0}, processLimit{}, Memory{500, 0, "the control group"}},
		{"a full group of a larger limit", limits{memoryBytes: 5000, memoryRoom: 100}, processLimit{}, Memory{1000, 100, "the control group"}},
		{"addresses", limits{}, processLimit{addresses: 700, used: 300, known: true}, Memory{700, 400, "the limit on addresses (ulimit -v)"}},
		{"all addresses used", limits{}, processLimit{addresses: 700, used: 900, known: true}, Memory{700, 0, "the limit on addresses (ulimit -v)"}},
		{"more addresses than memory", limits{}, processLimit{addresses: 1 << 40, used: 300, known: true}, machine},
		{"the tighter of both", limits{memoryBytes: 800, memoryRoom: 50}, processLimit{addresses: 700, used: 300, known: true}, Memory{700, 50, "the control group"}},
	}
	for _, test := range tests {
		if got := limitMemory(machine, test.limits, test.process); got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.want)
		}
	}
}

func TestUsableCPUs(t *testing.T) {
	tests := []struct {
		affinity int
		quota    float64
		want     int
	}{{8, 0, 8}, {8, 1.5, 2}, {8, 0.25, 1}, {2, 16, 2}, {0, 0, 1}}
	for _, test := range tests {
		if got := usableCPUs(test.affinity, test.quota); got != test.want {
			t.Errorf("affinity %d, quota %v: got %d, want %d", test.affinity, test.quota, got, test.want)
		}
	}
}
