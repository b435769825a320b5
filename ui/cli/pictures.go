package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/adrg/xdg"
	"github.com/spf13/pflag"

	"scout/engine"
	"scout/ui/safetext"
)

// pictureFlags is what a command can be told about pictures.
type pictureFlags struct {
	images   []string // paths; - is standard input
	tower    string
	maxTiles int
}

func (f *pictureFlags) register(flags *pflag.FlagSet) {
	flags.StringArrayVarP(&f.images, "image", "i", nil, "a picture, before the prompt; give it again for more, in order; - is standard input")
	flags.StringVar(&f.tower, "mmproj", "", "file of the vision tower (default: the one inside the model, or the only mmproj*.gguf beside it)")
	flags.IntVar(&f.maxTiles, "max-tiles", 0, "most tiles to cut a picture into, such as 1, 4, 9 or 16: fewer cost less and show less (default: as the model was trained)")
}

// mostTiles is more than any model takes.
const mostTiles = 1024

func (f *pictureFlags) check(flags *pflag.FlagSet) error {
	if flags.Changed("max-tiles") && (f.maxTiles < 1 || f.maxTiles > mostTiles) {
		return usageErrorf("--max-tiles is %d, want 1 or more, such as 1, 4, 9 or 16", f.maxTiles)
	}
	seen := false
	for _, path := range f.images {
		switch {
		case path == "":
			return usageErrorf("-i is empty, want the path of a picture")
		case path == stdinName && seen:
			return usageErrorf("-i - is given twice, and there is one standard input")
		}
		seen = seen || path == stdinName
	}
	return nil
}

// stdinName is how standard input is written among paths.
const stdinName = "-"

// wantsInput says whether standard input is one of the pictures.
func (f *pictureFlags) wantsInput() bool {
	for _, path := range f.images {
		if path == stdinName {
			return true
		}
	}
	return false
}

// readImages reads the pictures that the flags name.
func (a *App) readImages(f *pictureFlags) ([]*engine.Image, error) {
	var list []*engine.Image
	for _, path := range f.images {
		image, err := a.readImage(path)
		if err != nil {
			return nil, err
		}
		list = append(list, image)
	}
	return list, nil
}

func (a *App) readImage(path string) (*engine.Image, error) {
	if path != stdinName { // which may be a pipe
		return unlessInterrupted(a, func() (*engine.Image, error) { return engine.ReadImage(path) })
	}
	data, err := a.readInput(a.In, inputName)
	if err != nil {
		return nil, err
	}
	return engine.NewImage(inputName, data)
}

// inputName is what messages call standard input.
const inputName = "standard input"

// userMessage is a turn of pictures and then text.
func userMessage(text string, images []*engine.Image) engine.Message {
	if len(images) == 0 {
		return engine.Message{Role: engine.User, Content: text}
	}
	m := engine.Message{Role: engine.User}
	for _, image := range images {
		m.Parts = append(m.Parts, engine.Part{Image: image})
	}
	m.Parts = append(m.Parts, engine.Part{Text: text})
	return m
}

// embedCache is where embeddings of pictures are kept.
func embedCache() engine.EmbedCache {
	return engine.EmbedCache{Dir: filepath.Join(xdg.CacheHome, "scout", "pictures")}
}

// towersBeside lists the vision towers in the folder of a model's file.
func towersBeside(name string) []string {
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil {
		return nil // opening the model will say it
	}
	var list []string
	for _, e := range entries {
		lower := strings.ToLower(e.Name())
		path := filepath.Join(filepath.Dir(name), e.Name())
		if strings.HasPrefix(lower, "mmproj") && strings.HasSuffix(lower, ".gguf") && path != filepath.Clean(name) {
			list = append(list, path)
		}
	}
	return list
}

