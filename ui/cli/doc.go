// Package cli is the command line, for people at a terminal and for programs in a
// pipeline: run and chat; fit, search, quants, pull, import, ls, du, show, rm and
// verify for models; sessions for conversations; bench, tokens and eval to measure
// and compare.
//
//	arguments, standard input ─► App ─► engine ─► deltas ─► reporter ─► standard output
//	                              │                            ├ text   people and pipes
//	interrupts ─► cancelled context                            ├ json   one object
//	hardware   ─► does it fit?                                 └ jsonl  an event a line
//
// It keeps the pipe contract: standard output carries the answer and nothing
// else, no escape byte reaches anything that is not a terminal, progress goes
// only to a terminal on standard error, a closed reader and an interrupt end
// an answer within a token, and the exit code says how it went (see Finish).
// What the model writes is text: on a terminal its control characters are
// dropped, so that no model can steer the terminal.
//
// Every command answers with an error and prints none itself; package main
// hands what came of it to Finish. What a command needs of the engine is the
// interfaces of models.go, which the tests fill with canned answers.
package cli
