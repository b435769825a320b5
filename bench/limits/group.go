package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// group is a control group of memory that processes are put into.
type group struct {
	dir   string
	limit string // name of the file with the limit
}

// newGroup makes one, of either version of the system's interface.
func newGroup() (*group, error) {
	name := fmt.Sprintf("scout-limits-%d", os.Getpid())
	var first error
	for _, g := range []group{{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, {"/sys/fs/cgroup", "memory.max"}} {
		g.dir = filepath.Join(g.dir, name)
		err := os.Mkdir(g.dir, 0o755)
		if err == nil {
			if _, err = os.Stat(filepath.Join(g.dir, g.limit)); err == nil {
				return &g, nil
			}
			os.Remove(g.dir)
		}
		if first == nil {
			first = err
		}
	}
	return nil, fmt.Errorf("no control group of memory can be made here: %w", first)
}

// set limits what the group may have. A lower limit than what it has is refused until
// the system has dropped that.
func (g *group) set(bytes int64) error {
	var err error
	for range 20 {
		if err = os.WriteFile(filepath.Join(g.dir, g.limit), []byte(strconv.FormatInt(bytes, 10)), 0o644); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return err
}

func (g *group) remove() {
	for range 20 { // the last process may still be going
		if os.Remove(g.dir) == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// inside is a shell's line that puts the shell into the group and becomes "$@".
func (g *group) inside() string {
	return fmt.Sprintf("echo $$ > %s/cgroup.procs && exec \"$@\"", g.dir)
}
