package themes

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
	"github.com/charmbracelet/x/ansi"
)

// What Load reads at most: more is a mistake, not a theme.
const (
	mostFiles    = 256
	mostFileSize = 64 << 10 // bytes; a theme with every role takes under 1 KiB
	longestName  = 64       // runes
)

const ending = ".toml"

// Load reads the themes of one's own: the files *.toml of dir, in the order of
// their names. A file with mistakes gives no theme and one error for each
// mistake, and keeps no other from being read; so does a file called like a
// built-in theme or like another file but for small and capital letters,
// because a name must not mean one thing here and another there. Every error
// is one line and names the file and, where there is one, the line in it. A
// folder that is missing holds no themes.
func Load(dir string) ([]Theme, []error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, []error{fmt.Errorf("themes: reading the folder of themes: %w", err)}
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return filepath.Ext(e.Name()) != ending || strings.HasPrefix(e.Name(), ".")
	})
	var (
		found  []Theme
		errs   []error
		holder = map[string]string{} // small letters of a name: the file that has it
	)
	if len(entries) > mostFiles {
		errs = append(errs, fmt.Errorf("themes: %s has %d theme files, want at most %d: those after %q are not read",
			dir, len(entries), mostFiles, entries[mostFiles-1].Name()))
		entries = entries[:mostFiles]
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		name := strings.TrimSuffix(e.Name(), ending)
		if err := checkName(name, holder); err != nil {
			errs = append(errs, fmt.Errorf("themes: %s: %w", filepath.Join(dir, oneLine(e.Name())), err))
			continue
		}
		holder[strings.ToLower(name)] = e.Name()
		text, err := readFile(path)
		if err != nil {
			errs = append(errs, fmt.Errorf("themes: %w", err))
			continue
		}
		t, mistakes := parse(name, text)
		for _, m := range mistakes {
			errs = append(errs, fmt.Errorf("themes: %s%w", path, m))
		}
		if len(mistakes) == 0 {
			found = append(found, t)
		}
	}
	return found, errs
}

// checkName refuses a name that is taken, by a file of holder or by the
// program, or that cannot be shown and typed.
func checkName(name string, holder map[string]string) error {
	if !utf8.ValidString(name) || utf8.RuneCountInString(name) > longestName || name == "" ||
		name != strings.TrimSpace(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("not a name for a theme: want 1 to %d letters that can be seen", longestName)
	}
	if strings.EqualFold(name, "auto") {
		return errors.New(`"auto" is how the settings ask for a light or a dark theme by itself: give the file another name`)
	}
	if t, ok := Named(name); ok {
		return fmt.Errorf("the built-in theme %q keeps its name and this file is not used: give it another name", t.Name)
	}
	if other, ok := holder[strings.ToLower(name)]; ok {
		return fmt.Errorf("has the name of %s but for small and capital letters and is not used: give it another name", other)
	}
	return nil
}

