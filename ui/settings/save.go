package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"
)

// mostTries is how often Save begins again because someone else wrote the file
// meanwhile.
const mostTries = 5

// Save writes to the file at path what differs between before, which is what
// Load gave or what was saved last, and after. Nothing else changes: comments,
// order, spaces and line ends stay, and so do keys that another scout or a
// person has written since, and values that Load refused. A file that is
// missing is made from Document, readable by its owner alone, and with it its
// folder.
//
// Save is all or nothing: it writes another file beside the old one, brings it
// to the disk and renames it, and it keeps the permissions and follows symbolic
// links. Before that it reads what it is about to write: should that not say
// exactly what it ought to, for example because the file is no TOML or a value
// is out of range, the file stays as it is and the error says why.
func Save(path string, before, after Settings) error {
	if err := save(osDisk{}, path, before, after); err != nil {
		return fmt.Errorf("settings: saving: %w", err)
	}
	return nil
}

// errChanged is a file that someone else wrote meanwhile.
var errChanged = errors.New("the file is changed by another program again and again; try once more")

func save(d disk, path string, before, after Settings) error {
	todo := changes(leaves(before), leaves(after))
	if len(todo) == 0 {
		return nil
	}
	for range mostTries {
		f, err := readConfig(d, path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			f.text = Document()
		case err != nil:
			return err
		}
		text, err := revise(f.text, todo)
		if err != nil {
			return fmt.Errorf("%s stays as it is: %w", f.path, err)
		}
		if text == f.text && !f.missing {
			return nil
		}
		if err := replace(d, f, text); !errors.Is(err, errChanged) {
			return err
		}
	}
	return errChanged
}

// revise is a text with changes made in it, which it has read back.
func revise(text string, todo []change) (string, error) {
	was, problems, err := parse(text)
	if err != nil {
		return "", fmt.Errorf("put it right first: %s", problems[0])
	}
	now := leaves(was)
	want := with(now, todo)
	for _, c := range todo {
		old, there := now[strings.Join(c.path, "\x00")]
		if !c.gone && there && reflect.DeepEqual(old.value, c.value) {
			continue // another scout has set the same
		}
		switch {
		case c.gone:
			text, err = remove(text, c.path)
		case c.value == nil:
			text, err = addTable(text, c.path)
		default:
			text, err = put(text, c.path, c.value)
		}
		if err != nil {
			return "", fmt.Errorf("setting %s: %w", keyText(c.path), err)
		}
	}
	if err := check(text, want, problems); err != nil {
		return "", err
	}
	return text, nil
}

// check expects a text to say exactly what is wanted, with no problems but
// those that there were.
func check(text string, want map[string]leaf, known []Problem) error {
	if len(text) > largestFile {
		return fmt.Errorf("it would have %d bytes, want at most %d", len(text), largestFile)
	}
	got, problems, err := parse(text)
	if err != nil {
		return fmt.Errorf("it would no longer be TOML (%w); set it in the file itself", err)
	}
	if wrong := changes(leaves(got), want); len(wrong) > 0 {
		name := keyText(wrong[0].path)
		i := slices.IndexFunc(problems, func(p Problem) bool { return p.Key == name || strings.HasPrefix(name, p.Key+".") })
		if i >= 0 {
			return errors.New(problems[i].Message)
		}
		return fmt.Errorf("%s would not have the value it was to have; set it in the file itself", shorten(name, longestName*4))
	}
	for _, p := range problems {
		if !slices.ContainsFunc(known, func(k Problem) bool { return k.Key == p.Key }) {
			return errors.New(p.Message)
		}
	}
	return nil
}
