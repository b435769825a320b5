package cpu

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// TestCoresIn counts cores of machines whose topology is written out, with and
// without two threads to a core, and behind affinity masks.
func TestCoresIn(t *testing.T) {
	machine := func(siblings ...string) string {
		dir := t.TempDir()
		for i, s := range siblings {
			topology := filepath.Join(dir, fmt.Sprintf("cpu%d", i), "topology")
			if err := os.MkdirAll(topology, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(topology, "thread_siblings_list"), []byte(s+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	hyper := machine("0,4", "1,5", "2,6", "3,7", "0,4", "1,5", "2,6", "3,7")
	hybrid := machine("0-1", "0-1", "2-3", "2-3", "4", "5") // two cores of two threads, two small ones of one
	for name, test := range map[string]struct {
		dir     string
		threads []int
		want    int
	}{
		"one thread a core":    {machine("0", "1"), []int{0, 1}, 2},
		"two threads a core":   {hyper, []int{0, 1, 2, 3, 4, 5, 6, 7}, 4},
		"mask of two cores":    {hyper, []int{0, 4, 5}, 2},
		"mask of one thread":   {hyper, []int{6}, 1},
		"hybrid":               {hybrid, []int{0, 1, 2, 3, 4, 5}, 4},
		"topology is not told": {t.TempDir(), []int{0, 1}, 0},
		"told of some only":    {machine("0"), []int{0, 1}, 0},
	} {
		allowed := map[int]bool{}
		for _, i := range test.threads {
			allowed[i] = true
		}
		if got := coresIn(test.dir, func(i int) bool { return allowed[i] }, 64); got != test.want {
			t.Errorf("%s: got %d cores, want %d", name, got, test.want)
		}
	}
}

func TestDefaultThreads(t *testing.T) {
	if n, most := DefaultThreads(), runtime.GOMAXPROCS(0); n < 1 || n > most {
		t.Errorf("got %d threads, want 1 to %d", n, most)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if n := DefaultThreads(); n != 1 {
		t.Errorf("got %d threads with GOMAXPROCS 1", n)
	}
}
