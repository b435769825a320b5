// Package plan says where the parts of a model should lie on a machine, how much
// memory that takes, and how fast it would be: facts in numbers go in, a plan
// comes out. It opens no file and measures nothing.
//
//	Facts (bytes of every layer, heads, chunks)  ┐
//	Machine (memory and bandwidth, GPUs, disk)   ├─► Make ─► Plan: placement, memory, tokens/s, what limits them
//	Options (context, cache type, depth)         ┘      └──► or a Refusal, which names the limit and a way out
//
// Bytes are exact where the facts are. Speed is a model: a token can be no faster
// than the weights and the cache it needs can be read, so the time of a token is
// the sum over the devices of bytes over bandwidth. It is given twice: with the
// full bandwidth, which is a bound, and with the share of it that programs reach,
// which is the prediction.
//
// What makes it worth planning: in a mixture of experts most bytes are read
// seldom. Of Llama 4 Scout at Q4_K_M 89 % of the bytes are routed experts, which
// make up 37 % of the bytes that a token reads. The rest belongs into the fastest
// memory first.
package plan
