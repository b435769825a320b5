package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"scout/engine"
)

// tokensFlags is what "scout tokens" can be told.
type tokensFlags struct{ json, special bool }

// tokensCommand is "scout tokens": how a model reads a text.
func (a *App) tokensCommand() *cobra.Command {
	var f tokensFlags
	cmd := &cobra.Command{
		Use:   "tokens MODEL [TEXT|-]",
		Short: "Split a text into tokens",
		Long: "Splits a text, or standard input, into the model's tokens: a line each, the id and the piece of text. " +
			"Nothing is put before or after it, and the names of special tokens are plain text unless --special is given.",
		Example: "scout tokens demo \"Hello world\"\nscout tokens model.gguf --json < notes.txt",
		Args:    cobra.ArbitraryArgs,
		RunE: a.keep(func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 || len(args) > 2 {
				return usageErrorf("tokens takes a model and one text, got %d arguments: put the text in quotes", len(args))
			}
			return a.tokens(cmd.Context(), args[0], args[1:], f)
		}),
	}
	cmd.Flags().BoolVar(&f.json, "json", false, "write the ids as a JSON array and nothing else")
	cmd.Flags().BoolVar(&f.special, "special", false, "the names of special tokens in the text stand for those tokens")
	return cmd
}

// tokens writes the tokens of the text in args or on standard input, which is
// taken exactly as it is.
func (a *App) tokens(ctx context.Context, name string, args []string, f tokensFlags) error {
	text := ""
	switch {
	case len(args) > 0 && args[0] != "-":
		text = args[0]
	case len(args) == 0 && a.InTerminal:
		return usageErrorf("no text: give one as an argument or on standard input")
	default:
		var err error
		if text, err = a.readText(a.In, "standard input"); err != nil {
			return err
		}
	}
	ctx, stop := a.interruptible(ctx)
	defer stop()
	m, err := a.openModel(ctx, name, engine.Options{})
	if err != nil {
		return orInterrupted(ctx, err)
	}
	defer m.Close()
	ids := m.Tokenize(text, f.special)
	if f.json {
		return a.writeJSON(idList(ids))
	}
	for _, id := range ids {
		if err := a.printf("%d\t%s\n", id, strconv.Quote(m.Piece(id))); err != nil {
			return err
		}
	}
	return nil
}

// idList is ids, as a list in JSON also when there are none.
func idList(ids []int32) []int32 {
	if ids == nil {
		return []int32{}
	}
	return ids
}
