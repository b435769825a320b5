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
		}, limits{cpus: 1.5, memoryBytes: 1 << 30, memoryUsedBytes: 1 << 28}},
		{"version 2, a parent is tighter", map[string]string{
			"proc/self/cgroup":                   "0::/a/b\n",
			"sys/fs/cgroup/a/b/cpu.max":          "400000 100000\n",
			"sys/fs/cgroup/a/b/memory.max":       "max\n",
			"sys/fs/cgroup/a/cpu.max":            "50000 100000\n",
			"sys/fs/cgroup/a/memory.max":         "2048\n",
			"sys/fs/cgroup/a/memory.current":     "1024\n",
			"sys/fs/cgroup/a/b/memory.current":   "1\n",
			"sys/fs/cgroup/a/b/irrelevant.files": "x",
		}, limits{cpus: 0.5, memoryBytes: 2048, memoryUsedBytes: 1024}},
		{"version 2, the group is not mounted here", map[string]string{
			"proc/self/cgroup":         "0::/docker/0123\n",
			"sys/fs/cgroup/cpu.max":    "200000 100000\n",
			"sys/fs/cgroup/memory.max": "4096\n",
		}, limits{cpus: 2, memoryBytes: 4096}},
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
		}, limits{cpus: 2.5, memoryBytes: 8192, memoryUsedBytes: 3072}},
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
	machine := Memory{Total: 1000, Available: 600}
	tests := []struct {
		name   string
		limits limits
		want   Memory
	}{
		{"no limit", limits{}, machine},
		{"a limit above the machine", limits{memoryBytes: 5000, memoryUsedBytes: 10}, machine},
		{"a limit below", limits{memoryBytes: 500, memoryUsedBytes: 100}, Memory{500, 400}},
		{"all used", limits{memoryBytes: 500, memoryUsedBytes: 700}, Memory{500, 0}},
	}
	for _, test := range tests {
		if got := limitMemory(machine, test.limits); got != test.want {
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
