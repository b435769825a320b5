package hardware

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// limits is what control groups grant this process. A zero field means that
// there is no limit.
type limits struct {
	cpus        float64 // processors' worth of time in a period
	memoryBytes int64   // of the group with the least
	memoryRoom  int64   // of the group that has the least left: often one above, which others fill too
}

// unlimitedV1 is where version 1's way of writing "no limit" begins: it writes
// the largest multiple of the page size in an int64.
const unlimitedV1 = int64(1) << 60

// cgroupLimits reads the limits of this process's control groups, versions 1
// and 2, and of every group above them: the tightest one counts. Inside a
// container the path in proc/self/cgroup may lie outside what is mounted; the
// walk upwards ends at the mounted root, which then is the container's group.
// On systems without control groups there is nothing to read and no limit.
// Formats: the kernel's Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
func cgroupLimits(root fs.FS) limits {
	var l limits
	list, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return l
	}
	for line := range strings.Lines(string(list)) {
		// hierarchy-ID:controller-list:path
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, group, ok := strings.Cut(rest, ":")
		if !ok {
			continue
		}
		if controllers == "" {
			walkUp("sys/fs/cgroup", group, func(dir string) { l.readV2(root, dir) })
			walkUp("sys/fs/cgroup/unified", group, func(dir string) { l.readV2(root, dir) })
			continue
		}
		for c := range strings.SplitSeq(controllers, ",") {
			if c == "cpu" || c == "memory" {
				walkUp("sys/fs/cgroup/"+c, group, func(dir string) { l.readV1(root, dir) })
			}
		}
	}
	return l
}

// walkUp visits mount/group and every folder above it down to mount itself.
func walkUp(mount, group string, visit func(dir string)) {
	for g := path.Clean("/" + group); ; g = path.Dir(g) {
		visit(path.Join(mount, g))
		if g == "/" {
			return
		}
	}
}

// readV2 tightens l by one group of version 2.
func (l *limits) readV2(root fs.FS, dir string) {
	if fields := strings.Fields(readText(root, dir+"/cpu.max")); len(fields) == 2 {
		l.tightenCPU(parseInt(fields[0]), parseInt(fields[1])) // "max" parses as 0: none
	}
	used, stat := parseInt(readText(root, dir+"/memory.current")), readText(root, dir+"/memory.stat")
	l.tightenMemory(parseInt(readText(root, dir+"/memory.max")), used, statField(stat, "inactive_file"))
	// Above memory.high nothing is refused, but everything is slowed down.
	l.tightenMemory(parseInt(readText(root, dir+"/memory.high")), used, statField(stat, "inactive_file"))
}

// readV1 tightens l by one group of version 1.
func (l *limits) readV1(root fs.FS, dir string) {
	l.tightenCPU(parseInt(readText(root, dir+"/cpu.cfs_quota_us")), // -1: none
		parseInt(readText(root, dir+"/cpu.cfs_period_us")))
	l.tightenMemory(parseInt(readText(root, dir+"/memory.limit_in_bytes")),
		parseInt(readText(root, dir+"/memory.usage_in_bytes")),
		statField(readText(root, dir+"/memory.stat"), "total_inactive_file"))
}

// tightenCPU lowers the processor limit to quota/period; both are microseconds.
func (l *limits) tightenCPU(quota, period int64) {
	if quota <= 0 || period <= 0 {
		return
	}
	if cpus := float64(quota) / float64(period); l.cpus == 0 || cpus < l.cpus {
		l.cpus = cpus
	}
}

// tightenMemory lowers the memory limit, in bytes. Inactive file pages are
// given back under pressure, so they do not count as used. Swap is no memory to run a
// model in, so its limits do not matter.
func (l *limits) tightenMemory(limit, used, inactiveFile int64) {
	if limit <= 0 || limit >= unlimitedV1 {
		return
	}
	room := max(0, limit-max(0, used-inactiveFile))
	if l.memoryBytes == 0 {
		l.memoryBytes, l.memoryRoom = limit, room
		return
	}
	l.memoryBytes, l.memoryRoom = min(l.memoryBytes, limit), min(l.memoryRoom, room)
}

// readText is a small file's text, empty when it cannot be read: which of the
// files exist depends on the controllers that are switched on.
func readText(root fs.FS, name string) string {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// parseInt is the number s holds, 0 if it holds none.
func parseInt(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// statField is the value of "name value" among the lines of a stat file.
func statField(stat, name string) int64 {
	for line := range strings.Lines(stat) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == name {
			return parseInt(fields[1])
		}
	}
	return 0
}
