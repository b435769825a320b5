// Package hardware says what this machine has: processors this process may
// use, memory, GPUs, the disks of folders, the measured read bandwidth of memory and
// disks, and the process's own peak use of memory. What was measured is remembered
// (Calibration).
//
// Drivers of GPUs crash and hang, and so do file systems of the network: ProbeApart
// looks at both in a process of its own. Every figure carries its source.
//
// It also has a table of cards, machines and kinds of memory that one can buy
// (devices.toml), for questions about machines that are not here.
//
// It only reports. Whether a model fits is decided by whoever holds both the
// model's sizes and these figures. Everything read from /proc and /sys goes
// through an fs.FS, so that the parsing is tested on every system; figures
// that a system does not give are zero and said to be unknown.
package hardware
