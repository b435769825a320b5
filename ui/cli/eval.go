package cli

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"scout/engine"
)

// evalFlags is what "scout eval" can be told.
type evalFlags struct {
	ids, file, logits, routes              string
	greedy, start, batch, context, threads int
	kv                                     string
	json, idsGiven, fileGiven              bool
}

// evalCommand is "scout eval": what a model makes of given tokens, so that
// engines and files can be held against each other.
func (a *App) evalCommand() *cobra.Command {
	var f evalFlags
	cmd := &cobra.Command{
		Use:   "eval MODEL (--ids 1,2,3 | -f FILE)",
		Short: "Perplexity, logits and greedy continuation of given tokens",
		Long: "Runs given tokens through a model and reports the perplexity: the exponential of the mean negative log-likelihood " +
			"of each token after those before it.\n\n" +
			"--ids takes ids as they are. -f takes a text: it is cut into pieces that fill the context, each begins afresh with the " +
			"model's begin-of-text token, and the first token of a piece is predicted from that alone.",
		Example: "scout eval demo --ids 999,73,355 --greedy 8\nscout eval model.gguf -f book.txt --ctx 2048\nscout eval model.gguf --ids @ids.txt --logits out.f32",
		Args:    cobra.ArbitraryArgs,
		RunE: a.keep(func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageErrorf("eval takes one model, got %d arguments", len(args))
			}
			f.idsGiven, f.fileGiven = cmd.Flags().Changed("ids"), cmd.Flags().Changed("file")
			if err := f.check(); err != nil {
				return err
			}
			return a.eval(cmd.Context(), args[0], f)
		}),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.ids, "ids", "", "token ids, separated by commas or white space; @FILE reads them from a file")
	flags.StringVarP(&f.file, "file", "f", "", "text file; - is standard input")
	flags.StringVar(&f.logits, "logits", "", "write the logits after every token to this file: little-endian float32 [tokens, vocabulary]")
	flags.StringVar(&f.routes, "routes", "", "write the experts and router logits of every token and layer to this file, as JSON")
	flags.IntVar(&f.greedy, "greedy", 0, "afterwards, continue with this many likeliest tokens")
	registerKV(flags, &f.kv)
	flags.IntVar(&f.start, "start", 0, "position of the first id")
	flags.IntVar(&f.batch, "batch", 0, "compute at most this many tokens at once (default: the engine's choice)")
	flags.IntVar(&f.context, "ctx", 0, "context (default: for --ids as many as it takes, for -f the model's limit, at most 16384)")
	flags.IntVar(&f.threads, "threads", 0, "worker threads (default: one per usable core)")
	flags.BoolVar(&f.json, "json", false, "write one JSON object")
	return cmd
}

// check refuses flags that make no sense, before anything is read.
func (f evalFlags) check() error {
	if f.idsGiven == f.fileGiven {
		return usageErrorf("eval takes either --ids or -f")
	}
	if f.logits != "" && f.logits == f.routes {
		return usageErrorf("--logits and --routes name the same file")
	}
	if f.fileGiven && f.start != 0 {
		return usageErrorf("--start goes with --ids")
	}
	if f.fileGiven && f.routes != "" {
		return usageErrorf("--routes goes with --ids")
	}
	if err := checkKV(f.kv); err != nil {
		return err
	}
	for _, n := range []struct {
		flag string
		got  int
	}{{"greedy", f.greedy}, {"start", f.start}, {"batch", f.batch}} {
		if n.got < 0 || n.got > mostPositions {
			return usageErrorf("--%s is %d, want 0 to %d", n.flag, n.got, mostPositions)
		}
	}
	return checkSizes(f.context, f.threads)
}

// evalRecord is the result, as JSON.
type evalRecord struct {
	Model      string   `json:"model"`
	Vocabulary int      `json:"vocab"`
	Tokens     int      `json:"tokens"`     // run through the model, begin-of-text tokens included
	Predicted  int      `json:"predicted"`  // of these, scored
	MeanNLL    *float64 `json:"mean_nll"`   // natural logarithm; null if nothing was predicted
	Perplexity *float64 `json:"perplexity"` // exp of it
	Greedy     []int32  `json:"greedy"`
	GreedyText string   `json:"greedy_text"`
}

