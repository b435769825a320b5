package cpu

import (
	"fmt"
	"sync"
	"testing"
)

// TestInParts expects every element to be done once, in parts that suit blocks.
func TestInParts(t *testing.T) {
	for _, threads := range []int{1, 2, 3, 16} {
		p := &program{b: New(threads)}
		for _, rows := range []int{0, 1, 2, 3, 15, 16, 40} {
			for _, width := range []int{32, 256, 800, 1024, 5120, 8192 + 32} {
				t.Run(fmt.Sprintf("%d threads, %d rows of %d", threads, rows, width), func(t *testing.T) {
					pieces, done := new(counter), make([]int, rows*width)
					var mu sync.Mutex
					most := 0
					err := p.b.pool.run(func(int) {
						p.inParts(pieces, rows, width, func(row, from, to int) {
							mu.Lock()
							defer mu.Unlock()
							most = max(most, to-from)
							if from%256 != 0 || to%256 != 0 && to != width {
								t.Errorf("a part from %d to %d", from, to)
							}
							for i := from; i < to; i++ {
								done[row*width+i]++
							}
						})
					})
					if err != nil {
						t.Fatal(err)
					}
					for i, n := range done {
						if n != 1 {
							t.Fatalf("element %d of row %d was done %d times", i%width, i/width, n)
						}
					}
					if rows == 1 && most > max(512, width/threads+256) {
						t.Errorf("a part of %d elements", most)
					}
				})
			}
		}
		p.b.Close()
	}
}
