package downloads

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"scout/downloads/disk"
)

// Consent is an answer of the person's: that a licence is known and agreed to.
type Consent struct {
	License string    `json:"license"` // by which it is found again
	Title   string    `json:"title"`
	Link    string    `json:"link,omitempty"`
	Model   string    `json:"model"` // that it was asked for
	Given   time.Time `json:"given"`
}

// Consents is a file of them, so that everybody is asked once. Two processes
// that write at the same moment may lose one of the two: it is asked for again
// then, and nothing is agreed to that was not.
type Consents struct{ Path string }

const (
	consentsVersion = 1
	maxConsents     = 1 << 20
)

type consentsRecord struct {
	Version  int       `json:"version"`
	Consents []Consent `json:"consents"`
}

// Given tells whether a licence was agreed to. A file that is not there, or
// that makes no sense, has nothing in it.
func (c Consents) Given(license string) bool {
	if _, err := os.Stat(c.Path); err != nil {
		return false // no folder is made for a look
	}
	root, err := disk.OpenRoot(filepath.Dir(c.Path))
	if err != nil {
		return false
	}
	defer root.Close()
	r, err := c.read(root)
	return err == nil && slices.ContainsFunc(r.Consents, func(given Consent) bool { return given.License == license })
}

// Give adds an answer.
func (c Consents) Give(consent Consent) (err error) {
	wrong := func(err error) error { return &disk.Error{Doing: "keeping the answer in", Path: c.Path, Err: err} }
	root, err := disk.OpenRoot(filepath.Dir(c.Path))
	if err != nil {
		return wrong(err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	r, err := c.read(root)
	var newer *newerError
	if errors.As(err, &newer) {
		return wrong(err)
	}
	r.Consents = slices.DeleteFunc(r.Consents, func(given Consent) bool { return given.License == consent.License })
	r.Consents = append(r.Consents, consent)
	r.Version = consentsVersion
	data, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = disk.Replace(root, filepath.Base(c.Path), append(data, '\n'))
	}
	if err != nil {
		return wrong(err)
	}
	return nil
}

// newerError is a file of a later version of the program, which is left alone.
type newerError struct{ version int }

func (e *newerError) Error() string {
	return fmt.Sprintf("a later version of this program wrote it (format %d, this one knows %d)", e.version, consentsVersion)
}

func (c Consents) read(root *disk.Root) (consentsRecord, error) {
	data, err := disk.ReadFile(root, filepath.Base(c.Path), maxConsents)
	if errors.Is(err, fs.ErrNotExist) {
		return consentsRecord{}, nil
	}
	if err != nil {
		return consentsRecord{}, err
	}
	var r consentsRecord
	if err := json.Unmarshal(data, &r); err != nil {
		return consentsRecord{}, err
	}
	if r.Version > consentsVersion {
		return consentsRecord{}, &newerError{r.Version}
	}
	return r, nil
}
