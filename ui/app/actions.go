package app

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// action is something that can be done: by a command, and most by a key too.
type action struct {
	name    string // the command, with its slash
	aliases []string
	args    string   // what may follow it, as the help writes it
	keys    []string // as Bubble Tea names them, the one to be shown first
	what    string   // what it does, in a few words
	group   string   // the heading it stands under in the help
	run     func(r *root, arg string) tea.Cmd
}

// actionTable is what keys, commands, palette and help are made of.
func actionTable() []action {
	return []action{
		{name: "/help", aliases: []string{"/keys", "/?"}, keys: []string{"f1"}, what: "keys and commands", group: "The app", run: showHelp},
		{name: "/palette", keys: []string{"ctrl+p"}, what: "find anything by name", group: "The app", run: showPalette},
		{name: "/model", args: "[NAME]", keys: []string{"ctrl+l"}, what: "choose who answers; the conversation stays", group: "The app", run: chooseModel},
		{name: "/quant", args: "[NAME]", what: "another quantization of it; the conversation stays", group: "The app", run: chooseQuant},
		{name: "/downloads", keys: []string{"f2"}, what: "what is being downloaded; pause, order, remove", group: "The app", run: showPulls},
		{name: "/pull", args: "NAME", what: "download a model", group: "The app", run: pullNamed},
		{name: "/limit", args: "RATE", what: "most bytes a second of all downloads; none", group: "The app", run: setLimit},
		{name: "/swap", args: "[at once|ask]", keys: []string{"f3"}, what: "have what was downloaded answer", group: "The app", run: swap},
		{name: "/theme", args: "[NAME]", keys: []string{"ctrl+t"}, what: "choose colours", group: "The app", run: chooseTheme},
		{name: "/quit", aliases: []string{"/bye", "/exit", "/q"}, what: "leave; everything is saved", group: "The app", run: leaveApp},
		{name: "/leave", keys: []string{"ctrl+d"}, what: "leave, if nothing is written; press it twice", group: "The app", run: leaveTwice},

		{name: "/new", keys: []string{"ctrl+n"}, what: "begin a conversation", group: "Conversations", run: beginNew},
		{name: "/sessions", args: "[WORDS]", keys: []string{"ctrl+s"}, what: "open, search, rename, pin, delete, fork, export", group: "Conversations", run: showSessions},
		{name: "/title", args: "TEXT", what: "rename this conversation", group: "Conversations", run: rename},
		{name: "/export", args: "[md|json] [PATH]", what: "write this conversation to a file", group: "Conversations", run: export},
		{name: "/search", args: "TEXT", keys: []string{"ctrl+f"}, what: "find in this conversation; again: the one before", group: "Conversations", run: searchHere},

		{name: "/stop", keys: []string{"esc"}, what: "stop the reply and keep what there is; twice: edit", group: "Replies", run: stopOrEdit},
		{name: "/retry", aliases: []string{"/regenerate"}, what: "answer once more, beside this reply", group: "Replies", run: retry},
		{name: "/continue", what: "go on with a reply that was cut", group: "Replies", run: goOn},
		{name: "/edit", args: "[N]", what: "say your last message (or the Nth) differently", group: "Replies", run: edit},
		{name: "/branch", args: "[N]", what: "show the next (or Nth) of several versions", group: "Replies", run: branch},
		{name: "/copy", args: "[N]", keys: []string{"ctrl+y"}, what: "copy the last reply, or its Nth block of code", group: "Replies", run: copyReply},
		{name: "/inspect", aliases: []string{"/stats"}, keys: []string{"ctrl+o"}, what: "how the last reply came about", group: "Replies", run: inspect},
		{name: "/why", aliases: []string{"/figures"}, keys: []string{"f4"}, what: "speed and memory: predicted, measured, what limits it", group: "Replies", run: showWhy},

		{name: "/editor", keys: []string{"ctrl+g"}, what: "write your message in an editor of your own", group: "Your message", run: openEditor},
		{name: "/image", aliases: []string{"/file", "/attach"}, args: "PATH", what: "attach a picture or a text file", group: "Your message", run: attachPath},
		{name: "/paste", keys: []string{"ctrl+v", "alt+v", "super+v"}, what: "attach a copied picture or file; paste text", group: "Your message", run: pasteCopied},
		{name: "/view", aliases: []string{"/picture"}, args: "[N]", keys: []string{"f5"}, what: "see a picture as large as the screen", group: "Your message", run: viewPicture},
		{name: "/history", args: "[WORDS]", keys: []string{"ctrl+r"}, what: "find what you wrote before, anywhere", group: "Your message", run: searchHistory},
		{name: "/detach", args: "[N]", what: "remove an attached file", group: "Your message", run: detach},
		{name: "/unqueue", args: "[N]", what: "take a waiting message back", group: "Your message", run: unqueue},
		{name: "/resume", what: "send the messages that wait", group: "Your message", run: resume},
		{name: "/clear", keys: []string{"ctrl+c"}, what: "stop, else clear what is written, else leave (twice)", group: "Your message", run: interrupt},

		{name: "/system", args: "[TEXT]", what: "the system prompt from now on; empty: none", group: "How it answers", run: setSystem},
		{name: "/set", args: "[NAME VALUE]", what: "a sampling setting; alone: all of them", group: "How it answers", run: set},
		{name: "/seed", args: "[N]", what: "the seed of the next replies; 0: by chance", group: "How it answers", run: seed},

		{name: "/up", keys: []string{"pgup", "ctrl+up"}, what: "scroll up a page", group: "Scrolling", run: scrollBy(-1)},
		{name: "/down", keys: []string{"pgdown", "ctrl+down"}, what: "scroll down a page", group: "Scrolling", run: scrollBy(1)},
		{name: "/top", keys: []string{"ctrl+home"}, what: "to the beginning", group: "Scrolling", run: toTop},
		{name: "/end", keys: []string{"ctrl+end"}, what: "to the end, and follow it", group: "Scrolling", run: toEnd},
	}
}

