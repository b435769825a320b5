package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"scout/engine"
	"scout/sessions"
	"scout/ui/safetext"
	"scout/ui/talk"
)

// partedError is that a reply came out otherwise than it is recorded.
type partedError struct{ message, token int }

func (e *partedError) Error() string {
	return fmt.Sprintf("answer %d parted from what is recorded at token %d", e.message, e.token)
}

// replayFlags is what "scout replay" can be told.
type replayFlags struct {
	model, folder, tower string
	threads              int
	json                 bool
}

// replayCommand is "scout replay": an answer of a saved conversation, made again.
func (a *App) replayCommand() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay SESSION TURN",
		Short: "Make an answer again and compare",
		Long: "Makes an answer of a saved conversation again, with the model, the seed, the sampling and the cache that are recorded with it, " +
			"and says whether it is identical or where it parted, and what is not as it was then. SESSION is as in scout sessions; TURN is the " +
			"number that 'scout sessions show' writes before an answer, or last. Nothing is saved.\n\n" +
			"Exit codes: 0 identical, 5 it parted, 1 it cannot be replayed.",
		Example: "scout sessions show last\nscout replay last 4\nscout replay last last --json\nscout replay kitchen 4 --model other-quant.gguf",
		Args:    cobra.ArbitraryArgs,
		RunE: a.keep(func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageErrorf("replay takes a session and the number of an answer, got %d arguments: 'scout sessions show SESSION' has the numbers", len(args))
			}
			if err := checkSizes(0, f.threads); err != nil {
				return err
			}
			s := &sessionsApp{App: a, dir: f.folder}
			return s.with(func(st *sessions.Store) error { return s.replay(cmd.Context(), st, args[0], args[1], &f) })
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&f.model, "model", "", "replay with this model instead, whichever it is (default: the recorded one, which has to be the same)")
	flags.StringVar(&f.tower, "mmproj", "", "GGUF file of the vision tower (default: as in scout run)")
	flags.IntVar(&f.threads, "threads", 0, "worker threads, which make no difference to the answer (default: one per usable core)")
	flags.BoolVar(&f.json, "json", false, "write one JSON object")
	flags.StringVar(&f.folder, "sessions-dir", "", "folder of the saved conversations (default: with your data)")
	return cmd
}

// replay makes the answer again that goes by those names, and writes what came of it.
func (s *sessionsApp) replay(ctx context.Context, st *sessions.Store, session, turn string, f *replayFlags) error {
	c, err := s.read(st, session)
	if err != nil {
		return err
	}
	message, err := answerNamed(c, turn)
	if err != nil {
		return err
	}
	m, err := s.openRecorded(ctx, c, message, f)
	if err != nil {
		return err
	}
	defer m.Close()
	ctx, stop := s.interruptible(ctx)
	defer stop()
	r, err := talk.Replay(ctx, m, st, c, message.ID)
	m.progress.clear()
	if err != nil {
		return orInterrupted(ctx, err)
	}
	record := newReplayRecord(c, message, r, m)
	if f.json {
		err = s.writeJSON(record)
	} else {
		err = s.printf("%s", record)
	}
	if err == nil && !r.Identical {
		err = &partedError{message.ID, r.Token}
	}
	return err
}

// answerNamed is the answer of that number, or the last one that is shown.
func answerNamed(c *sessions.Conversation, turn string) (sessions.Message, error) {
	if turn == "last" {
		shown := c.Shown()
		for i := len(shown) - 1; i >= 0; i-- {
			if shown[i].Role == sessions.Assistant {
				return shown[i], nil
			}
		}
		return sessions.Message{}, fmt.Errorf("session %s has no answer yet", c.ID)
	}
	id, err := strconv.Atoi(turn)
	if err != nil {
		return sessions.Message{}, usageErrorf("the turn is %q, want a number or last: 'scout sessions show %s' has the numbers", turn, c.ID)
	}
	m, ok := c.Message(id)
	if !ok || m.Role != sessions.Assistant {
		return m, fmt.Errorf("session %s has no answer %d: 'scout sessions show %s' has the numbers", c.ID, id, c.ID)
	}
	if m.Reply == nil || m.Reply.Engine == "" && m.Reply.Model == (sessions.Model{}) {
		return m, fmt.Errorf("it is not recorded how answer %d came about: it was imported", id)
	}
	return m, nil
}

// replayed is an opened model as a talk needs it, and what it is.
type replayed struct {
	model
	version  string
	hash     string // empty if that cannot be told
	setup    sessions.Setup
	context  int
	progress *progress
}

