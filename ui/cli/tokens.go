package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"scout/engine"
)

// tokensFlags is what "scout tokens" can be told.
type tokensFlags struct {
	json, special bool
	pictures      pictureFlags
}

// tokensCommand is "scout tokens": how a model reads a text.
func (a *App) tokensCommand() *cobra.Command {
	var f tokensFlags
	cmd := &cobra.Command{
		Use:   "tokens MODEL [TEXT|-] [-i PICTURE]",
		Short: "Split a text into tokens, or price a picture",
		Long: "Splits a text, or standard input, into the model's tokens: a line each, the id and the piece of text. " +
			"Nothing is put before or after it, and the names of special tokens are plain text unless --special is given.\n\n" +
			"With -i it says of each picture what the model will see of it, in how many tiles, and how many tokens of the context that takes. " +
			"Only the header of the file is looked at. Without a text, standard input is then left alone.",
		Example: "scout tokens demo \"Hello world\"\nscout tokens model.gguf --json < notes.txt\nscout tokens model.gguf -i photo.jpg --max-tiles 4",
		Args:    cobra.ArbitraryArgs,
		RunE: a.keep(func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 || len(args) > 2 {
				return usageErrorf("tokens takes a model and one text, got %d arguments: put the text in quotes", len(args))
			}
			if err := f.pictures.check(cmd.Flags()); err != nil {
				return err
			}
			return a.tokens(cmd.Context(), args[0], args[1:], f)
		}),
	}
	cmd.Flags().BoolVar(&f.json, "json", false, "write the ids as a JSON array and nothing else; with -i an object of images and ids")
	cmd.Flags().BoolVar(&f.special, "special", false, "the names of special tokens in the text stand for those tokens")
	f.pictures.register(cmd.Flags())
	return cmd
}

// tokens writes the tokens of the text in args or on standard input, which is
// taken exactly as it is.
func (a *App) tokens(ctx context.Context, name string, args []string, f tokensFlags) error {
	images, err := a.readImages(&f.pictures)
	if err != nil {
		return err
	}
	text := ""
	switch {
	case len(args) > 0 && args[0] == stdinName && f.pictures.wantsInput():
		return usageErrorf("standard input cannot be both the text and a picture")
	case len(args) == 0 && len(images) > 0:
	case len(args) > 0 && args[0] != "-":
		text = args[0]
	case len(args) == 0 && a.InTerminal:
		return usageErrorf("no text: give one as an argument or on standard input")
	default:
		if text, err = a.readText(a.In, "standard input"); err != nil {
			return err
		}
	}
	ctx, stop := a.interruptible(ctx)
	defer stop()
	o := engine.Options{MostTiles: f.pictures.maxTiles}
	if len(images) > 0 {
		o.Tower, _ = a.towerFor(name, &f.pictures)
	}
	m, err := a.openModel(ctx, name, o)
	if err != nil {
		return orInterrupted(ctx, err)
	}
	defer m.Close()
	ids := m.Tokenize(text, f.special)
	if len(images) > 0 {
		return a.writePrices(m, images, ids, f.json)
	}
	if f.json {
		return a.writeJSON(idList(ids))
	}
	return a.writePieces(m, ids)
}

// writePieces writes tokens, a line each.
func (a *App) writePieces(m model, ids []int32) error {
	for _, id := range ids {
		if err := a.printf("%d\t%s\n", id, strconv.Quote(m.Piece(id))); err != nil {
			return err
		}
	}
	return nil
}

// writePrices writes what becomes of pictures, and the tokens of a text after them.
func (a *App) writePrices(m model, images []*engine.Image, ids []int32, asJSON bool) error {
	records := []imageRecord{}
	for _, image := range images {
		plan, err := m.Price(image.Data)
		if err != nil {
			return err
		}
		plan.Name = image.Name
		records = append(records, newImageRecord(plan))
		if asJSON {
			continue
		}
		if err := a.printf("%s\n", seenLine(plan)); err != nil {
			return err
		}
	}
	if asJSON {
		return a.writeJSON(struct {
			Images []imageRecord `json:"images"`
			IDs    []int32       `json:"ids"`
		}{records, idList(ids)})
	}
	return a.writePieces(m, ids)
}

// idList is ids, as a list in JSON also when there are none.
func idList(ids []int32) []int32 {
	if ids == nil {
		return []int32{}
	}
	return ids
}
