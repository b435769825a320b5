// Package sessions will keep conversations on disk, as append-only journals
// that lose at most the line being written, and find them again. It holds no
// code yet: a chat lives as long as the process. A session is what the person
// remembers; what the device remembers is an engine.Sequence.
package sessions
