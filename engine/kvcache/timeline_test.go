package kvcache

import (
	"math/rand/v2"
	"slices"
	"testing"

	"scout/engine/tensor"
)

// cells is the definition: what a layer of one chunk length really holds.
type cells struct {
	chunk int
	pos   []int
}

func newCells(chunk int) *cells {
	c := &cells{chunk: chunk, pos: make([]int, chunk)}
	for i := range c.pos {
		c.pos[i] = -1
	}
	return c
}

func (c *cells) write(p int) { c.pos[p%c.chunk] = p }

// serves says whether the token at position p finds all it must see.
func (c *cells) serves(p, origin int) bool {
	for j := max(p/c.chunk*c.chunk, origin); j < p; j++ {
		if c.pos[j%c.chunk] != j {
			return false
		}
	}
	return true
}

func TestTimelineAgainstCells(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		layers := []Layer{{Chunk: 8}, {}, {Chunk: []int{8, 12, 16}[seed%3]}}
		line := New(layers, 200)
		real := []*cells{newCells(layers[0].Chunk), newCells(layers[2].Chunk)}
		if seed%4 == 0 {
			if err := line.StartAt(int(seed) % 40); err != nil {
				t.Fatal(err)
			}
		}
		for range 60 {
			if r.IntN(3) > 0 {
				n := line.Batch(1+r.IntN(20), min(12, line.Room()))
				if n <= 0 {
					line.Truncate(line.Origin())
					continue
				}
				for p := line.Len(); p < line.Len()+n; p++ {
					for _, c := range real {
						if !c.serves(p, line.Origin()) {
							t.Fatalf("seed %d: position %d misses keys of its chunk of %d", seed, p, c.chunk)
						}
						c.write(p)
					}
				}
				if r.IntN(8) == 0 { // a run that was stopped
					line.Wrote(line.Len() + n)
				} else {
					line.Extend(make([]int32, n))
				}
				continue
			}
			want := line.Origin() + r.IntN(line.Len()-line.Origin()+1)
			got := line.Truncate(want)
			if got != line.Len() || got > want {
				t.Fatalf("seed %d: Truncate(%d) = %d, Len %d", seed, want, got, line.Len())
			}
			for _, c := range real {
				if !c.serves(got, line.Origin()) {
					t.Fatalf("seed %d: Truncate(%d) kept %d, whose chunk of %d is gone", seed, want, got, c.chunk)
				}
			}
		}
	}
}

// TestTruncateKeepsAllItCan holds the other side: with one chunk length nothing
// that is still there is thrown away.
func TestTruncateKeepsAllItCan(t *testing.T) {
	for _, tc := range []struct{ length, n, want int }{
		{5, 3, 3}, {8, 8, 8}, {8, 5, 5}, {9, 8, 8}, {9, 5, 0}, {20, 17, 17}, {20, 16, 16}, {20, 15, 8}, {20, 8, 8}, {20, 3, 0},
	} {
		line := New([]Layer{{Chunk: 8}, {}}, 64)
		for line.Len() < tc.length {
			line.Extend(make([]int32, line.Batch(tc.length-line.Len(), 100)))
		}
		if got := line.Truncate(tc.n); got != tc.want {
			t.Errorf("length %d: Truncate(%d) = %d, want %d", tc.length, tc.n, got, tc.want)
		}
	}
}

func TestReusable(t *testing.T) {
	ids := func(s string) []int32 {
		var out []int32
		for _, c := range s {
			out = append(out, c)
		}
		return out
	}
	for _, tc := range []struct {
		held, next string
		chunk      int
		want       int
	}{
		{"", "abc", 0, 0},
		{"abc", "abcd", 0, 3},
		{"abc", "abc", 0, 2}, // one is left to compute
		{"abcdef", "abXd", 0, 2},
		{"abcdef", "abXd", 4, 0}, // chunk 0 was overwritten by e and f
		{"abcdef", "abcdX", 4, 4},
		{"abcdef", "abcdefgh", 4, 6},
		{"abc", "", 0, 0},
	} {
		line := New([]Layer{{Chunk: tc.chunk}}, 64)
		for held := ids(tc.held); len(held) > 0; {
			n := line.Batch(len(held), 100)
			line.Extend(held[:n])
			held = held[n:]
		}
		if got := line.Reusable(ids(tc.next)); got != tc.want {
			t.Errorf("%q then %q, chunk %d: Reusable = %d, want %d", tc.held, tc.next, tc.chunk, got, tc.want)
		}
	}
}

func TestSpec(t *testing.T) {
	layers := []Layer{{KVHeads: 8, HeadDim: 128, Chunk: 8192}, {KVHeads: 8, HeadDim: 128}}
	spec := Spec(layers, 16384, tensor.KVF16)
	got := []int64{spec[0].Bytes(), spec[1].Bytes()}
	// 4096 bytes a token and layer: 8 KV heads of 128, two bytes, K and V.
	if want := []int64{4096 * 8192, 4096 * 16384}; !slices.Equal(got, want) {
		t.Errorf("bytes are %d, want %d", got, want)
	}
	if err := New(layers, 10).StartAt(10); err == nil {
		t.Error("StartAt past the context: no error")
	}
}
