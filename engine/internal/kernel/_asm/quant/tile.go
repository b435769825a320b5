package main

// A tile is 16 rows by 256 weights, unpacked. Offsets in bytes; package kernel
// has the same as Go structures.
//
// The vectors of rows come in two halves of 8, one after the other.
const (
	// Weights: for each 4 columns, 16 rows of 4 bytes.
	tileW     = 0
	tileWStep = 64

	// Of 256-weight blocks: for each scale, 16 rows of {S, S}, int16.
	tileS     = 4096
	tileSStep = 64
	// For each two minima or biases, 16 rows of {M, M'}, int16.
	tileM     = tileS + 16*tileSStep
	tileMStep = 64
	// 16 rows of D, then of DMin, float32.
	tileD    = tileM + 8*tileMStep
	tileDMin = tileD + 64

	// Of 32-weight blocks: for each block, 16 rows of D, float32; then as many of
	// Min.
	tileBlockD   = 4096
	tileBlockMin = tileBlockD + 8*64
	// What the sums of activations are multiplied with, int32.
	tileBias = tileBlockMin + 8*64

	// Working memory of the kernels, 2048 bytes.
	tileScratch = 5760
)
