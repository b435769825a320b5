// Package app is the terminal app: what "scout" without arguments opens.
//
//	keys, pastes, ticks ──► root.Update ──► tea.Cmd: whatever waits (disk, model, clipboard)
//	                            │  ▲                   │
//	                  state of one screen  ◄───────────┘ a message that says what has happened
//	                            │
//	                         root.View: the lines that are seen, and no others
//
// There is one Bubble Tea model, root. What lies over the chat (lists, pages, a
// question) is a plain struct that implements layer. Update and View never wait:
// they read no file, run no model and take no lock that is held for longer than
// moments. The conversation itself is ui/talk's; the app draws it and says what the
// person wants of it.
//
// Everything that can be done is a row of the table in actions.go, which the keys,
// the commands, the palette and the help all read.
package app
