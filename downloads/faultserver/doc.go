// Package faultserver is a model hub and the storage servers behind it, inside
// the test's own process, which do wrong what servers, networks and proxies
// are known to do wrong, when a script says so.
//
//	hub   127.0.0.1:1001   GET /file/NAME    302, to the storage, signed
//	store 127.0.0.1:1002   GET /blob/NAME?sig=N   206 with the bytes
//
// The bytes of a file are computed from their positions, so a file of 220 GB
// takes no space. Connections are pipes in memory, made for testing/synctest
// (half a minute of silence takes no time), or real sockets.
//
// Every request is recorded, with what it asked for, who it said it was and
// how many bytes it got: tests hold that against what a client may do.
package faultserver
