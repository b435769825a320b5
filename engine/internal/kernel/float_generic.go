package kernel

import "scout/engine/quant"

// genericFloats is the plain Go version: the fallback on every machine and what
// the other versions are tested against.
var genericFloats = floats{
	matMul:        matMulFloatGeneric,
	dot:           dotGeneric,
	scoresF16:     scoresF16Generic,
	scoresF32:     scoresF32Generic,
	accumF16:      accumF16Generic,
	accumF32:      accumF32Generic,
	scoresManyF16: scoresManyF16Generic,
	scoresManyF32: scoresManyF32Generic,
	accumManyF16:  accumManyF16Generic,
	accumManyF32:  accumManyF32Generic,
	add:           addGeneric,
	scale:         scaleGeneric,
	axpy:          axpyGeneric,
	max:           maxGeneric,
	scaleMax:      scaleMaxGeneric,
	expSum:        expSumGeneric,
	rmsNorm:       rmsNormGeneric,
	siluMul:       siluMulGeneric,
	gelu:          geluGeneric,
	layerNorm:     layerNormGeneric,
	ropePairs:     ropePairsGeneric,
	ropeHalves:    ropeHalvesGeneric,
	toF16:         toF16Generic,
	fromF16:       fromF16Generic,
	quantizeQ8_0:  quant.QuantizeQ8_0,
	quantizeQ8_K:  quant.QuantizeQ8_K,
}
