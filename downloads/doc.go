// Package downloads brings models from the hubs to the disk and keeps them
// there:
//
//	name ─ hub ─► files, each with its SHA-256, at one commit ─ transfer ─► store ─► Find: paths to open
//
//	hub           what a name stands for, on Hugging Face or in the Ollama registry
//	transfer      one file, whole and right, whatever happens on the way
//	store         which models there are, and what may be removed
//	web, disk     HTTP and the file system, made safe and made to fail
//	faultserver   a hub that does wrong on purpose, for tests
//
// A Queue pulls several models, one after the other or at once, in an order that
// can be changed. Import takes in what other programs have, where it lies.
//
// A pull that was stopped, by a person, a power cut or a full disk, goes on
// where it was: at the commit it began with, with the bytes it has. What is
// there already is not fetched again.
package downloads
