// Package hub finds the files that a name stands for, on the Hugging Face hub
// (or a mirror with its API) and in the Ollama registry.
//
//	"llama4:scout"  ─ ParseRef ─► Ref ─ Client.Look ─► Listing{Variants} ─ Pick ─► Variant{files, projector}
//	                                                                                   │
//	transfer.Source, for each file, which asks for an address whenever one is needed ◄─┘
//
// A listing is pinned to a commit (or to the digest of a manifest): what is
// fetched is what was looked at, whatever is published meanwhile. Every file
// is known by its SHA-256, which the hub names and the transfer checks.
//
// Answers are data from strangers: bounded, checked field by field, and never
// a name on this disk.
package hub
