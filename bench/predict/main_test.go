package main

import (
	"slices"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{4, 1}, 2.5}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 8}, 3}} {
		if got := median(test.values); got != test.want {
			t.Errorf("median of %v is %v, want %v", test.values, got, test.want)
		}
	}
}

// TestSummary expects each goal to count by itself.
func TestSummary(t *testing.T) {
	good := row{Decode: 10.9, Decoded: 10, Prefill: 119, Filled: 100}
	slow, late := good, good
	slow.Decode, late.Prefill = 8.9, 79
	if !summary([]row{good, good, slow}) || summary([]row{slow, slow, good}) || summary([]row{late, late, good}) {
		t.Error("the goals are not what decides")
	}
}

func TestNumbers(t *testing.T) {
	if got, err := numbers("0, 4096"); err != nil || !slices.Equal(got, []int{0, 4096}) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", "-1", "1;2"} {
		if _, err := numbers(bad); err == nil {
			t.Errorf("%q is a list", bad)
		}
	}
}

func TestModels(t *testing.T) {
	if len(models) < 6 {
		t.Errorf("%d models, want at least 6", len(models))
	}
}
