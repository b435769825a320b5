package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// machine is where and with what the figures were measured.
type machine struct {
	Processor string `json:"processor"` // filled in by the first result
	System    string `json:"system"`
	Threads   int    `json:"threads"`
	Realtime  string `json:"realtime,omitempty"` // the command in front of both engines
	Go        string `json:"go"`
	Scout     string `json:"scout"`     // commit
	Llama     string `json:"llama_cpp"` // package and version
	LlamaCPU  string `json:"llama_cpp_build,omitempty"`
}

func readMachine(t tools, o options) machine {
	m := machine{Threads: o.threads, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH,
		Scout: commit(t.repository), Llama: firstLine(filepath.Join(t.libraries, "version"))}
	if release := firstLine("/proc/sys/kernel/osrelease"); release != "" {
		m.System += " " + release
	}
	if o.realtime {
		m.Realtime = strings.Join(realtime, " ")
	}
	return m
}

// commit is what git says of the repository, "" if it says nothing.
func commit(repository string) string {
	out, err := exec.Command("git", "-C", repository, "describe", "--always", "--dirty", "--exclude=*").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// loadAverage is the system's own figures, "" where there are none: how many
// threads ran or wanted to in the last 1, 5 and 15 minutes.
func loadAverage() string {
	words := strings.Fields(firstLine("/proc/loadavg"))
	return strings.Join(words[:min(3, len(words))], " ")
}

// firstLine is that of a file, "" if it cannot be read.
func firstLine(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return line
}
