package cli

import (
	"os"
	"os/user"
	"path/filepath"
	"strings"
)

// withoutHome writes a text so that it can be shown to others: the person's home
// becomes ~ wherever it stands, and their name a folder called USER.
func withoutHome(text string) string {
	if home, err := os.UserHomeDir(); err == nil {
		text = replaceName(text, filepath.Clean(home), "~")
		if real, err := filepath.EvalSymlinks(home); err == nil {
			text = replaceName(text, real, "~")
		}
	}
	for _, name := range userNames() {
		for _, slash := range []string{"/", `\`} {
			text = replaceName(text, slash+name, slash+"USER")
		}
	}
	return text
}

// userNames is what the person is called here. That of root tells nothing.
func userNames() (names []string) {
	all := []string{os.Getenv("USER"), os.Getenv("LOGNAME"), os.Getenv("USERNAME")}
	if u, err := user.Current(); err == nil {
		_, name, ok := strings.Cut(u.Username, `\`) // DOMAIN\name
		if !ok {
			name = u.Username
		}
		all = append(all, name)
	}
	for _, n := range all {
		if n != "" && n != "root" {
			names = append(names, n)
		}
	}
	return names
}

// replaceName replaces a path in a text, but not where a longer name begins with it:
// /root is no part of /rootfs.
func replaceName(text, path, by string) string {
	if len(path) < 2 {
		return text // "/" is nobody's home
	}
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(text, path)
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		if after != "" && isAlphanumeric(after[0]) {
			b.WriteString(path)
		} else {
			b.WriteString(by)
		}
		text = after
	}
}

func isAlphanumeric(c byte) bool {
	return c >= 0x80 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
