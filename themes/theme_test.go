package themes

import (
	"flag"
	"fmt"
	"image/color"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/styles"
	"github.com/charmbracelet/x/ansi"
)

var update = flag.Bool("update", false, "write the golden files anew")

// grounds and text roles, by the names that files have for them.
var (
	grounds   = []string{"background", "panel", "selected"}
	textRoles = []string{"text", "muted", "accent", "command", "option", "quoted", "error", "you", "reply", "good", "warning"}
	lineRoles = []string{"border", "gauge"}
)

// highContrast is the themes that promise WCAG 2.2's level AAA.
var highContrast = map[string]bool{"beacon": true, "ink": true}

// of is a theme's colour by its role's name.
func of(t *testing.T, theme Theme, name string) color.Color {
	t.Helper()
	for _, r := range roles {
		if r.name == name {
			return *r.field(&theme)
		}
	}
	t.Fatalf("no role %q", name)
	return nil
}

// TestContrast holds the roles of every theme that has its own ground to WCAG
// 2.2: text 4.5:1 (criterion 1.4.3, level AA), in high contrast 7:1 (1.4.6,
// level AAA), lines and bars 3:1 (1.4.11), in high contrast 4.5:1, against
// every ground they can stand on.
func TestContrast(t *testing.T) {
	seen := 0
	for _, theme := range Builtin() {
		if theme.Background == nil {
			continue
		}
		seen++
		text, line := 4.5, 3.0
		if highContrast[theme.Name] {
			text, line = 7, 4.5
		}
		check := func(a, b string, want float64) {
			if got := contrast(of(t, theme, a), of(t, theme, b)); got < want {
				t.Errorf("%s: %s on %s has contrast %.2f, want at least %.1f", theme.Name, a, b, got, want)
			}
		}
		for _, ground := range grounds {
			for _, r := range textRoles {
				check(r, ground, text)
			}
		}
		for _, r := range lineRoles {
			check(r, "background", line)
			check(r, "panel", line)
		}
		check("gauge", "gauge_empty", 3) // how full a bar is
		check("gauge_empty", "background", 1.3)
		check("selected", "background", 1.2)
		check("panel", "background", 1.1)
		if got := luminance(theme.Background) < 0.5; got != theme.Dark {
			t.Errorf("%s: dark is %v, the background says %v", theme.Name, theme.Dark, got)
		}
	}
	if seen != 7 {
		t.Errorf("%d built-in themes have their own ground, want 7", seen)
	}
}

// TestRolesAreFields expects every colour of Theme to be in the list of roles,
// under its own name, so that none is forgotten by files and by tests.
func TestRolesAreFields(t *testing.T) {
	var theme Theme
	v := reflect.ValueOf(&theme).Elem()
	colours := 0
	for i := range v.NumField() {
		if v.Type().Field(i).Type != reflect.TypeFor[color.Color]() {
			continue
		}
		if colours >= len(roles) {
			t.Fatalf("%d roles, want one for each colour", len(roles))
		}
		r := roles[colours]
		colours++
		name := strings.ReplaceAll(r.name, "_", "")
		if field := v.Type().Field(i).Name; strings.ToLower(field) != name {
			t.Errorf("role %d is %q, want that of %s", i, r.name, field)
		}
		if r.field(&theme) != v.Field(i).Addr().Interface().(*color.Color) {
			t.Errorf("role %q leads to another field", r.name)
		}
	}
	if all := len(grounds) + len(textRoles) + len(lineRoles) + 1; colours != len(roles) || colours != all {
		t.Errorf("%d colours, %d roles, %d tested, want as many of each", colours, len(roles), all)
	}
}

// TestBuiltin holds what comes with the program against a list of it.
func TestBuiltin(t *testing.T) {
	var b strings.Builder
	dark, light := 0, 0
	names := map[string]bool{}
	for _, theme := range Builtin() {
		fmt.Fprintf(&b, "%s dark=%v code=%q\n", theme.Name, theme.Dark, theme.Code)
		given := 0
		for _, r := range roles {
			c := *r.field(&theme)
			fmt.Fprintf(&b, "  %-11s %s\n", r.name, colourText(c))
			if c != nil {
				given++
			}
		}
		if low := strings.ToLower(theme.Name); names[low] || low != theme.Name {
			t.Errorf("%q: want a name in small letters that no other has", theme.Name)
		}
		names[theme.Name] = true
		switch {
		case theme.Name == "mono":
			if given != 0 || theme.Code != "" {
				t.Errorf("mono has %d colours and code %q, want none", given, theme.Code)
			}
		case theme.Background == nil:
		case given != len(roles):
			t.Errorf("%s has %d of %d roles", theme.Name, given, len(roles))
		case theme.Dark:
			dark++
		default:
			light++
		}
	}
	if dark < 2 || light < 2 || len(names) < 6 || !names["mono"] {
		t.Errorf("%d dark, %d light, %d in all, want at least 2, 2, 6 and mono", dark, light, len(names))
	}
	for _, d := range []bool{true, false} {
		if got := Default(d); got.Dark != d || !names[got.Name] {
			t.Errorf("Default(%v) is %q, dark %v", d, got.Name, got.Dark)
		}
	}
	golden(t, "testdata/builtin.golden", b.String())
}

