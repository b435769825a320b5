// Package drop tells whether a pasted text is files that were dropped on the
// terminal, and which.
//
// No terminal says that something was dropped. It types or pastes the paths, each
// terminal in its own spelling: with backslashes, in quotes, as file:// addresses,
// or as they are with their spaces, one after the other or a line each. So the text
// is read in every one of these ways, and a reading counts only if all it names
// exists: a wrong yes would take from people what they typed.
//
// That is done in two steps. Parse is pure and cheap, and says of nearly all text at
// once that it names no files. Resolve asks the disk, which may be slow or gone, and
// so belongs where waiting is allowed. Beside them are Burst, for terminals that
// type a drop key by key, and Mentions and Complete for paths written as @path.
//
// Paths and problems hold names from outside: make them safe for the terminal before
// they are shown.
package drop

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What is more than this is text. Drops are small; what is read in several ways
// should be.
const (
	mostBytes     = 64 << 10 // of a drop
	mostPaths     = 512      // in a drop
	mostPathBytes = 4 << 10  // of a path: PATH_MAX of Linux
)

// Env is what has to be known of this machine to read paths.
type Env struct {
	Home    string // the person's home folder, for ~/; if empty, ~/ leads nowhere
	Dir     string // where relative @paths begin; if empty, the working folder
	Windows bool   // C:\x is a path here, and /x is not
	WSL     string // the name of this distribution, if this is Linux under Windows: C:\x is /mnt/c/x
	Remote  bool   // over SSH: what is dropped may lie on the machine at the other end
}

// NewEnv is the environment of a process: its operating system as in runtime.GOOS,
// its variables, and its home and working folders.
func NewEnv(goos string, getenv func(string) string, home, dir string) Env {
	e := Env{Home: home, Dir: dir, Windows: goos == "windows"}
	if goos == "linux" {
		e.WSL = getenv("WSL_DISTRO_NAME")
	}
	for _, name := range []string{"SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"} {
		e.Remote = e.Remote || getenv(name) != ""
	}
	return e
}

// Candidates is a text that may be a drop. The zero value is text.
type Candidates struct {
	env   Env
	lines []string // each begins like a path or a quoted one
}

// Parse says whether a pasted text may be a drop. It looks at the text only.
//
// A drop is one or more lines, none blank, each of which begins like an absolute
// path, a quoted one, or a file:// address. NUL bytes are passed over, since a
// terminal puts them between; other control characters make it text.
func Parse(text string, env Env) Candidates {
	if len(text) > mostBytes {
		return Candidates{}
	}
	text = plain(text)
	if !utf8.ValidString(text) || strings.ContainsFunc(text, isControl) {
		return Candidates{}
	}
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	if len(lines) > mostPaths {
		return Candidates{}
	}
	for i, line := range lines {
		// Not TrimSpace: a name may end in another kind of space, and screenshots
		// of macOS have one inside.
		lines[i] = strings.TrimLeft(line, " ")
		if !startsItem(lines[i]) {
			return Candidates{}
		}
	}
	return Candidates{env, lines}
}

// plain is a text without NUL bytes, its lines ended by line feeds: terminals send
// either, both, or a carriage return.
func plain(text string) string {
	return strings.NewReplacer("\x00", "", "\r\n", "\n", "\r", "\n").Replace(text)
}

func isControl(r rune) bool { return r != '\n' && unicode.IsControl(r) }

// Possible says whether the text may be a drop, so that Resolve has something to
// look up.
func (c Candidates) Possible() bool { return len(c.lines) > 0 }

// Hosts is the other machines that Resolve would talk to, by UNC paths: on Windows
// looking at one logs in there. Ask before resolving a text from a stranger.
func (c Candidates) Hosts() []string {
	if !c.env.Windows {
		return nil
	}
	var hosts []string
	for _, line := range c.lines {
		for _, at := range starts(line) {
			if host, ok := uncHost(strings.TrimLeft(line[at:], `"'`)); ok && !slices.Contains(hosts, host) {
				hosts = append(hosts, host)
			}
		}
	}
	return hosts
}
