package cli

import (
	"strings"
	"testing"
)

func TestTokens(t *testing.T) {
	tests := []struct {
		name     string
		args     []string
		stdin    string
		terminal bool
		want     result
	}{
		{"a text", []string{"tokens", "m", "Hi"}, "", true, result{0, "72\t\"H\"\n105\t\"i\"\n", ""}},
		{"ids only", []string{"tokens", "m", "Hi", "--json"}, "", true, result{0, "[72,105]\n", ""}},
		{"standard input, as it is", []string{"tokens", "m", "--json"}, "a\n\xff", false, result{0, "[97,10,255]\n", ""}},
		{"dash", []string{"tokens", "m", "-", "--json"}, "a", true, result{0, "[97]\n", ""}},
		{"an argument, not the pipe", []string{"tokens", "m", "a", "--json"}, "b", false, result{0, "[97]\n", ""}},
		{"nothing", []string{"tokens", "m", "--json"}, "", false, result{0, "[]\n", ""}},
		{"special tokens are text", []string{"tokens", "m", "<s>", "--json"}, "", true, result{0, "[60,115,62]\n", ""}},
		{"special tokens", []string{"tokens", "m", "<s>a", "--json", "--special"}, "", true, result{0, "[1,97]\n", ""}},
		{"control characters are spelled out", []string{"tokens", "m", "\x1b"}, "", true, result{0, "27\t\"\\x1b\"\n", ""}},
		{"no text", []string{"tokens", "m"}, "", true,
			result{2, "", "scout: no text: give one as an argument or on standard input\n"}},
		{"no model", []string{"tokens"}, "", true,
			result{2, "", "scout: tokens takes a model and one text, got 0 arguments: put the text in quotes\n"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newTestApp(t, newFakeModel())
			a.In, a.InTerminal = strings.NewReader(test.stdin), test.terminal
			code := a.run(test.args...)
			if got := (result{code, a.out.String(), a.err.String()}); got != test.want {
				t.Errorf("got %+v\nwant %+v", got, test.want)
			}
		})
	}
}
