//go:build race

package cpu

// spins is few here, since the race detector makes each look some fifty times as
// slow.
const spins = 400
