// Package transfer brings one file, known by its SHA-256 and its size, from
// servers onto the disk, and does not lose what it has.
//
//	Source ─ Locate ─► address ─ ranges on several connections ─► .part ─┬► pieces done ─► .state
//	                                                                     └► SHA-256 follows behind
//
// On disk a file is at first blobs/sha256-HEX.part, of its full size, and
// blobs/sha256-HEX.state, a journal of the pieces that are in it (journal.go).
// The journal is written after the data has reached the disk, never before: it
// claims nothing that a power cut could take away. When everything is there
// and the sum is right, the .part gets its name and the journal becomes
// sha256-HEX.pieces, the checksums of its pieces, with which Verify finds and
// repair fetches what a bad disk has changed.
//
// A transfer goes on for as long as bytes can come. It stops, with the reason
// and what to do about it, only where going on is of no use: no access, no
// space, a server that has another file.
//
// What a transfer promises is tested with the server of package faultserver:
// the file is right or not there; no piece in the journal is asked for again;
// Progress.Done never falls.
package transfer
