package cli

import (
	"context"
	"errors"
	"strings"

	"scout/engine"
	"scout/ui/talk"
)

// interrupted is the reason of an answer that the person stopped.
const interrupted engine.Reason = "interrupted"

// answer is what came of one turn.
type answer struct {
	Text   string
	Tokens []engine.Token
	Reason engine.Reason
	Stats  engine.Stats
}

// reporter passes an answer on as it comes. An error from it ends the answer.
type reporter interface {
	// delta is the next step.
	delta(d engine.Delta) error
	// end is the whole answer, once it is over without an error.
	end(a answer) error
	// fail is that the answer cannot be completed.
	fail(err error) error
}

// answerTo generates the next turn of a conversation and reports it. An answer
// that ctx's interrupt stops ends as one does that is complete, with reason
// interrupted and everything that was generated until then.
func answerTo(ctx context.Context, g generator, conversation []engine.Message, s engine.Sampling, r reporter) (answer, error) {
	var (
		out  answer
		text strings.Builder
	)
	for d, err := range g.Generate(ctx, talk.Joined(conversation), s) {
		out.Stats = d.Stats
		if err != nil {
			if err = orInterrupted(ctx, err); !errors.Is(err, errInterrupted) {
				return out, errors.Join(err, r.fail(err))
			}
			out.Reason = interrupted
			break
		}
		text.WriteString(d.Text)
		out.Tokens = append(out.Tokens, d.Tokens...)
		if d.Done {
			out.Reason = d.Reason
		}
		if err := r.delta(d); err != nil {
			return out, err
		}
	}
	out.Text = text.String()
	return out, r.end(out)
}
