package transfer

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"scout/downloads/faultserver"
)

// The benchmarks fetch a file from this process in another one, so that its
// time on the processors can be told from the server's.

func BenchmarkLoopback(b *testing.B)     { benchmark(b, 1<<30, nil) }
func BenchmarkLoopbackCurl(b *testing.B) { benchmarkCurl(b, 1<<30, nil) }

// Each connection is held to 4 MB/s.
func BenchmarkLimited(b *testing.B)     { benchmark(b, 128<<20, paced(4_000_000)) }
func BenchmarkLimitedCurl(b *testing.B) { benchmarkCurl(b, 32<<20, paced(4_000_000)) }

// paced sends at a rate, in small steps.
func paced(bytesPerSecond int64) faultserver.Action {
	const steps = 50
	return func(c *faultserver.Call) { c.Pace(bytesPerSecond/steps, time.Second/steps) }
}

func setUp(b *testing.B, size int64, act faultserver.Action) (*faultserver.Server, Blob) {
	s := faultserver.NewOnSockets(b)
	content := faultserver.Content{Seed: 7, Size: size}
	s.Add(testName, content)
	if act != nil {
		s.Script(rule{Role: onStore, Act: act})
	}
	b.SetBytes(size)
	return s, Blob{SHA256: content.SHA256(), Size: size}
}

func run(b *testing.B, cmd *exec.Cmd, size int64) {
	if err := cmd.Run(); err != nil {
		b.Fatal(err)
	}
	state := cmd.ProcessState
	b.ReportMetric((state.UserTime()+state.SystemTime()).Seconds()/float64(size)*1e9, "cpu-s/GB")
}

func benchmark(b *testing.B, size int64, act faultserver.Action) {
	s, blob := setUp(b, size, act)
	for b.Loop() {
		cmd := childCommand(b.TempDir(), s.Hub+"/file/"+testName, blob)
		cmd.Env = append(cmd.Env, childFast+"=1")
		run(b, cmd, size)
	}
}

func benchmarkCurl(b *testing.B, size int64, act faultserver.Action) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		b.Skip("no curl to compare with")
	}
	s, _ := setUp(b, size, act)
	for b.Loop() {
		cmd := exec.Command(curl, "-sSfL", "-o", filepath.Join(b.TempDir(), "file"), s.Hub+"/file/"+testName)
		cmd.Stderr = os.Stderr
		run(b, cmd, size)
	}
}
