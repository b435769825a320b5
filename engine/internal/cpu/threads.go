package cpu

import "runtime"

// DefaultThreads is how many workers keep this machine's arithmetic units busy:
// one for each core that the process may use. Two hardware threads of a core share
// its multipliers and its way to memory, so a second worker there would add
// nothing but its part of every barrier. GOMAXPROCS takes in the affinity mask and
// the control group's quota; where the system does not tell which threads share a
// core, it alone counts.
func DefaultThreads() int {
	n := runtime.GOMAXPROCS(0)
	if cores := usableCores(); cores > 0 {
		n = min(n, cores)
	}
	return n
}
