// Package hardware says what this machine has: processors this process may
// use, memory, the memory's measured read bandwidth, and the process's own
// peak use of memory.
//
// It also has a table of cards, machines and kinds of memory that one can buy
// (devices.toml), for questions about machines that are not here.
//
// It only reports. Whether a model fits is decided by whoever holds both the
// model's sizes and these figures. Everything read from /proc and /sys goes
// through an fs.FS, so that the parsing is tested on every system; figures
// that a system does not give are zero and said to be unknown.
package hardware
