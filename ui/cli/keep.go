package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"scout/engine"
	"scout/sessions"
	"scout/ui/safetext"
)

// keepFlags is what "scout run" can be told about saved conversations.
type keepFlags struct {
	session  string // to go on with
	goOn     bool   // with the last one
	doNot    bool
	folder   string
	explicit bool // some conversation is to be gone on with
}

func (f *keepFlags) register(flags *pflag.FlagSet) {
	flags.BoolVarP(&f.goOn, "continue", "c", false, "go on with the conversation that changed last")
	flags.StringVar(&f.session, "session", "", "go on with this saved conversation: its id, the beginning or end of it, or its title ('scout sessions ls')")
	flags.BoolVar(&f.doNot, "no-save", false, "do not save the chat")
	flags.StringVar(&f.folder, "sessions-dir", "", "folder of the saved conversations (default: with your data)")
}

func (f *keepFlags) check(system string) error {
	f.explicit = f.goOn || f.session != ""
	switch {
	case f.goOn && f.session != "":
		return usageErrorf("--continue and --session exclude each other")
	case f.explicit && f.doNot:
		return usageErrorf("--no-save goes with a new conversation: one that is gone on with is saved")
	case f.explicit && system != "":
		return usageErrorf("--system goes with a new conversation: one that is gone on with has its own")
	}
	if f.goOn {
		f.session = "last"
	}
	return nil
}

// keeper writes a conversation down as it happens. A disk that fails does not end
// a chat: that is said once, and the session tries again with whatever comes next.
// A keeper without a store keeps nothing.
type keeper struct {
	app     *App
	store   *sessions.Store
	session *sessions.Session // nil before the first message
	head    int               // the message that the next one follows
	system  string
	reply   sessions.Reply // what is known of every answer
	told    bool           // that saving failed
}

// openKeeper opens the saved conversations, if any are wanted: chat is whether this
// is one. history is what has been said in the one to go on with.
func (a *App) openKeeper(f *keepFlags, chat bool, system string) (k *keeper, history []engine.Message, err error) {
	k = &keeper{app: a, system: system}
	if f.doNot || !chat && !f.explicit {
		return k, nil, nil
	}
	dir := cmp.Or(f.folder, a.sessionsDir)
	k.store, err = sessions.Open(dir)
	switch {
	case err != nil && f.explicit:
		return nil, nil, err
	case err != nil:
		k.trouble(err)
		return k, nil, nil
	case !f.explicit:
		return k, nil, nil
	}
	if history, err = k.takeUp(f.session); err != nil {
		k.store.Close()
		return nil, nil, err
	}
	return k, history, nil
}

// takeUp opens the session that goes by name and gives what is shown of it.
func (k *keeper) takeUp(name string) ([]engine.Message, error) {
	s := sessionsApp{App: k.app}
	id, err := s.find(k.store, name)
	if err != nil {
		return nil, err
	}
	if k.session, err = k.store.Open(id); err != nil {
		return nil, err
	}
	c := k.session.Conversation()
	for _, d := range c.Damage {
		k.app.note("session %s is damaged %s", id, safetext.Line(d.String()))
	}
	var history []engine.Message
	for _, m := range c.Shown() {
		message, err := k.message(m)
		if err != nil {
			return nil, fmt.Errorf("going on with %s: %w", id, err)
		}
		history = append(history, message)
	}
	k.head = c.Head
	if first := instructions(history); first != nil {
		k.system = first[0].Content
	}
	if k.app.ErrTerminal {
		k.app.note("going on with %s, %s", safetext.Line(cmp.Or(c.Title, id)), plural(len(history), "message"))
	}
	return history, nil
}

// message is a saved message as the engine takes it.
func (k *keeper) message(m sessions.Message) (engine.Message, error) {
	if m.Role != sessions.User {
		return engine.Message{Role: engine.Role(m.Role), Content: m.Text}, nil
	}
	var images []*engine.Image
	for _, a := range m.Attachments {
		data, err := k.store.Attachment(a.Hash)
		if err != nil {
			return engine.Message{}, err
		}
		image, err := engine.NewImage(a.Name, data)
		if err != nil {
			return engine.Message{}, err
		}
		images = append(images, image)
	}
	return userMessage(m.Text, images), nil
}

// asked keeps a question before it is answered, and is the keeper's state of before.
func (k *keeper) asked(text string, images []*engine.Image) (before int) {
	if k.store == nil {
		return 0
	}
	k.begin()
	before = k.head
	m := sessions.Message{Role: sessions.User, Text: text}
	for _, image := range images {
		format, _ := engine.SniffImage(image.Data)
		a, err := k.store.Attach(image.Name, "image/"+strings.ToLower(format), bytes.NewReader(image.Data))
		k.trouble(err)
		m.Attachments = append(m.Attachments, a)
	}
	k.append(m)
	return before
}

// begin begins a session at its first message.
func (k *keeper) begin() {
	if k.session != nil {
		return
	}
	k.session, k.head = k.store.New(nil), 0
	if k.system != "" {
		k.append(sessions.Message{Role: sessions.System, Text: k.system})
	}
}

func (k *keeper) append(m sessions.Message) {
	kept, err := k.session.Append(k.head, m)
	k.trouble(err)
	if kept.ID != 0 {
		k.head = kept.ID
	}
}

