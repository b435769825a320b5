package cli

import (
	"strings"
	"testing"
)

// The commands for model files are explained alike: what they do, an example
// that is one, JSON for programs, and certificates where a hub is asked.
func TestHelpOfModelCommands(t *testing.T) {
	root := newTestApp(t, newFakeModel()).Root()
	asksAHub := map[string]bool{"pull": true, "search": true, "quants": true, "verify": true}
	seen := 0
	for _, c := range root.Commands() {
		switch c.Name() {
		case "pull", "search", "quants", "ls", "du", "rm", "verify", "import":
		default:
			continue
		}
		seen++
		if c.Short == "" || strings.HasSuffix(c.Short, ".") || len(c.Short) > 70 {
			t.Errorf("%s: the short text is %q", c.Name(), c.Short)
		}
		if len(c.Long) < len(c.Short) || !strings.HasSuffix(c.Long, ".") {
			t.Errorf("%s: the long text is %q", c.Name(), c.Long)
		}
		for line := range strings.Lines(c.Example) {
			if !strings.HasPrefix(line, "scout "+c.Name()) && !strings.HasPrefix(line, "scout quants ") {
				t.Errorf("%s: the example %q is none", c.Name(), line)
			}
		}
		if c.Example == "" || c.Flags().Lookup("json") == nil {
			t.Errorf("%s has no example, or no --json", c.Name())
		}
		if has := c.Flags().Lookup("ca-cert") != nil; has != asksAHub[c.Name()] {
			t.Errorf("%s: --ca-cert is there: %v", c.Name(), has)
		}
	}
	if seen != 8 {
		t.Errorf("%d commands for model files, want 8", seen)
	}
}
