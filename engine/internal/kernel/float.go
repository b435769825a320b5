package kernel

// floats is one version of every float kernel; all fields are set. The exported
// functions of this package check lengths and call the best version, so that a
// version may trust them.
//
// Versions agree within rounding, and exactly where a function's comment says
// so. Each version keeps the rule of doc.go: a result does not depend on what
// else is computed in the same call.
type floats struct {
	matMul func(dst []float32, ldd int, m Matrix, r0, r1 int, a *Acts, t0, t1 int, s *Scratch)
	dot    func(a, b []float32) float32

	scoresF16 func(dst, q []float32, k []uint16, stride int)
	scoresF32 func(dst, q, k []float32, stride int)
	accumF16  func(o, p []float32, v []uint16, stride int)
	accumF32  func(o, p, v []float32, stride int)

	scoresManyF16 func(dst []float32, ldd int, q []float32, dim int, k []uint16, stride, keys int, s *Scratch)
	scoresManyF32 func(dst []float32, ldd int, q []float32, dim int, k []float32, stride, keys int, s *Scratch)
	accumManyF16  func(o []float32, dim int, p []float32, ldp int, v []uint16, stride, values int, s *Scratch)
	accumManyF32  func(o []float32, dim int, p []float32, ldp int, v []float32, stride, values int, s *Scratch)

	// The rest is exact: every version gives the same bits.
	add          func(dst, a, b []float32)
	scale        func(dst []float32, s float32)
	axpy         func(dst []float32, s float32, x []float32)
	max          func(x []float32) float32
	scaleMax     func(x []float32, s float32) float32
	expSum       func(x []float32, max float32) float32
	rmsNorm      func(dst, x, w []float32, eps float32)
	siluMul      func(dst, gate, up []float32)
	gelu         func(dst, x []float32)
	layerNorm    func(dst, x, w, b []float32, eps float32)
	ropePairs    func(x, cos, sin []float32)
	ropeHalves   func(x, cos, sin []float32)
	toF16        func(dst []uint16, src []float32)
	fromF16      func(dst []float32, src []uint16)
	quantizeQ8_0 func(q []int8, d []float32, sums []int16, x []float32)
	quantizeQ8_K func(q []int8, d []float32, sums []int16, x []float32)
}

// best is the version in use. Arch files replace it in init when the CPU has
// what a better one needs.
var best = &genericFloats

// floatVersions lists, by name, every version that can run on this machine.
// Arch files add theirs in init.
var floatVersions = map[string]*floats{"generic": &genericFloats}