// boundActions is the table with the keys that the person chose instead, by command
// without its slash.
func boundActions(chosen map[string][]string) []action {
	table := actionTable()
	for i := range table {
		if keys, ok := chosen[strings.TrimPrefix(table[i].name, "/")]; ok {
			table[i].keys = keys
			continue
		}
		table[i].keys = slices.DeleteFunc(table[i].keys, func(key string) bool { // taken for something else
			for _, keys := range chosen {
				if slices.Contains(keys, key) {
					return true
				}
			}
			return false
		})
	}
	return table
}

// typing is the keys that write: they have no commands, being what commands are
// written with.
var typing = [][2]string{
	{"enter", "send"},
	{"shift+enter", "a new line; alt+enter and ctrl+j too"},
	{"↑ ↓", "what you wrote before, in the first and last line"},
	{"tab", "complete a /command or an @path"},
	{"?", "this help, if nothing is written"},
}

func (r *root) actionOfKey(key string) *action {
	for i := range r.actions {
		for _, k := range r.actions[i].keys {
			if k == key {
				return &r.actions[i]
			}
		}
	}
	return nil
}

func (r *root) actionOfName(name string) *action {
	for i, a := range r.actions {
		if a.name == name {
			return &r.actions[i]
		}
		for _, alias := range a.aliases {
			if alias == name {
				return &r.actions[i]
			}
		}
	}
	return nil
}

// keyOf is the key that does what a command does, or the command itself.
func (r *root) keyOf(name string) string {
	if a := r.actionOfName(name); a != nil && len(a.keys) > 0 {
		return a.keys[0]
	}
	return name
}

// command does what a line that begins with a slash says. What is no command is said
// to be none, and stays written. A path is looked for first: a drop that was typed
// begins with a slash too.
func (r *root) command(line string) tea.Cmd {
	name, arg, _ := strings.Cut(strings.TrimSpace(line), " ")
	a := r.actionOfName(name)
	if a == nil {
		if strings.Contains(name[1:], "/") {
			return r.lookUp(line, true, line)
		}
		r.complain(fmt.Errorf("there is no command %s%s: %s lists them; to send it, begin with a space", name, r.nearest(name), r.keyOf("/help")))
		return nil
	}
	r.composer.take()
	return a.run(r, strings.TrimSpace(arg))
}

// nearest is a command that begins like name, as a suggestion.
func (r *root) nearest(name string) string {
	for n := len(name); n > 2; n-- {
		for _, a := range r.actions {
			if strings.HasPrefix(a.name, name[:n]) {
				return " (" + a.name + "?)"
			}
		}
	}
	return ""
}

// complete completes a command, or the path of a mention.
func (r *root) complete() tea.Cmd {
	text := r.composer.text()
	if !strings.HasPrefix(text, "/") || strings.ContainsAny(text, " \n") {
		return r.completePath(text)
	}
	var fits []string
	for _, a := range r.actions {
		if strings.HasPrefix(a.name, text) {
			fits = append(fits, a.name)
		}
	}
	switch len(fits) {
	case 0:
		return nil
	case 1:
		r.composer.set(fits[0] + " ")
		return nil
	}
	r.say(strings.Join(fits, "  "))
	return nil
}

// lastReply is the last reply that is shown, -1 if there is none.
func (r *root) lastReply() int {
	for i := len(r.transcript.items) - 1; i >= 0; i-- {
		if r.transcript.items[i].turn.Role == "assistant" {
			return i
		}
	}
	return -1
}

// number reads the number that a command was given, or takes one.
func number(arg string, otherwise int) (int, error) {
	if arg == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(arg)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is no number that fits here", arg)
	}
	return n, nil
}

var errNoTalk = errors.New("one moment: the conversation is being opened")

// talking does something with the talk, and says what came of it.
func (r *root) talking(do func() error) tea.Cmd {
	if r.talk == nil {
		r.complain(errNoTalk)
		return nil
	}
	if err := do(); err != nil {
		r.complain(err)
	} else {
		r.notice = ""
	}
	r.refresh()
	return nil
}
