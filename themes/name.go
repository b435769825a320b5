package themes

import (
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Named is the theme of that name, in whatever letters: first among the
// built-in ones, then among user, which are those of Load. If there is none,
// Nearest knows what may have been meant.
func Named(name string, user ...Theme) (Theme, bool) {
	for _, t := range slices.Concat(Builtin(), user) {
		if strings.EqualFold(t.Name, name) {
			return t, true
		}
	}
	return Theme{}, false
}

// Nearest is the names, at most three and the likeliest first, of the built-in
// themes and of user that someone who wrote name may have meant.
func Nearest(name string, user ...Theme) []string {
	all := slices.Concat(Builtin(), user)
	names := make([]string, len(all))
	for i, t := range all {
		names[i] = t.Name
	}
	return nearest(name, names)
}

// nearest is the at most three of names that differ from name in at most a
// third of the longer one's letters or begin or end with it, the nearest first.
func nearest(name string, names []string) []string {
	const most = 3
	type candidate struct {
		name     string
		distance int
	}
	var found []candidate
	asked := []rune(strings.ToLower(name))
	if len(asked) > longestName {
		return nil
	}
	for _, n := range names {
		lower := strings.ToLower(n)
		has := []rune(lower)
		d := levenshtein.ComputeDistance(string(asked), lower)
		part := len(asked) >= 2 && (strings.HasPrefix(lower, string(asked)) || strings.HasSuffix(lower, string(asked)))
		if part || d <= max(1, max(len(asked), len(has))/3) {
			found = append(found, candidate{n, d})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return a.distance - b.distance })
	var out []string
	for _, c := range found[:min(most, len(found))] {
		out = append(out, c.name)
	}
	return out
}

// quoteNames is names for an error: "a", "b" or "c".
func quoteNames(names []string) string {
	var b strings.Builder
	for i, n := range names {
		switch {
		case i > 0 && i == len(names)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(`"` + n + `"`)
	}
	return b.String()
}
