// Package downloads brings models from the hubs to the disk and keeps them
// there. So far its rooms are there, and no command leads to them yet:
//
//	transfer      one file, whole and right, whatever happens on the way
//	store         which models there are, and what may be removed
//	web, disk     HTTP and the file system, made safe and made to fail
//	faultserver   a hub that does wrong on purpose, for tests
//
// Until the names of models are resolved, the program fetches nothing.
package downloads
