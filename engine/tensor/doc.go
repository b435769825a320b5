// Package tensor is the language a model is written in: a Graph of operations
// on activations, the Weights they read, and the Backend contract that turns a
// graph into a program for a device.
//
// Two conventions hold everywhere above this package:
//
//   - Shapes are written outermost first, row-major: [tokens, width],
//     [expert, out, in]. GGUF stores them the other way round; gguf turns them as it
//     reads, and nobody else thinks of it.
//   - Every activation is [rows, width] float32. Its width is fixed when the graph
//     is built; its rows are the tokens of the batch (or the rows of it whose logits
//     were asked for), decided at each run. A graph is compiled once per model and
//     then runs any batch up to its limit without allocating.
//
// Operations are data: a struct per operation in ops.go. Adding one touches no
// interface, a graph can be printed, and the backend test suite can enumerate
// them. A wrong shape in a graph is a bug of the model code and panics while the
// graph is built, with both shapes; engine.Open recovers it once.
package tensor