// readFile is the text of a file that is a file and not too large.
func readFile(path string) (string, error) {
	// Looked at first, because opening a pipe would wait for its other end.
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("reading a theme: %w", err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s: not a file, want a theme", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading a theme: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostFileSize+1))
	if err != nil {
		return "", fmt.Errorf("reading a theme: %w", err)
	}
	if len(text) > mostFileSize {
		return "", fmt.Errorf("%s: more than %d bytes, too many for a theme", path, mostFileSize)
	}
	return string(text), nil
}

// mistake is one thing wrong in a file, as what follows the file's name: the
// line, where it is known, and what is wrong.
type mistake struct {
	line int
	what string
}

func (m mistake) Error() string {
	if m.line == 0 {
		return ": " + m.what
	}
	return fmt.Sprintf(":%d: %s", m.line, m.what)
}

// parse is the theme that a file's text describes, or everything that is wrong
// with it, in the order of lines.
func parse(name, text string) (Theme, []error) {
	if !utf8.ValidString(text) {
		return Theme{}, []error{mistake{0, "not text in UTF-8"}}
	}
	var keys map[string]toml.Primitive
	meta, err := toml.Decode(text, &keys)
	if err != nil {
		return Theme{}, []error{newMistake(err)}
	}
	t := Theme{}
	d := draft{theme: &t}
	var mistakes []mistake
	// The base first, because the others change it.
	order := slices.Sorted(maps.Keys(keys))
	slices.SortStableFunc(order, func(a, b string) int { return boolOrder(a == "base") - boolOrder(b == "base") })
	for _, key := range order {
		d.key = key
		// A Primitive is decoded by itself so that an error has its line.
		if err := meta.PrimitiveDecode(keys[key], &d); err != nil {
			mistakes = append(mistakes, newMistake(err))
		}
	}
	if len(mistakes) > 0 {
		slices.SortStableFunc(mistakes, func(a, b mistake) int { return a.line - b.line })
		errs := make([]error, len(mistakes))
		for i, m := range mistakes {
			errs[i] = m
		}
		return Theme{}, errs
	}
	t.Name = name
	if !d.darkGiven && d.backgroundGiven && t.Background != nil {
		t.Dark = isDark(t.Background)
	}
	return t, nil
}

// boolOrder puts what is true first.
func boolOrder(first bool) int {
	if first {
		return -1
	}
	return 0
}

// newMistake is an error of the TOML reader with its place.
func newMistake(err error) mistake {
	var p toml.ParseError
	if errors.As(err, &p) {
		return mistake{p.Position.Line, oneLine(p.Message)}
	}
	return mistake{0, oneLine(err.Error())}
}

// draft is a theme while its file is read, one key after another.
type draft struct {
	theme                      *Theme
	key                        string
	darkGiven, backgroundGiven bool
}

// UnmarshalTOML takes the value of d.key into the theme.
func (d *draft) UnmarshalTOML(value any) error {
	if d.key == "dark" {
		dark, ok := value.(bool)
		if !ok {
			return fmt.Errorf("dark is %s, want true or false", show(value))
		}
		d.theme.Dark, d.darkGiven = dark, true
		return nil
	}
	field, err := d.field()
	if err != nil {
		return err
	}
	text, ok := value.(string)
	if !ok {
		return fmt.Errorf(`%s is %s, want a text in quotes such as %s`, d.key, show(value), example(d.key))
	}
	switch d.key {
	case "base":
		base, ok := Named(text)
		if !ok {
			return fmt.Errorf("base is %s, which is no built-in theme%s", show(text), didYouMean(Nearest(text)))
		}
		*d.theme = base
		return nil
	case "code":
		if text != "" && !codeShape.MatchString(text) {
			return fmt.Errorf("code is %s, want the name of a chroma style such as \"nord\"", show(text))
		}
		d.theme.Code = text
		return nil
	case "background":
		d.backgroundGiven = true
	}
	c, err := parseColour(text)
	if err != nil {
		return fmt.Errorf("%s is %s, %w", d.key, show(text), err)
	}
	*field = c
	return nil
}

// field is where the colour that d.key names belongs; nil for base and code.
func (d *draft) field() (*color.Color, error) {
	names := []string{"base", "dark", "code"}
	for _, r := range roles {
		if r.name == d.key {
			return r.field(d.theme), nil
		}
		names = append(names, r.name)
	}
	if d.key == "base" || d.key == "code" {
		return nil, nil
	}
	return nil, fmt.Errorf("unknown key %s%s", show(d.key), didYouMean(nearest(d.key, names)))
}

// codeShape is what the name of a chroma style may look like.
var codeShape = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

var hexShape = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// parseColour reads "#rrggbb", "0" to "255", or "" for the terminal's own
// colour, which is nil.
func parseColour(text string) (color.Color, error) {
	if text == "" {
		return nil, nil
	}
	if hexShape.MatchString(text) {
		n, err := strconv.ParseUint(text[1:], 16, 32)
		return rgb(uint32(n)), err
	}
	n, err := strconv.ParseUint(text, 10, 8)
	if err != nil || text != strconv.FormatUint(n, 10) { // so that +1 and 007 are refused
		return nil, errors.New(`want "#rrggbb", "0" to "255", or "" for the terminal's own colour`)
	}
	if n < 16 {
		return ansi.BasicColor(n), nil
	}
	return ansi.IndexedColor(n), nil
}

// isDark reports whether white text reads better on c than black: below a
// luminance of 0.179 both have the same WCAG contrast.
func isDark(c color.Color) bool { return luminance(c) < 0.179 }

// luminance is WCAG 2.2's definition "relative luminance", 0 to 1.
func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	linear := func(v uint32) float64 {
		x := float64(v) / 0xFFFF
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}

// example is a value that a key could have.
func example(key string) string {
	switch key {
	case "base":
		return `"dusk"`
	case "code":
		return `"nord"`
	}
	return `"#7fc8f8"`
}

// didYouMean is what an error about a name ends with.
func didYouMean(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "; did you mean " + quoteNames(names) + "?"
}

// show is a value of a file for an error: short, in one line, and nothing in
// it that a terminal would obey.
func show(value any) string {
	const most = 40
	text, ok := value.(string)
	if !ok {
		switch value.(type) {
		case bool, int64, float64:
			return fmt.Sprint(value)
		case []any:
			return "a list"
		}
		return "not one value"
	}
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "..."
	}
	return strconv.Quote(text)
}

// oneLine is text without line breaks and control characters, cut short where
// it is longer than anyone reads.
func oneLine(text string) string {
	const most = 400 // bytes
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}
