// Package disk is the little of a file system that downloads need, behind an
// interface, so that tests can make the n-th write fail, cut the power between
// two of them, or hold 220 GB that are not there.
//
//	Root      a directory of this machine, which no name can leave (os.Root)
//	Replace   a whole file, written so that it is the old one or the new one
//	TryLock   one owner of a name among all processes, and who it is
//
// Names are relative to the root, with slashes, and are made by us: no name
// that came over the network reaches this package.
package disk
