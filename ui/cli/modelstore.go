package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/adrg/xdg"

	"scout/downloads"
	"scout/hardware/catalogue"
)

// modelsDir is the folder of pulled models: SCOUT_MODELS, or with the person's data.
func modelsDir() string {
	if dir := os.Getenv("SCOUT_MODELS"); dir != "" {
		return dir
	}
	return filepath.Join(xdg.DataHome, "scout", "models")
}

// published tells downloads where the catalogue's models are: the one room
// knows what there is, the other how to get it.
func published(model, quant string) (repo, spelled string, ok bool) {
	m, rest, ok := catalogue.Find(model)
	if !ok || rest != "" {
		return "", "", false
	}
	if q, listed := m.Quant(quant); listed {
		return m.Repo(q), q.Name, true
	}
	return m.Repository, quant, true // there may be more than the catalogue lists
}

// withDownloads does work with the store of models.
func (a *App) withDownloads(caFile string, work func(d *downloads.Downloads) error) (err error) {
	d, err := downloads.Open(downloads.Config{Dir: modelsDir(), UserAgent: "scout", CAFile: caFile, Published: published})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return work(d)
}

// storedModel finds a pulled model. ok is false if there is none of that name.
func storedModel(name string) (m downloads.Model, ok bool, err error) {
	if _, err := os.Stat(modelsDir()); err != nil {
		return downloads.Model{}, false, nil // nothing was ever pulled, and no folder is made for a look
	}
	d, err := downloads.Open(downloads.Config{Dir: modelsDir(), Published: published})
	if err != nil {
		return downloads.Model{}, false, err
	}
	defer d.Close()
	m, err = d.Path(name)
	if errors.Is(err, downloads.ErrNoModel) {
		return downloads.Model{}, false, nil
	}
	return m, err == nil, err
}

// located is the files that a model's name stands for.
type located struct {
	path  string
	tower string // of a pulled model that has one; else empty
	named bool   // the name is no path: it could be pulled
}

// locateModel says where a model is: a file of that name comes first, then a
// pulled model.
func locateModel(name string) (located, error) {
	if _, err := os.Stat(name); err == nil || looksLikePath(name) {
		return located{path: name}, nil
	}
	m, ok, err := storedModel(name)
	if err != nil || !ok {
		return located{path: name, named: true}, err
	}
	return located{path: m.Weights, tower: m.Projector}, nil
}

// looksLikePath tells what is a path and no name of a hub.
func looksLikePath(name string) bool {
	return strings.HasSuffix(strings.ToLower(name), ".gguf") && !strings.Contains(name, "://") ||
		filepath.IsAbs(name) || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~")
}

// advise adds to the error of a model that is nowhere what to do about it.
func (l located) advise(name string, err error) error {
	if l.named && errors.Is(err, fs.ErrNotExist) && downloads.IsName(name, published) {
		return &notHereError{name, err}
	}
	return err
}

// notHereError is a name that is no file and no model of the store, and that a
// hub may know.
type notHereError struct {
	name string
	err  error // of looking for the file
}

func (e *notHereError) Error() string {
	return fmt.Sprintf("%v; no model of that name was pulled either: 'scout pull %s' fetches it", e.err, e.name)
}

func (e *notHereError) Unwrap() error { return e.err }

// StoredModel is a pulled model.
type StoredModel struct {
	Name  string
	Bytes int64
	Note  string // what kind it is, in a few words
}

// storedModels lists the pulled models that are whole; none if that cannot be told.
func storedModels() []StoredModel {
	if _, err := os.Stat(modelsDir()); err != nil {
		return nil
	}
	d, err := downloads.Open(downloads.Config{Dir: modelsDir(), Published: published})
	if err != nil {
		return nil
	}
	defer d.Close()
	usage, err := d.List()
	if err != nil {
		return nil
	}
	var all []StoredModel
	for _, m := range usage.Models {
		if m.Complete {
			all = append(all, StoredModel{Name: m.Name, Bytes: m.Size(), Note: "pulled " + m.Pulled.Local().Format("2006-01-02")})
		}
	}
	return all
}
