package main

import (
	"math"
	"testing"
)

func TestDivergence(t *testing.T) {
	// p is 2/3 and 1/3, q is 1/2 and 1/2.
	p, q := []float32{float32(math.Log(2)), 0}, []float32{7, 7}
	want := 2.0/3*math.Log(4.0/3) + 1.0/3*math.Log(2.0/3)
	if got := divergence(p, q); math.Abs(got-want) > 1e-7 {
		t.Errorf("got %g, want %g", got, want)
	}
	if got := divergence(p, p); got != 0 {
		t.Errorf("a distribution diverges by %g from itself", got)
	}
}

func TestMeasure(t *testing.T) {
	want := []float32{1, 0, 0, 1, 0, 1, 0.99, 0}
	got := []float32{1, 0.5, 1, 0, 0, 1, 0, 0.98}
	f := measure(want, got, 4, 4, coarse-2)
	if f.near != 1 || math.Abs(f.far-0.99) > 1e-6 {
		t.Errorf("differences are %g and %g, want 1 below the border and 0.99 from there", f.near, f.far)
	}
	if f.missed != 2 || f.top1() != 0.5 {
		t.Errorf("%d positions missed, want the second and the fourth", f.missed)
	}
	if f = measure(want, got, 4, 1, 0); f.missed != 0 || f.far != 0 || f.near != 0.5 {
		t.Errorf("the first position alone gives %+v", f)
	}
	// Two tokens that llama.cpp has close together may change places.
	if f = measure([]float32{1, 0.99}, []float32{0.99, 1}, 1, 1, 0); f.missed != 0 {
		t.Error("two close tokens count as a miss")
	}
}

func TestMeasureFindsInvalidNumbers(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	if f := measure([]float32{1, 2, 3}, []float32{nan, 2, inf}, 1, 1, 0); f.invalid != 2 {
		t.Errorf("%d invalid logits, want 2", f.invalid)
	}
}
