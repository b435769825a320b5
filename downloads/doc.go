// Package downloads will fetch models: find the files that a name stands for,
// transfer them in parts, resume after any interruption and verify every byte
// against its published hash. It holds no code yet, and the program fetches
// nothing; until it does, models are files that are on disk already.
package downloads
