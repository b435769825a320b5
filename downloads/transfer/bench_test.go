package transfer

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"scout/downloads/faultserver"
)

// The benchmarks fetch a file from this process in other ones, so that their
// time on the processors can be told from the server's. Scout, curl on one
// connection, and curl with what scout does besides (bringing the file to the
// disk and hashing it) take turns, so that all see the machine as it is: the
// figures are medians. On a quiet machine:
//
//	go test ./downloads/transfer -run '^$' -bench BesideCurl -benchtime 9x

// BenchmarkBesideCurl is with a server that sends a file that is in memory, as
// fast as the system can.
func BenchmarkBesideCurl(b *testing.B) {
	content := faultserver.Content{Seed: 7, Size: 1 << 30}
	file := filepath.Join(b.TempDir(), "served")
	if err := writeContent(file, content); err != nil {
		b.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) }))
	b.Cleanup(s.Close)
	besideCurl(b, s.URL+"/"+testName, content)
}

// BenchmarkLimitedBesideCurl is with a server that holds each connection to
// 4 MB/s.
func BenchmarkLimitedBesideCurl(b *testing.B) {
	content := faultserver.Content{Seed: 7, Size: 24 << 20}
	s := faultserver.NewOnSockets(b)
	s.Add(testName, content)
	s.Script(rule{Role: onStore, Act: paced(4_000_000)})
	besideCurl(b, s.Hub+"/file/"+testName, content)
}

// paced sends at a rate, in small steps.
func paced(bytesPerSecond int64) faultserver.Action {
	const steps = 50
	return func(c *faultserver.Call) { c.Pace(bytesPerSecond/steps, time.Second/steps) }
}

func writeContent(path string, c faultserver.Content) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(f, io.NewSectionReader(c, 0, c.Size), make([]byte, 1<<20))
	return cmp.Or(err, f.Sync(), f.Close())
}

// run is how one process did.
type run struct{ seconds, processor float64 }

// besideCurl lets the three fetch a file in turn.
func besideCurl(b *testing.B, url string, content faultserver.Content) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		b.Skip("no curl to compare with")
	}
	blob := Blob{SHA256: content.SHA256(), Size: content.Size}
	contenders := []struct {
		name    string
		command func(folder string) *exec.Cmd
	}{
		{"scout", func(folder string) *exec.Cmd {
			cmd := childCommand(folder, url, blob)
			cmd.Env = append(cmd.Env, childFast+"=1")
			return cmd
		}},
		{"curl", func(folder string) *exec.Cmd {
			return exec.Command(curl, "-sSfL", "-o", filepath.Join(folder, "file"), url)
		}},
		{"curl+sync+sha256sum", func(folder string) *exec.Cmd {
			cmd := exec.Command("sh", "-c", `"$0" -sSfL -o file "$1" && sync file && sha256sum file`, curl, url)
			cmd.Dir = folder
			return cmd
		}},
	}
	runs := map[string][]run{}
	for b.Loop() {
		for _, c := range contenders {
			folder := b.TempDir()
			cmd := c.command(folder)
			cmd.Stderr = os.Stderr
			began := time.Now()
			if err := cmd.Run(); err != nil {
				b.Fatal(err)
			}
			state := cmd.ProcessState
			runs[c.name] = append(runs[c.name], run{time.Since(began).Seconds(), (state.UserTime() + state.SystemTime()).Seconds()})
			_ = os.RemoveAll(folder)
		}
	}
	b.ReportMetric(0, "ns/op") // of all three, which says nothing
	rate := map[string]float64{}
	for name, all := range runs {
		rate[name] = float64(content.Size) / 1e6 / median(all, func(r run) float64 { return r.seconds })
		b.ReportMetric(rate[name], name+"-MB/s")
		b.ReportMetric(median(all, func(r run) float64 { return r.processor })/float64(content.Size)*1e9, name+"-cpu-s/GB")
	}
	b.ReportMetric(rate["scout"]/rate["curl"], "scout/curl")
	for i := range runs["scout"] {
		fmt.Printf("# turn %d:", i+1)
		for _, c := range contenders {
			r := runs[c.name][i]
			fmt.Printf("  %s %.0f MB/s %.2f cpu-s", c.name, float64(content.Size)/1e6/r.seconds, r.processor)
		}
		fmt.Println()
	}
}

// median is the middle one of a figure of all runs.
func median(all []run, of func(run) float64) float64 {
	var figures []float64
	for _, r := range all {
		figures = append(figures, of(r))
	}
	slices.Sort(figures)
	return figures[len(figures)/2]
}
