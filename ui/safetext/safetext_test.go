package safetext

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "Grüße, 世界 🙂\n\tand more", "Grüße, 世界 🙂\n\tand more"},
		{"a colour", "\x1b[31mred\x1b[0m", "[31mred[0m"},
		{"C1", "a\u0085b\u009bc", "abc"},
		{"lone bytes", "a\x9bb", "a\uFFFDb"},
		{"bell, backspace, carriage return, delete", "a\a\b\r\x7f", "a"},
		{"lines of Windows", "a\r\nb\r\n", "a\nb\n"},
		{"escape behind half a character", "\xe2\x1b]52;c;aGk=\a", "\uFFFD]52;c;aGk="},
		{"an OSC 8 link", "\x1b]8;;http://evil\x1b\\bank\x1b]8;;\x1b\\", "]8;;http://evil\\bank]8;;\\"},
		{"shift out", "a\x0e\x0fb", "ab"},
		{"text turned round", "user \u202eroot\u202c \u2066x\u2069 \u200e\u200f\u061c", "user root x "},
		{"zero width", "a\u200bb\u2060c\ufeffd\u00ade", "abcde"},
		{"tags", "hi\U000E0041\U000E0042!", "hi!"},
		{"hidden by selectors", "a\ufe00b\U000E0101", "ab"},
		{"fillers", "a\u3164b\u115f\u1160\uffa0\u034f", "ab"},
		{"separators", "a\u2028b\u2029c", "a\nb\nc"},
		{"annotations", "\ufff9a\ufffab\ufffb", "ab"},
		{"private use and unknown", "a\ue000b\U0010EEEE\u0378", "a\uFFFDb\uFFFD\uFFFD"},
		{"right to left", "שלום عليكم", "שלום عليكم"},
		{"emoji", "👩‍👩‍👧‍👦 ❤️ 🏳️‍🌈 👍🏽 #️⃣", "👩‍👩‍👧‍👦 ❤️ 🏳️‍🌈 👍🏽 #️⃣"},
		{"Persian and Hindi", "می\u200cخواهم क्\u200dष", "می\u200cخواهم क्\u200dष"},
		{"joiners that join nothing", "a\u200db \u200c\n\u200d世\u200d\u200d界", "ab \n世\u200d界"},
		{"a heap of accents", "e" + strings.Repeat("\u0301", 300) + "x", "e" + strings.Repeat("\u0301", mostMarks) + "x"},
		{"an accent on nothing", "\u0301a\n\u0301b\t\u0301c", "a\nb\tc"},
		{"selectors", "a\ufe0f\ufe0fb\u0301\ufe0f", "a\ufe0fb\u0301"},
		{"Vietnamese, decomposed", "Vie\u0323\u0302t", "Vie\u0323\u0302t"},
		{"spaces", "a\u00a0b\u3000c", "a\u00a0b\u3000c"},
		{"an Arabic number sign", "\u0600١", "\u0600١"},
		{"half a character at the end", "a\xf0\x9f", "a\uFFFD\uFFFD"},
	}
	for _, test := range tests {
		if got := Text(test.in); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestLine(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "gguf: no such file", "gguf: no such file"},
		{"several lines", "one\ntwo\r\nthree\n", "one; two; three"},
		{"empty lines", "\n one\n\n\r\ntwo ", "one; two"},
		{"controls", "key \"a\x1b[2Jb\u009b\"", `key "a\x1b[2Jb\u009b"`},
		{"a tab", "a\tb", `a\tb`},
		{"not UTF-8", "a\xffb", `a\ufffdb`},
		{"not ASCII", "Grüße", "Grüße"},
		{"turned round", "photo\u202egpj.exe", `photo\u202egpj.exe`},
		{"tags", "a\U000E0041", `a\U000e0041`},
		{"separators", "a\u2028b", "a; b"},
		{"an accent on nothing", "\u0301a", `\u0301a`},
		{"a heap of accents", "e" + strings.Repeat("\u0301", 9), "e" + strings.Repeat("\u0301", 8) + `\u0301`},
		{"empty", " \n", ""},
	}
	for _, test := range tests {
		if got := Line(test.in); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestJSON(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", `{"a":"b"}`, `{"a":"b"}`},
		{"text", `"Grüße, 世界 🙂"`, `"Grüße, 世界 🙂"`},
		{"C1 and delete", "\"a\u009bb\x7f\"", `"a\u009bb\u007f"`},
		{"turned round", "\"a\u202eb\"", `"a\u202eb"`},
		{"tags", "\"a\U000E0041\"", `"a\udb40\udc41"`},
		{"accents", "\"e\u0301\"", `"e\u0301"`},
	}
	for _, test := range tests {
		got := JSON([]byte(test.in))
		if string(got) != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
		var before, after any
		if json.Unmarshal([]byte(test.in), &before) != nil || json.Unmarshal(got, &after) != nil || !reflect.DeepEqual(before, after) {
			t.Errorf("%s: %s means %q, want %q", test.name, got, after, before)
		}
	}
}