// eval runs the tokens and reports.
func (a *App) eval(ctx context.Context, name string, f evalFlags) error {
	text, ids, err := a.evalInput(f)
	if err != nil {
		return err
	}
	if f.idsGiven && f.context == 0 {
		f.context = max(1, f.start+len(ids)+f.greedy)
	}
	o := engine.Options{Threads: f.threads, Context: f.context, KV: f.kv}
	var routes *routesFile
	if f.routes != "" {
		routes = newRoutes(f.start, len(ids))
		o.Routed = routes.add
	}
	m, s, err := a.openSequence(ctx, name, o)
	if err != nil {
		return err
	}
	defer m.Close()
	defer s.Close()

	ctx, stop := a.interruptible(ctx)
	defer stop()
	e := evaluation{model: m, sequence: s, batch: f.batch}
	if f.logits != "" {
		if e.out, err = createLogits(f.logits); err != nil {
			return err
		}
	}
	if err := e.compute(ctx, f, text, ids); err != nil {
		return orInterrupted(ctx, err)
	}
	if routes != nil {
		if err := routes.write(f.routes); err != nil {
			return err
		}
	}
	return a.writeEvaluation(name, &e, f.json)
}

// compute runs the tokens and completes the file of logits, so that nothing
// that goes wrong with the report can touch it.
func (e *evaluation) compute(ctx context.Context, f evalFlags, text string, ids []int32) (err error) {
	if e.out != nil {
		defer func() { err = e.out.finish(err) }()
	}
	if f.idsGiven {
		if err := e.sequence.StartAt(f.start); err != nil {
			return err
		}
		err = e.score(ctx, ids)
	} else {
		err = e.scoreText(ctx, text, e.model.Context()-f.greedy)
	}
	if err == nil {
		err = e.continueGreedily(ctx, f.greedy)
	}
	return err
}

// evalInput is the text or the ids to run.
func (a *App) evalInput(f evalFlags) (text string, ids []int32, err error) {
	switch {
	case f.idsGiven:
		ids, err = a.parseIDs(f.ids)
		return "", ids, err
	case f.file == "-":
		text, err = a.readText(a.In, "standard input")
		return text, nil, err
	}
	text, err = a.readTextFile(f.file)
	return text, nil, err
}

// parseIDs reads token ids separated by commas or white space, from the flag
// itself or, after "@", from a file. Brackets around them are allowed, so that
// what "scout tokens --json" writes can be read.
func (a *App) parseIDs(list string) ([]int32, error) {
	source := "--ids"
	if path, ok := strings.CutPrefix(list, "@"); ok {
		text, err := a.readTextFile(path)
		if err != nil {
			return nil, err
		}
		list, source = text, path
	}
	fields := strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(", \t\r\n[]", r) })
	if len(fields) == 0 {
		return nil, usageErrorf("%s holds no token ids", source)
	}
	ids := make([]int32, len(fields))
	for i, field := range fields {
		n, err := strconv.ParseInt(field, 10, 32)
		if err != nil || n < 0 {
			return nil, usageErrorf("%s: token id %d is %q, want a number, 0 or more", source, i+1, field)
		}
		ids[i] = int32(n)
	}
	return ids, nil
}

// evaluation scores tokens and keeps what the report is made of.
type evaluation struct {
	model    model
	sequence sequence
	batch    int // most tokens in one call; 0 is no limit
	out      *logitsFile

	tokens, predicted int
	nll               float64 // sum of -log p over the predicted tokens
	next              int32   // likeliest token after the last one
	greedy            []int32
}

// scoreText scores a text in pieces of at most n tokens, each from an empty
// cache.
func (e *evaluation) scoreText(ctx context.Context, text string, n int) error {
	ids := e.model.Tokenize(text, false)
	if len(ids) == 0 {
		return fmt.Errorf("evaluating a text: it is empty")
	}
	var piece []int32
	if bos, want := e.model.BOS(); want {
		piece = append(piece, bos)
	}
	first := len(piece)
	if n < first+2 {
		return fmt.Errorf("evaluating a text: a context with %d positions left for it, want at least %d", n, first+2)
	}
	for len(ids) > 0 {
		k := min(len(ids), n-first)
		piece = append(piece[:first], ids[:k]...)
		ids = ids[k:]
		e.sequence.Truncate(0)
		if err := e.score(ctx, piece); err != nil {
			return err
		}
	}
	return nil
}