// TestCode expects chroma to know the style of every theme, and its colours to
// be readable on the theme's panel.
func TestCode(t *testing.T) {
	for _, theme := range Builtin() {
		if theme.Code == "" {
			continue
		}
		style, ok := styles.Registry[theme.Code]
		if !ok {
			t.Errorf("%s: chroma has no style %q", theme.Name, theme.Code)
			continue
		}
		want, worst, where := 4.0, 21.0, chroma.TokenType(0)
		if highContrast[theme.Name] {
			want = 7
		}
		for _, kind := range style.Types() {
			// What marks a whole line or a diff is not text on the panel.
			if kind < 0 || kind == chroma.TextWhitespace || kind.InCategory(chroma.Generic) {
				continue
			}
			if c := style.Get(kind).Colour; c.IsSet() {
				got := contrast(color.RGBA{c.Red(), c.Green(), c.Blue(), 0xFF}, theme.Panel)
				if got < worst {
					worst, where = got, kind
				}
			}
		}
		if worst < want || worst == 21 {
			t.Errorf("%s: %s in style %s has contrast %.2f on the panel, want at least %.1f", theme.Name, where, theme.Code, worst, want)
		}
	}
}

func TestNamed(t *testing.T) {
	user := []Theme{{Name: "Nightfall"}, {Name: "dusk"}}
	for _, test := range []struct {
		name, want string
		ok         bool
	}{
		{"dusk", "dusk", true}, {"DUSK", "dusk", true}, {"Paper", "paper", true},
		{"nightfall", "Nightfall", true}, {"", "", false}, {"dusk ", "", false}, {"auto", "", false},
	} {
		got, ok := Named(test.name, user...)
		if got.Name != test.want || ok != test.ok {
			t.Errorf("Named(%q) is %q, %v, want %q, %v", test.name, got.Name, ok, test.want, test.ok)
		}
	}
	if got, _ := Named("dusk", user...); got.Text == nil {
		t.Error("a theme of one's own took the place of a built-in one")
	}
	if _, ok := Named("nightfall"); ok {
		t.Error("a theme of one's own is known without being given")
	}
}

func TestNearest(t *testing.T) {
	for _, test := range []struct {
		name string
		want string
	}{
		{"dsuk", ""}, // two changes of four letters are a guess too many
		{"dask", "dusk"}, {"Dusky", "dusk"}, {"papr", "paper"}, {"term", "terminal"}, {"monochrome", ""},
		{"mon", "mono"}, {"zzz", ""}, {"", ""}, {"nightfal", "Nightfall"}, {strings.Repeat("dusk", 1000), ""},
	} {
		got := strings.Join(Nearest(test.name, Theme{Name: "Nightfall"}), ",")
		if got != test.want {
			t.Errorf("Nearest(%.20q) is %q, want %q", test.name, got, test.want)
		}
	}
	if got := strings.Join(Nearest("dusky", Theme{Name: "duskx"}, Theme{Name: "Dusky"}, Theme{Name: "duskz"}), ","); got != "Dusky,dusk,duskx" {
		t.Errorf("the nearest are %s", got)
	}
	if got := quoteNames([]string{"a", "b", "c"}); got != `"a", "b" or "c"` {
		t.Errorf("quoteNames is %s", got)
	}
}

// golden holds got against a file.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got\n%s", path, got)
	}
}

// colourText is a colour as a file would have it.
func colourText(c color.Color) string {
	switch c := c.(type) {
	case nil:
		return `""`
	case ansi.BasicColor:
		return fmt.Sprintf(`"%d"`, c)
	case ansi.IndexedColor:
		return fmt.Sprintf(`"%d"`, c)
	}
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf(`"#%02x%02x%02x"`, r>>8, g>>8, b>>8)
}

// contrast is the ratio of WCAG 2.2's definition "contrast ratio".
func contrast(a, b color.Color) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// TestLuminance holds the formula against the two ends and against published
// pairs: #767676 on white is the greyest grey with 4.54:1.
func TestLuminance(t *testing.T) {
	for _, test := range []struct {
		a, b uint32
		want float64
	}{{0x000000, 0xFFFFFF, 21}, {0x767676, 0xFFFFFF, 4.54}, {0xFF0000, 0xFFFFFF, 4.00}, {0x0000FF, 0xFFFFFF, 8.59}, {0x008000, 0xFFFFFF, 5.14}} {
		if got := contrast(rgb(test.a), rgb(test.b)); got < test.want-0.01 || got > test.want+0.01 {
			t.Errorf("contrast of #%06x and #%06x is %.3f, want %.2f", test.a, test.b, got, test.want)
		}
	}
}