// openRecorded opens the model that made an answer, as it was opened then, or the one
// that is asked for. Without that it has to be the same one.
func (a *App) openRecorded(ctx context.Context, c *sessions.Conversation, message sessions.Message, f *replayFlags) (*replayed, error) {
	was := message.Reply
	name := cmp.Or(f.model, was.Model.Path)
	if name == "" {
		return nil, fmt.Errorf("it is not recorded which file answered (%s): --model says with which to replay", cmp.Or(was.Model.Name, "a model without a name"))
	}
	o := engine.Options{Threads: f.threads, Context: was.Stats.Context, KV: was.Setup.KV, MostTiles: was.Setup.MostTiles}
	for _, said := range c.Path(message.ID) {
		if len(said.Attachments) > 0 {
			o.Tower, _ = a.towerFor(name, &pictureFlags{tower: f.tower})
			o.Embeds = embedCache()
		}
	}
	opening, stop := a.interruptible(ctx)
	defer stop()
	m, err := a.openModel(opening, name, o)
	switch {
	case err != nil && f.model == "" && errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the model that answered is gone from %s: --model says where it is now", was.Model.Path)
	case err != nil:
		return nil, orInterrupted(opening, err)
	}
	if err := a.checkFit(m); err != nil {
		m.Close() // the error that matters is err
		return nil, err
	}
	r := &replayed{model: m, version: a.version, context: m.Context(), progress: a.newProgress()}
	if known, ok := m.(setUp); ok {
		if s, err := known.Setup(); err == nil { // what it cannot tell is not compared
			r.hash, r.setup = s.Identity, keptSetup(s, m.Threads())
		}
	}
	if f.model == "" && r.isAnother(was.Model) {
		m.Close() // nothing was done with it
		return nil, fmt.Errorf("the model in %s is another than the one that answered: --model %s replays with it all the same", name, name)
	}
	return r, nil
}

// isAnother is whether it is not the model that is recorded.
func (m *replayed) isAnother(was sessions.Model) bool {
	if was.Hash != "" && m.hash != "" {
		return was.Hash != m.hash
	}
	info := m.Info()
	return was.Name != info.Name || was.Quant != "" && was.Quant != MainType(info)
}

// NewSequence begins a sequence whose progress is shown.
func (m *replayed) NewSequence() (talk.Sequence, error) {
	s, err := m.newSequence()
	if err != nil {
		return nil, err
	}
	return replayedSequence{s, m.progress}, nil
}

// Encode is the tokens of a conversation, for an answer that was gone on with.
func (m *replayed) Encode(conversation []engine.Message) ([]int32, error) {
	if e, ok := m.model.(talk.Encoder); ok {
		return e.Encode(conversation)
	}
	return nil, talk.ErrContinue
}

// replayedSequence is a sequence that shows how far it is.
type replayedSequence struct {
	sequence
	progress *progress
}

func (s replayedSequence) Generate(ctx context.Context, conversation []engine.Message, p engine.Sampling) iter.Seq2[engine.Delta, error] {
	return s.watched(s.sequence.Generate(ctx, conversation, p))
}

func (s replayedSequence) Complete(ctx context.Context, ids []int32, p engine.Sampling) iter.Seq2[engine.Delta, error] {
	c, ok := s.sequence.(talk.Completer)
	if !ok {
		return func(yield func(engine.Delta, error) bool) { yield(engine.Delta{}, talk.ErrContinue) }
	}
	return s.watched(c.Complete(ctx, ids, p))
}

func (s replayedSequence) watched(deltas iter.Seq2[engine.Delta, error]) iter.Seq2[engine.Delta, error] {
	return func(yield func(engine.Delta, error) bool) {
		for d, err := range deltas {
			if err == nil {
				s.progress.update(d.Stats)
				if n := d.Stats.Generated; n > 0 && s.progress.w != nil {
					s.progress.show(fmt.Sprintf("replaying: %s", plural(n, "token")))
				}
			}
			if !yield(d, err) {
				return
			}
		}
	}
}

// replayRecord is what came of a replay, as JSON and, by String, as text.
type replayRecord struct {
	Session   string       `json:"session"`
	Message   int          `json:"message"`
	Model     string       `json:"model"`
	Seed      uint64       `json:"seed"`
	Identical bool         `json:"identical"`
	Cut       bool         `json:"cut"`             // the recorded answer was stopped, and is compared as far as it goes
	Tokens    int          `json:"tokens"`          // that were compared
	Token     int          `json:"token,omitempty"` // the first that differs, counted from 1
	Byte      int          `json:"byte,omitempty"`  // of the text that is the first to differ, counted from 0
	Was       string       `json:"was"`             // the recorded text; round the place where it parted, if it did
	Is        string       `json:"is"`              // the new one
	Facts     []replayFact `json:"facts"`           // what is not as it was
}

