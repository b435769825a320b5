package drop

import (
	"net/url"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// startsItem says whether a text begins like a path or like a quoted one.
func startsItem(s string) bool {
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		s = s[1:]
	}
	return startsPath(s)
}

// startsPath says whether a text begins like a path that terminals write: they are
// never relative.
func startsPath(s string) bool {
	return strings.HasPrefix(s, "/") || strings.HasPrefix(s, "~/") || isDrive(s) || isUNC(s) || isFileURI(s)
}

// isDrive says whether a text begins with a letter, a colon and a slash of either
// kind.
func isDrive(s string) bool {
	return len(s) >= 3 && isLetter(s[0]) && s[1] == ':' && (s[2] == '\\' || s[2] == '/')
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// isUNC says whether a text begins with the name of a Windows machine: \\machine\.
func isUNC(s string) bool {
	_, ok := uncHost(s)
	return ok
}

// mostHostBytes is the longest name of a machine (RFC 1035).
const mostHostBytes = 255

// uncHost is the machine that a path \\machine\share\file lies on.
func uncHost(s string) (string, bool) {
	rest, ok := strings.CutPrefix(s, `\\`)
	if !ok {
		return "", false
	}
	host, _, ok := strings.Cut(rest[:min(len(rest), mostHostBytes+1)], `\`)
	return host, ok && host != "" && !strings.ContainsAny(host, " \"'/")
}

const fileScheme = "file:"

func isFileURI(s string) bool {
	return len(s) > len(fileScheme) && strings.EqualFold(s[:len(fileScheme)], fileScheme) && s[len(fileScheme)] == '/'
}

// filePath is the path of a file URI (RFC 8089) of this machine.
func filePath(uri string) (string, bool) {
	rest := uri[len(fileScheme):]
	if strings.HasPrefix(rest, "//") {
		host, name, ok := strings.Cut(rest[2:], "/")
		if !ok || host != "" && !strings.EqualFold(host, "localhost") {
			return "", false
		}
		rest = "/" + name
	}
	if strings.Contains(strings.ToLower(rest), "%2f") {
		return "", false // a slash in a name, which no name has
	}
	decoded, err := url.PathUnescape(rest)
	if err != nil || !utf8.ValidString(decoded) || strings.ContainsFunc(decoded, unicode.IsControl) {
		return "", false
	}
	if isDrive(decoded[1:]) {
		decoded = decoded[1:]
	}
	return decoded, true
}

// locate is the path of this machine that an unquoted word stands for. shaped is
// whether it is a path at all; name is empty if it is one of another machine.
func (e Env) locate(word string) (name string, shaped bool) {
	if len(word) > len("file://localhost")+3*mostPathBytes { // a byte is three, in an URI
		return "", false
	}
	if isFileURI(word) {
		var ok bool
		if word, ok = filePath(word); !ok {
			return "", false
		}
	}
	if len(word) > mostPathBytes {
		return "", false
	}
	switch {
	case strings.HasPrefix(word, "~/"):
		if isRoot(word[1:]) {
			return "", false
		}
		if e.Home == "" {
			return "", true
		}
		return strings.TrimRight(e.Home, `/\`) + word[1:], true
	case strings.HasPrefix(word, "/"):
		if isRoot(word) {
			return "", false
		}
		if e.Windows {
			return "", true
		}
		return word, true
	case isDrive(word):
		if isRoot(strings.ReplaceAll(word[2:], `\`, "/")) {
			return "", false
		}
		return e.driveFile(word), true
	case isUNC(word):
		return e.uncFile(word), true
	}
	return "", false
}

// isRoot says whether a path leads to the root and nowhere else: "/", "//", "/.".
func isRoot(name string) bool { return path.Clean(name) == "/" }

// driveFile is a path C:\x as this machine has it. Linux under Windows has drives in
// /mnt, unless it was set up otherwise.
func (e Env) driveFile(word string) string {
	switch {
	case e.Windows:
		return word
	case e.WSL != "":
		return "/mnt/" + strings.ToLower(word[:1]) + strings.ReplaceAll(word[2:], `\`, "/")
	}
	return ""
}

// uncFile is a path \\machine\share\x as this machine has it. Windows calls the
// files of a Linux under it \\wsl.localhost\Distribution\x, formerly \\wsl$.
func (e Env) uncFile(word string) string {
	if e.Windows {
		return word
	}
	host, _ := uncHost(word)
	if e.WSL == "" || !strings.EqualFold(host, "wsl.localhost") && !strings.EqualFold(host, "wsl$") {
		return ""
	}
	distribution, rest, ok := strings.Cut(word[len(`\\`)+len(host)+1:], `\`)
	if !ok || rest == "" || !strings.EqualFold(distribution, e.WSL) {
		return ""
	}
	return "/" + strings.ReplaceAll(rest, `\`, "/")
}