// towerFor is the vision tower to open the model with: the one that was asked for,
// the demo's, or the only one beside a model that has none inside; empty if there is
// none. found is whether nobody asked for it by name.
func (a *App) towerFor(name string, f *pictureFlags) (path string, found bool) {
	switch {
	case f.tower != "":
		return f.tower, false
	case name == demoName:
		return demoName, false
	}
	beside := a.findTowers(name)
	if len(beside) == 0 {
		return "", false
	}
	if info, err := a.inspectModel(name); err != nil || info.Vision {
		return "", false // opening the model says what is wrong
	}
	if len(beside) > 1 {
		if len(f.images) > 0 {
			a.note("which of these to see with? choose by --mmproj: %s", safetext.Line(strings.Join(beside, ", ")))
		}
		return "", false
	}
	return beside[0], true
}

// seenLine says what became of a picture.
func seenLine(p engine.ImagePlan) string {
	line := fmt.Sprintf("%s: %s", p.Name, sizeText(p.Plan))
	for i, n := range p.Notes {
		line += []string{"; ", ", "}[min(i, 1)] + n
	}
	return safetext.Line(line)
}

// sizeText is the sizes of a picture, for people:
// "4096 x 1024 seen as 2688 x 672 in 16+1 tiles, 2467 tokens".
func sizeText(p engine.Plan) string {
	size := fmt.Sprintf("%d x %d", p.SourceWidth, p.SourceHeight)
	if p.Width != p.SourceWidth || p.Height != p.SourceHeight {
		size += fmt.Sprintf(" seen as %d x %d", p.Width, p.Height)
	}
	tiles := plural(p.Tiles, "tile")
	if p.Tiles > 1 {
		tiles = fmt.Sprintf("%d+1 tiles", p.Rows*p.Cols)
	}
	return fmt.Sprintf("%s in %s, %d tokens", size, tiles, p.Tokens)
}

// changed says whether a model sees something else than what is in the file.
func changed(p engine.ImagePlan) bool { return p.Downsampled || len(p.Notes) > 0 }

// imageRecord is what became of a picture, as JSON. Sizes are pixels.
type imageRecord struct {
	Name        string   `json:"name"`
	Format      string   `json:"format"`
	Width       int      `json:"width"`
	Height      int      `json:"height"`
	SeenWidth   int      `json:"seen_width"`
	SeenHeight  int      `json:"seen_height"`
	Rows        int      `json:"rows"`
	Cols        int      `json:"cols"`
	Tiles       int      `json:"tiles"` // that go through the tower
	Tokens      int      `json:"tokens"`
	Downsampled bool     `json:"downsampled"`
	Notes       []string `json:"notes"`
}

func newImageRecord(p engine.ImagePlan) imageRecord {
	return imageRecord{
		Name: p.Name, Format: p.Format, Width: p.SourceWidth, Height: p.SourceHeight, SeenWidth: p.Width, SeenHeight: p.Height,
		Rows: p.Rows, Cols: p.Cols, Tiles: p.Tiles, Tokens: p.Tokens, Downsampled: p.Downsampled, Notes: append([]string{}, p.Notes...),
	}
}

// overflowAdvice says what to do about a prompt that does not fit the context.
func overflowAdvice(e *engine.ContextError) string {
	if len(e.Images) == 0 {
		return "shorten it, or raise --ctx"
	}
	var ways []string
	if e.FitTiles > 0 {
		ways = append(ways, fmt.Sprintf("--max-tiles %d", e.FitTiles))
	}
	if e.FitImages > 0 {
		ways = append(ways, fmt.Sprintf("the first %d of %s", e.FitImages, plural(len(e.Images), "picture")))
	}
	context := fmt.Sprintf("--ctx %d", e.Need)
	if e.Need > e.MostContext {
		context += fmt.Sprintf(" (the model was made for %d)", e.MostContext)
	}
	return "it would fit with " + strings.Join(append(ways, context), ", or with ")
}

// hint adds to an error what to do about it on the command line.
func hint(err error) string {
	if errors.Is(err, engine.ErrNoTower) {
		return err.Error() + ": --mmproj FILE"
	}
	return err.Error()
}