// back makes the conversation go on where it was before a question that had no
// answer. The question stays in the session, on a branch of its own.
func (k *keeper) back(before int) {
	if k.store == nil || k.session == nil {
		return
	}
	k.head = before
	k.trouble(k.session.Go(before))
}

// renew begins a new session with the next message.
func (k *keeper) renew() {
	if k.session != nil {
		k.trouble(k.session.Close())
		k.session = nil
	}
}

// trouble says that saving failed, once.
func (k *keeper) trouble(err error) {
	if err == nil || k.told {
		return
	}
	k.told = true
	k.app.note("this conversation is not saved: %s; the chat goes on, and saving is tried again", safetext.Line(err.Error()))
}

// close saves what is not saved yet.
func (k *keeper) close() {
	if k.store == nil {
		return
	}
	if s := k.session; s != nil {
		if err := s.Close(); err != nil {
			k.app.note("the end of this conversation is not saved: %s", safetext.Line(err.Error()))
		} else if k.app.ErrTerminal && k.head != 0 {
			k.app.note("saved: --session %s goes on with it", s.ID())
		}
	}
	k.store.Close() // nothing is left to write
}

// knows notes what answers, for what is kept of every answer.
func (k *keeper) knows(m model, s engine.Sampling) {
	info := m.Info()
	k.reply = sessions.Reply{
		Model:     sessions.Model{Name: info.Name, Quant: MainType(info), Path: info.Path},
		Sampling:  keptSampling(s),
		Placement: []sessions.Place{{Device: "CPU", Holds: "everything", Bytes: m.Memory().Weights}},
		Engine:    "scout " + k.app.version,
	}
	if path, err := filepath.Abs(info.Path); err == nil && info.Path != demoName && info.Path != "" {
		k.reply.Model.Path = path // for a replay from another folder
	}
	if k.store == nil {
		return
	}
	if known, ok := m.(setUp); ok {
		if s, err := known.Setup(); err == nil { // what cannot be told is not recorded
			k.reply.Model.Hash, k.reply.Setup = s.Identity, keptSetup(s, m.Threads())
		}
	}
}

// setUp is a model that knows how it was opened.
type setUp interface{ Setup() (engine.Setup, error) }

func keptSetup(s engine.Setup, threads int) sessions.Setup {
	return sessions.Setup{KV: s.KV, Kernels: s.Kernels, Devices: s.Devices, Threads: threads, Tower: s.Tower, MostTiles: s.MostTiles}
}

// MainType is the type that most of a model's bytes have, empty if it has none.
func MainType(info engine.Info) string {
	if len(info.Types) == 0 {
		return ""
	}
	return slices.MaxFunc(info.Types, func(a, b engine.TypeShare) int { return cmp.Compare(a.Bytes, b.Bytes) }).Type
}

func keptSampling(s engine.Sampling) sessions.Sampling {
	return sessions.Sampling{
		Temperature: s.Temperature, TopP: s.TopP, TopK: s.TopK, MinP: s.MinP, RepeatPenalty: s.RepeatPenalty,
		PresencePenalty: s.PresencePenalty, FrequencyPenalty: s.FrequencyPenalty, PenaltyWindow: s.PenaltyWindow,
		Seed: s.Seed, MaxTokens: s.MaxTokens, Stop: s.Stop,
	}
}

// answers is a reporter that also keeps what it reports.
func (k *keeper) answers(r reporter) reporter {
	if k.store == nil {
		return r
	}
	return &keepingReporter{reporter: r, keeper: k}
}

// keepingReporter writes an answer down before it is shown.
type keepingReporter struct {
	reporter
	keeper *keeper
	stream *sessions.Stream // nil before the first text
	stats  engine.Stats
}

func (r *keepingReporter) delta(d engine.Delta) error {
	r.stats = d.Stats
	if d.Text != "" && r.stream == nil {
		var err error
		r.stream, err = r.keeper.session.Begin(r.keeper.head, r.keeper.reply)
		r.keeper.trouble(err)
	}
	if d.Text != "" && r.stream != nil {
		r.keeper.trouble(r.stream.Write(d.Text))
	}
	return r.reporter.delta(d)
}

func (r *keepingReporter) end(a answer) error {
	r.finish(string(a.Reason))
	return r.reporter.end(a)
}

func (r *keepingReporter) fail(err error) error {
	r.finish("error")
	return r.reporter.fail(err)
}

// finish ends what is kept of the answer.
func (r *keepingReporter) finish(reason string) {
	if r.stream == nil {
		return
	}
	reply := r.keeper.reply
	reply.Reason = reason
	reply.Stats = sessions.Stats{
		PromptTokens: r.stats.PromptTokens, Reused: r.stats.Reused, Generated: r.stats.Generated,
		Prefill: r.stats.Prefill, Decode: r.stats.Decode, Context: r.stats.Context,
	}
	kept, err := r.stream.End(reply)
	r.keeper.trouble(err)
	if kept.ID != 0 {
		r.keeper.head = kept.ID
	}
}

// hasImages says whether there is a picture in a conversation.
func hasImages(conversation []engine.Message) bool {
	return slices.ContainsFunc(conversation, func(m engine.Message) bool { return len(m.Images()) > 0 })
}
