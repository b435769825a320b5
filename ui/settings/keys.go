package settings

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mostKeys is how many keys one action may have.
const mostKeys = 8

// actionShape is what the name of an action looks like. Which actions there
// are is the program's to know.
var actionShape = regexp.MustCompile(`^[a-z][a-z0-9]*([._-][a-z0-9]+)*$`)

func checkAction(action string) error {
	if len(action) > longestName || !actionShape.MatchString(action) {
		return errors.New("not the name of an action: want small letters such as \"send\"")
	}
	return nil
}

// modifiers is the keys that are held, in the order in which Bubble Tea v2
// spells them.
var modifiers = []string{"ctrl", "alt", "shift", "meta", "hyper", "super"}

// namedKeys is Bubble Tea v2's names of the keys that write nothing, but for
// f1 to f24.
var namedKeys = []string{
	"enter", "tab", "backspace", "esc", "space", "up", "down", "left", "right", "insert", "delete", "pgup", "pgdown", "home", "end", "begin",
}

// sameByte is the keys that most terminals send as other keys (ASCII's control
// characters), so that a binding would take the other key away.
var sameByte = map[string]string{"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+h": "backspace", "ctrl+[": "esc"}

// readKeys is the keys bound to an action, as Bubble Tea v2 spells them.
func readKeys(given any) ([]string, error) {
	list, ok := stringList(given)
	if !ok || len(list) > mostKeys {
		return nil, fmt.Errorf("want a list of at most %d keys such as [\"ctrl+p\", \"f2\"]", mostKeys)
	}
	for i, k := range list {
		spelled, err := spellKey(k)
		if err != nil {
			return nil, err
		}
		if slices.Contains(list[:i], spelled) {
			return nil, fmt.Errorf("the key %q is there twice", spelled)
		}
		list[i] = spelled
	}
	return list, nil
}

// spellKey is a key with its modifiers in Bubble Tea's order and its names in
// small letters.
func spellKey(key string) (string, error) {
	const want = `want a key such as "ctrl+p", "alt+enter", "f2" or "?"`
	rest, held := key, map[string]bool{}
	for {
		mod, after, ok := strings.Cut(rest, "+")
		mod = strings.ToLower(mod)
		if !ok || after == "" || !slices.Contains(modifiers, mod) {
			break
		}
		if held[mod] {
			return "", fmt.Errorf("the key %s has %s twice, %s", show(key), mod, want)
		}
		held[mod], rest = true, after
	}
	if !isKey(rest) {
		return "", fmt.Errorf("there is no key %s, %s", show(key), want)
	}
	switch upper := strings.ToUpper(rest); {
	case utf8.RuneCountInString(rest) > 1:
		rest = strings.ToLower(rest)
	case len(held) == 1 && held["shift"] && strings.ToLower(rest) != upper:
		rest, held = upper, nil // a terminal sends what it writes
	case len(held) > 0:
		rest = strings.ToLower(rest) // of other keys together it sends the small letter
	}
	var b strings.Builder
	for _, mod := range modifiers {
		if held[mod] {
			b.WriteString(mod + "+")
		}
	}
	b.WriteString(rest)
	if other, ok := sameByte[b.String()]; ok {
		return "", fmt.Errorf("the key %q is %s in most terminals, want another key", b.String(), other)
	}
	return b.String(), nil
}

// isKey reports whether a name, without modifiers, is that of a key.
func isKey(name string) bool {
	if r, size := utf8.DecodeRuneInString(name); size == len(name) {
		return r != utf8.RuneError && unicode.IsPrint(r) && r != ' '
	}
	name = strings.ToLower(name)
	if n, ok := strings.CutPrefix(name, "f"); ok {
		i, err := strconv.Atoi(n)
		return err == nil && i >= 1 && i <= 24 && n == strconv.Itoa(i)
	}
	return slices.Contains(namedKeys, name)
}