// TestEveryRune holds each rune against what must never reach a terminal,
// listed here apart from how the list is made.
func TestEveryRune(t *testing.T) {
	forbidden := []struct{ from, to rune }{
		{0, 8}, {0xB, 0x1F}, {0x7F, 0x9F}, {0xAD, 0xAD}, {0x34F, 0x34F}, {0x61C, 0x61C}, {0x115F, 0x1160}, {0x17B4, 0x17B5},
		{0x180B, 0x180F}, {0x200B, 0x200B}, {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F}, {0x3164, 0x3164},
		{0xE000, 0xF8FF}, {0xFE00, 0xFE0D}, {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB}, {0xFFFE, 0xFFFF},
		{0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}, {0xF0000, 0x10FFFF},
	}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		got := Text("ä" + string(r))
		for _, f := range forbidden {
			if f.from <= r && r <= f.to && strings.ContainsRune(got, r) {
				t.Errorf("%U passes", r)
			}
		}
		if line := Line("ä" + string(r) + "x"); strings.ContainsAny(line, "\n\t\r") || strings.ContainsRune(line, r) != mayPass(r) && r != ';' && r != ' ' && r != '\uFFFD' && r != '\\' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			t.Errorf("%U makes the line %q", r, line)
		}
	}
}

// safe reports what is wrong with text that is to go to a terminal, "" if
// nothing is. It shares no code with the filter.
func safe(s string) string {
	if !utf8.ValidString(s) {
		return "it is not UTF-8"
	}
	marks := 0
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t':
		case r < 0x20 || 0x7F <= r && r < 0xA0:
			return "it has a control character"
		case unicode.Is(unicode.Bidi_Control, r), unicode.Is(unicode.Co, r), 0xE0000 <= r && r < 0xE1000, r == '\u200b', r == '\ufeff':
			return "it has a hidden character"
		}
		if unicode.Is(unicode.M, r) || r == '\u200d' || r == '\u200c' {
			if marks++; marks > 8 {
				return "it has a heap of marks"
			}
			continue
		}
		marks = 0
	}
	return ""
}

// FuzzText filters anything, whole and in pieces: nothing but text comes out,
// the same however it was cut, and filtering it again changes nothing.
func FuzzText(f *testing.F) {
	for _, s := range []string{
		"plain text", "\xe2\x1b]52;c;aGk=\a", "\xd6\x1b[2J", "\x1bP1;2|x\x1b\\", "\x9b31m\u009b31m", "e\u0301\u0301\u0301\u200d\u200d",
		"👩‍👩‍👧‍👦", "\U0010EEEE\u0305\u030D", "\u202e\U000E0041\u2028", "a\r\nb\rc", "\x1b_Gf=100;AAAA\x1b\\", "\x1b[6n\x1b[c\x05",
	} {
		f.Add(s, 3, 5)
	}
	f.Fuzz(func(t *testing.T, s string, cut1, cut2 int) {
		whole := Text(s)
		if wrong := safe(whole); wrong != "" {
			t.Fatalf("%q became %q: %s", s, whole, wrong)
		}
		if again := Text(whole); again != whole {
			t.Fatalf("%q became %q, and that %q", s, whole, again)
		}
		a := min(max(cut1, 0), len(s))
		b := min(max(cut2, a), len(s))
		var filter Filter
		pieces := filter.Write(s[:a]) + filter.Write(s[a:b]) + filter.Write("") + filter.Write(s[b:]) + filter.Flush()
		if pieces != whole {
			t.Fatalf("%q cut at %d and %d became %q, whole %q", s, a, b, pieces, whole)
		}
		if filter.Write("\u0301") != "" {
			t.Fatal("after Flush a mark still goes on what was before")
		}
		line := Line(s)
		if wrong := safe(line); wrong != "" || strings.ContainsAny(line, "\n\t") {
			t.Fatalf("%q became the line %q: %s", s, line, wrong)
		}
		if again := Line(line); again != line && !strings.HasSuffix(line, " ") {
			t.Fatalf("%q became the line %q, and that %q", s, line, again)
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		got := JSON(text)
		if wrong := safe(string(got)); wrong != "" {
			t.Fatalf("%s became %s: %s", text, got, wrong)
		}
		var back string
		if err := json.Unmarshal(got, &back); err != nil || back != strings.ToValidUTF8(s, "\uFFFD") && utf8.ValidString(s) {
			t.Fatalf("%s became %s, which means %q, %v", text, got, back, err)
		}
	})
}

// TestLongTexts expects a filter to keep nothing of what has passed.
func TestLongTexts(t *testing.T) {
	var f Filter
	piece := strings.Repeat("e\u0301\xf0\x9f\x99\x82 ", 1000) + "\xf0"
	for range 100 {
		f.Write(piece)
	}
	if len(f.held) != 1 || cap(f.held) > 64 {
		t.Errorf("the filter holds %d bytes in %d", len(f.held), cap(f.held))
	}
	if !bytes.Equal(f.held, []byte{0xf0}) {
		t.Errorf("it holds %q", f.held)
	}
}
