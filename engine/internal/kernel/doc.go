// Package kernel is the arithmetic of the CPU backend: matrix products on the
// file's own weight formats, and the small vector operations around them. It
// knows no threads, no graph and no model; package cpu divides the work.
//
// What every version of a kernel must keep:
//
//   - A quantised product is defined bit for bit. With one block of weights
//     W = D*S[u]*Q - DMin*M[u] (quant.Super) and activations x = d*q:
//
//     isum = sum over groups u of S[u] * sum(Q*q)       exact, int32
//     imin = sum over groups u of M[u] * sum(q)         exact, int32
//     term = (D*d)*float32(isum) - (DMin*d)*float32(imin)
//     y    = y + term                                   blocks in order, from 0
//
//     every float operation rounded to float32 on its own, never fused. The Go
//     version is the definition; assembly must equal it exactly.
//
//   - The result for one row and one token does not depend on which other rows or
//     tokens are computed with it. So one batch, token by token and any split of a
//     prompt give the same bits, and so do any number of threads.
//
//   - Weights are read where they are mapped; nothing is repacked or copied.
//     Activations may be, for matrix instructions (Acts.Pack): they are few.
//
//   - Assembly functions are entered through Go functions whose prologue is a
//     preemption point, with at most about 1 MB of weights a call: a loop over
//     NOSPLIT assembly would stall the garbage collector for seconds.
package kernel