// score runs ids and adds what the model gave each but the first.
func (e *evaluation) score(ctx context.Context, ids []int32) error {
	row := 0
	each := func(position int, logits []float32) error {
		if e.out != nil {
			if err := e.out.write(logits); err != nil {
				return err
			}
		}
		e.next = likeliest(logits)
		if row++; row == len(ids) {
			return nil
		}
		nll, err := negativeLogLikelihood(logits, ids[row])
		if err != nil {
			return fmt.Errorf("evaluating position %d: %w", position, err)
		}
		e.nll += nll
		e.predicted++
		return nil
	}
	limit := e.batch
	if limit == 0 {
		limit = len(ids)
	}
	for begin := 0; begin < len(ids); begin += limit {
		end := min(begin+limit, len(ids))
		if err := e.sequence.Append(ctx, ids[begin:end], engine.AllLogits, each); err != nil {
			return err
		}
	}
	e.tokens += len(ids)
	return nil
}

// continueGreedily goes on with the n likeliest tokens, one after the other,
// past the end of a turn too.
func (e *evaluation) continueGreedily(ctx context.Context, n int) error {
	for i := range n {
		e.greedy = append(e.greedy, e.next)
		if i == n-1 {
			break // what comes after the last one is not asked for
		}
		err := e.sequence.Append(ctx, []int32{e.next}, engine.LastLogits, func(_ int, logits []float32) error {
			e.next = likeliest(logits)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// likeliest is the token with the largest logit, the first of equals.
func likeliest(logits []float32) int32 {
	best := 0
	for i, l := range logits {
		if l > logits[best] {
			best = i
		}
	}
	return int32(best)
}

// negativeLogLikelihood is -log softmax(logits)[id], in float64.
func negativeLogLikelihood(logits []float32, id int32) (float64, error) {
	if id < 0 || int(id) >= len(logits) {
		return 0, fmt.Errorf("token id is %d, want less than %d", id, len(logits))
	}
	largest := logits[likeliest(logits)]
	sum := 0.0
	for _, l := range logits {
		sum += math.Exp(float64(l - largest))
	}
	nll := math.Log(sum) - float64(logits[id]-largest)
	if math.IsNaN(nll) || math.IsInf(nll, 0) {
		return 0, fmt.Errorf("the logits give token %d a log-likelihood of %v", id, -nll)
	}
	return nll, nil
}

// writeEvaluation reports.
func (a *App) writeEvaluation(name string, e *evaluation, asJSON bool) error {
	r := evalRecord{
		Model: name, Vocabulary: e.model.Info().Vocabulary, Tokens: e.tokens, Predicted: e.predicted, Greedy: idList(e.greedy),
	}
	for _, id := range e.greedy {
		r.GreedyText += e.model.Piece(id)
	}
	if e.predicted > 0 {
		mean := e.nll / float64(e.predicted)
		perplexity := math.Exp(mean)
		r.MeanNLL, r.Perplexity = &mean, &perplexity
	}
	if asJSON {
		return a.writeJSON(r)
	}
	return a.printf("%s", describeEvaluation(r))
}

// describeEvaluation is the result for people.
func describeEvaluation(r evalRecord) string {
	s := fmt.Sprintf("tokens       %d\n", r.Tokens)
	if r.Perplexity != nil {
		s += fmt.Sprintf("perplexity   %.4f over %s (mean negative log-likelihood %.5f)\n",
			*r.Perplexity, plural(r.Predicted, "predicted token"), *r.MeanNLL)
	}
	if len(r.Greedy) > 0 {
		s += fmt.Sprintf("greedy       %s\n             %s\n", strings.Trim(fmt.Sprint(r.Greedy), "[]"), strconv.Quote(r.GreedyText))
	}
	return s
}
