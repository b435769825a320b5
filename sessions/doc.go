// Package sessions keeps conversations on disk and finds them again. A session
// is what the person remembers; what the device remembers is an
// engine.Sequence.
//
// A session is one append-only file of lines, each with its length and a
// checksum (docs/session-format.md). Nothing in a journal is ever overwritten or
// cut off: an edit is a new message beside the old one, deleting is a record that
// can be taken back, and what a crash or a bad disk left behind stays where it
// is, is stepped over, and is said.
//
//	Append, Begin ─► record ─► line ─► written ─► synced = acknowledged
//	                                                  │
//	Open, Read ◄─ Conversation ◄─ records ◄─ scan ◄───┘  damage: what, where, how much
//
// A call that returns without an error has put what it was given where a crash
// of the program or of the machine cannot take it away. A call that fails keeps
// it in memory, and the next one tries again.
//
// The directory is the caller's: journals named by their session, a folder of
// attachments named by their content, and an index that only makes listing fast
// and can be deleted at any time. Several processes may share it; a session has
// one writer at a time, and any number of readers.
package sessions
