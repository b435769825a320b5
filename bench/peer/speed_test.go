package main

import (
	"slices"
	"testing"
)

func TestLengths(t *testing.T) {
	var l lengths
	if err := l.Set("32,0,512"); err != nil || !slices.Equal(l, lengths{32, 512}) || l.String() != "32 512" {
		t.Errorf("got %v (%v)", l, err)
	}
	if err := l.Set("0"); err != nil || len(l) != 0 {
		t.Errorf("after 0: %v (%v), want none left", l, err)
	}
	for _, bad := range []string{"", "x", "1,,2", "-1", "1.5"} {
		if err := l.Set(bad); err == nil {
			t.Errorf("%q: got %v, want an error", bad, l)
		}
	}
}

func TestSpeedCells(t *testing.T) {
	for _, c := range []struct {
		p    speed
		want int
	}{
		{speed{prompts: lengths{32, 512}, decode: 16, depth: 100}, 612},
		{speed{prompts: lengths{32}, decode: 64, depth: 100}, 164},
		{speed{decode: 2}, warmUp},
		{speed{decode: 2, depth: 1000}, 1002},
	} {
		if got := c.p.cells() - slack; got != c.want {
			t.Errorf("%+v: room for %d tokens, want %d", c.p, got, c.want)
		}
	}
	if (speed{depth: 5}).wanted() || !(speed{decode: 1}).wanted() || !(speed{prompts: lengths{1}}).wanted() {
		t.Error("wanted says otherwise")
	}
}
