package cli

import "testing"

func TestWithoutControls(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "Grüße, 世界 🙂\n\tand more", "Grüße, 世界 🙂\n\tand more"},
		{"a colour", "\x1b[31mred\x1b[0m", "[31mred[0m"},
		{"C1", "a\u0085b\u009bc", "abc"},
		{"lone bytes", "a\x9bb", "a\uFFFDb"},
		{"bell, backspace, carriage return, delete", "a\a\b\r\x7f", "a"},
	}
	for _, test := range tests {
		if got := withoutControls(test.in); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestOneLine(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "gguf: no such file", "gguf: no such file"},
		{"several lines", "one\ntwo\r\nthree\n", "one; two; three"},
		{"controls", "key \"a\x1b[2Jb\u009b\"", `key "a\x1b[2Jb\u009b"`},
		{"a tab", "a\tb", `a\tb`},
		{"not UTF-8", "a\xffb", `a\ufffdb`},
		{"not ASCII", "Grüße", "Grüße"},
	}
	for _, test := range tests {
		if got := oneLine(test.in); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}
