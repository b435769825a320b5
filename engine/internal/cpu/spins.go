//go:build !race

package cpu

// spins is how often a worker looks for the others before it goes to sleep: some
// 200 µs.
const spins = 200000
