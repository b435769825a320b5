// Package disktest has file systems for tests: one that fails where it is told
// to, and one in memory that can lose its power, with all that was not brought
// to the disk.
package disktest
