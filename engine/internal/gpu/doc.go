// Package gpu runs graphs on graphics processors through Vulkan, whoever made
// them, without cgo and without a toolkit.
//
// A program is compiled once: weights are copied to the device as the file has
// them, every operation becomes one or a few dispatches, and what depends on the
// batch (how many rows, which positions) lies in a buffer that the host writes, so
// that the command lists are recorded once and handed over again for every token.
// Run only hands them over; Read waits. What a batch computes therefore overlaps
// with what other devices do meanwhile.
//
// Every number of a row is computed in an order that does not depend on the other
// rows of its batch, as package backendtest asks. See docs/decisions/0009.
//
// The build tag nogpu leaves all of it out; List and Open then say so.
package gpu