// replayFact is something that is not as it was when the answer was recorded.
type replayFact struct {
	Name    string `json:"name"`
	Was     string `json:"was"`
	Is      string `json:"is"`
	Matters bool   `json:"matters"` // it may change an answer; what is not recorded may too
}

func newReplayRecord(c *sessions.Conversation, message sessions.Message, r talk.Replayed, m *replayed) replayRecord {
	info := m.Info()
	rec := replayRecord{
		Session: c.ID, Message: message.ID, Seed: r.Seed, Identical: r.Identical, Tokens: r.Stats.Generated, Was: r.Was, Is: r.Is,
		Model: strings.TrimSpace(info.Name + " " + MainType(info)), Facts: m.facts(message.Reply),
	}
	rec.Cut = message.Unfinished || message.Reply.Reason == string(talk.Interrupted) || message.Reply.Reason == string(talk.Failed)
	if !r.Identical {
		rec.Token, rec.Byte = r.Token, r.At
		rec.Was, rec.Is = around(r.Was, r.At), around(r.Is, r.At)
	}
	return rec
}

// facts is what is not as it was.
func (m *replayed) facts(was *sessions.Reply) []replayFact {
	facts := []replayFact{}
	add := func(name, was, is string, matters bool) {
		if was != is {
			facts = append(facts, replayFact{name, cmp.Or(was, "not recorded"), cmp.Or(is, "none"), matters})
		}
	}
	info := m.Info()
	add("model", strings.TrimSpace(was.Model.Name+" "+was.Model.Quant), strings.TrimSpace(info.Name+" "+MainType(info)), true)
	add("model hash", short(was.Model.Hash), short(m.hash), true)
	add("version", was.Engine, "scout "+m.version, true)
	add("cache", was.Setup.KV, m.setup.KV, true)
	if was.Stats.Context != 0 {
		add("context", strconv.Itoa(was.Stats.Context), strconv.Itoa(m.context), true)
	}
	if was.Setup.Tower != "" { // a tower that was there and was not used makes no difference
		add("vision tower", short(was.Setup.Tower), short(m.setup.Tower), m.setup.Tower != "")
		add("most tiles", strconv.Itoa(was.Setup.MostTiles), strconv.Itoa(m.setup.MostTiles), m.setup.Tower != "")
	}
	add("devices", cmp.Or(was.Setup.Devices, "CPU"), cmp.Or(m.setup.Devices, "CPU"), true)
	add("kernels", was.Setup.Kernels, m.setup.Kernels, false)
	if was.Setup.Threads != 0 {
		add("threads", strconv.Itoa(was.Setup.Threads), strconv.Itoa(m.setup.Threads), false)
	}
	return facts
}

// short is the beginning of a hash, enough to tell two apart.
func short(hash string) string { return hash[:min(len(hash), 12)] }

// aroundBytes is how much of a text is shown on either side of where it parted.
const aroundBytes = 40

// around is a text near byte at: whole characters.
func around(text string, at int) string {
	from, to := max(0, at-aroundBytes), min(len(text), at+aroundBytes)
	for from > 0 && !utf8.RuneStart(text[from]) {
		from--
	}
	for to < len(text) && !utf8.RuneStart(text[to]) {
		to++
	}
	return text[from:to]
}

// String is the record for people.
func (r replayRecord) String() string {
	var b strings.Builder
	compared := plural(r.Tokens, "token")
	if r.Cut {
		compared += ", as far as the recorded answer goes, which was stopped"
	}
	if r.Identical {
		fmt.Fprintf(&b, "identical: %s; %s, seed %d\n", compared, safetext.Line(r.Model), r.Seed)
	} else {
		fmt.Fprintf(&b, "parted at token %d, byte %d; %s, seed %d\n", r.Token, r.Byte, safetext.Line(r.Model), r.Seed)
		fmt.Fprintf(&b, "  recorded  %s\n  now       %s\n", quoted(r.Was), quoted(r.Is))
	}
	for _, f := range r.Facts {
		matters := ""
		if !f.Matters {
			matters = " (makes no difference to an answer)"
		}
		fmt.Fprintf(&b, "  %s: %s then, %s now%s\n", f.Name, safetext.Line(f.Was), safetext.Line(f.Is), matters)
	}
	if !r.Identical && len(r.Facts) == 0 {
		b.WriteString("  everything that is recorded is as it was then; a template that writes the date is not\n")
	}
	return b.String()
}

// quoted is a text on one line.
func quoted(text string) string {
	if text == "" {
		return "(nothing)"
	}
	return safetext.Line(strconv.Quote(text))
}
