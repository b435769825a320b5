// Package vision is what a picture goes through before it is tokens of a model:
// cutting into tiles, resizing and normalising as the model was trained, the
// tower that turns tiles into embeddings, and where those go in a prompt. It is
// mathematics only: it opens no file, decodes no format and runs nothing.
//
//	picture ─► tiles [3, T, T] ─► Tower.Unfold: rows of patches ─► Tower.Graph ─► embeddings [tokens, width]
//
// Families differ in all three parts, so each has its own file per part, by name:
// llama4_tiles.go, llama4_layout.go, llama4_tower.go. A Processor (processor.go) is
// the first and the last of these for one tower, and where a new family joins in.
package vision
