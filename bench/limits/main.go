// Command limits runs models under limits of memory, chosen by chance, and holds what
// scout fit said against what happened:
//
//	limits               # 200 runs of some seconds each
//	limits -n 20 -seed 7
//
// Run it inside the repository, on Linux, where control groups of memory can be made
// (usually as root). Of every run that scout fit allows it expects that the system
// does not kill it, and of those with room that the most memory it held is what was
// predicted, within 3 % or 64 MiB.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"scout/bench/internal/programs"
)

// shapes are models of 50 to 400 MB.
var shapes = []string{
	"-layers 4 -hidden 1024 -heads 8 -kv 4 -hd 128 -ff 1024 -experts 8 -vocab 4096 -quant q4_k",
	"-layers 6 -hidden 1024 -heads 8 -kv 8 -hd 128 -ff 2048 -experts 4 -vocab 8192 -quant q8_0",
	"-arch llama -layers 8 -hidden 1024 -heads 16 -kv 8 -hd 64 -ffd 4096 -vocab 32768 -quant q6_k",
	"-arch qwen2 -layers 4 -hidden 2048 -heads 16 -kv 2 -hd 128 -ffd 5632 -vocab 16384 -quant f16",
}

// The goal for memory: a share, or so many bytes.
const (
	goalShare = 0.03
	goalBytes = 64 << 20
)

func main() {
	n := flag.Int("n", 200, "runs")
	seed := flag.Uint64("seed", 1, "of the choices")
	folder := flag.String("folder", os.TempDir(), "`folder` for the models")
	flag.Parse()
	ok, err := run(*n, *seed, *folder)
	if err != nil {
		fmt.Fprintln(os.Stderr, "limits:", err)
		os.Exit(1)
	}
	if !ok {
		os.Exit(3) // a goal was missed
	}
}

// tally is what became of the runs.
type tally struct {
	refused, allowed, streamed, killed, failed int
	compared, off                              int     // peaks that were held against predictions; that missed the goal
	worst                                      float64 // difference of a peak, MiB
}

func run(n int, seed uint64, folder string) (bool, error) {
	dir, err := os.MkdirTemp(folder, "limits-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	g, err := newGroup()
	if err != nil {
		return false, err
	}
	defer g.remove()
	l, err := newLimited(dir, g)
	if err != nil {
		return false, err
	}
	rng := rand.New(rand.NewPCG(seed, 4))
	var t tally
	for i := range n {
		if err := l.one(i, rng, &t); err != nil {
			return false, err
		}
	}
	fmt.Printf("\n%d runs: %d refused, %d allowed, of these %d from disk; %d killed, %d failed otherwise\n", n, t.refused, t.allowed, t.streamed, t.killed, t.failed)
	fmt.Printf("%d peaks compared: %d off by more than 3 %% and 64 MiB, the worst %.0f MiB\n", t.compared, t.off, t.worst)
	return t.killed == 0 && t.failed == 0 && t.off == 0 && t.allowed > 0, nil
}

// write writes the models.
func write(synth, dir string) (paths []string, err error) {
	for i, shape := range shapes {
		path := filepath.Join(dir, fmt.Sprintf("model-%d.gguf", i))
		if _, err := programs.Output(synth, append(strings.Fields(shape+" -fast"), "-o", path)...); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}
