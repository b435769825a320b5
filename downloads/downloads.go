package downloads

import (
	"os"

	"scout/downloads/disk"
	"scout/downloads/hub"
	"scout/downloads/store"
	"scout/downloads/transfer"
	"scout/downloads/web"
)

// What the rooms below call the things that pass through this door.
type (
	// Ref is what a name stands for.
	Ref = hub.Ref
	// Published is a catalogue of short names.
	Published = hub.Published
	// Listing is what there is under a name, at one commit.
	Listing = hub.Listing
	// Variant is one quantization: its parts and its vision tower.
	Variant = hub.Variant
	// Query is what is searched for on the hub.
	Query = hub.Query
	// Sort is the order of what is found.
	Sort = hub.Sort
	// Found is a page of repositories that a search found.
	Found = hub.Found
	// SearchResult is one of them.
	SearchResult = hub.Result
	// AmbiguousError is a name that stands for several variants.
	AmbiguousError = hub.AmbiguousError
	// NoVariantError is a quantization that a repository does not have.
	NoVariantError = hub.NoVariantError
	// Model is a stored model that can be opened.
	Model = store.Model
	// Usage is what the store takes on its disk, model by model.
	Usage = store.Usage
	// ModelUsage is one model of it.
	ModelUsage = store.ModelUsage
	// Removal is what removing a model did.
	Removal = store.Removal
	// FileHealth is what verifying one file of a model found.
	FileHealth = store.FileHealth
	// IncompleteError is a stored model whose files are not all there.
	IncompleteError = store.IncompleteError
)

// ErrNoModel is a name that the store does not have.
var ErrNoModel = store.ErrNoModel

// Bytes is a size for people, in the decimal units that disks are sold in.
func Bytes(n int64) string { return disk.Bytes(n) }

// Config says where models are kept and how the hubs are reached.
type Config struct {
	Dir       string // folder of the store; it is made if need be
	UserAgent string // names the program to the servers
	CAFile    string // further root certificates, as PEM; empty for none
	Token     string // of Hugging Face; empty for the one of the environment

	// Published knows where models with short names are; nil knows none.
	Published Published

	// Environment takes the place of os.Getenv, and Home of the person's
	// folder, where other programs keep their tokens and models.
	Environment func(name string) string
	Home        string
	// Client takes the place of the web client that Config describes.
	Client *web.Client
	// FS takes the place of the folder Dir.
	FS disk.FS
	// Registry takes the place of the Ollama registry's address.
	Registry string
}

// Downloads is a store of models and the way to more of them. Its methods may
// be called from any goroutine; several processes may use one store.
type Downloads struct {
	fsys      disk.FS
	root      *disk.Root // of fsys, if it is ours to close
	fetcher   *transfer.Fetcher
	store     *store.Store
	hub       *hub.Client
	published Published
	elsewhere store.Elsewhere
}

// Open opens the store of a folder. No hub is asked for anything yet.
func Open(c Config) (*Downloads, error) {
	env, home := c.Environment, c.Home
	if env == nil {
		env = os.Getenv
	}
	if home == "" {
		home, _ = os.UserHomeDir() // without one, nothing is looked for there
	}
	settings, err := hub.FromEnvironment(env, home, c.Token)
	if err != nil {
		return nil, err
	}
	if c.Registry != "" {
		settings.Registry = c.Registry
	}
	client := c.Client
	if client == nil {
		client, err = web.New(web.Options{UserAgent: c.UserAgent, CAFile: c.CAFile, Trusted: settings.Named(), Environment: env})
		if err != nil {
			return nil, err
		}
	}
	hubs, err := hub.NewClient(client, settings)
	if err != nil {
		return nil, err
	}
	d := &Downloads{hub: hubs, published: c.Published, elsewhere: store.NewElsewhere(env, home), fsys: c.FS}
	if d.fsys == nil {
		if d.root, err = disk.OpenRoot(c.Dir); err != nil {
			return nil, &disk.Error{Doing: "opening the folder for models", Path: c.Dir, Err: err}
		}
		d.fsys = d.root
	}
	d.fetcher = transfer.NewFetcher(d.fsys, client)
	d.store = store.Open(d.fsys, d.fetcher)
	return d, nil
}

// Close ends the use of the folder.
func (d *Downloads) Close() error {
	if d.root == nil {
		return nil
	}
	return d.root.Close()
}

// Dir is the folder of the store.
func (d *Downloads) Dir() string { return d.store.Path() }
