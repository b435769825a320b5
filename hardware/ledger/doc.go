// Package ledger remembers what was predicted of a model's runs and what was measured,
// so that the next prediction can be corrected and can say how far it was off before.
//
//	Add ──► lines of JSON in a file that only grows, until it is put aside ──► Read ──► Runs.Past ──► ratio, error, runs
//
// A line says nothing of whose the machine is, where a model lies, or what was asked of
// it: machine and model are sums of what their speed hangs on.
package ledger
