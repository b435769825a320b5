package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"

	"scout/sessions"
	"scout/ui/safetext"
)

// sessionsDir is where conversations are kept, unless a flag says otherwise:
// with the person's data, wherever the system has it.
func sessionsDir() string { return filepath.Join(xdg.DataHome, "scout", "sessions") }

// sessionsCommand is "scout sessions": saved conversations.
func (a *App) sessionsCommand() *cobra.Command {
	s := &sessionsApp{App: a}
	cmd := &cobra.Command{
		Use:   "sessions",
		Short: "List, read, search, export and remove saved conversations",
		Long: "Saved conversations. SESSION is an id, enough of its beginning or end to tell it from the others, a whole title, " +
			"or last for the one that changed last. What is removed can be restored until it is removed --forever.",
		Example: "scout sessions ls\nscout sessions grep sink oven\nscout sessions show last\nscout sessions export last --format md -o kitchen.md",
		Args:    cobra.ArbitraryArgs,
		RunE: a.keep(func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageErrorf("unknown command %q of sessions: 'scout sessions --help' lists them", args[0])
			}
			return cmd.Help()
		}),
	}
	cmd.PersistentFlags().StringVar(&s.dir, "dir", "", "folder of the conversations (default: with your data, "+filepath.Join("scout", "sessions")+")")
	cmd.AddCommand(s.lsCommand(), s.showCommand(), s.grepCommand(), s.exportCommand(), s.importCommand(), s.rmCommand(), s.restoreCommand())
	return cmd
}

// sessionsApp is the commands of saved conversations.
type sessionsApp struct {
	*App
	dir string
}

// with opens the store, does work and closes it.
func (s *sessionsApp) with(work func(st *sessions.Store) error) error {
	st, err := sessions.Open(cmp.Or(s.dir, s.sessionsDir))
	if err != nil {
		return err
	}
	defer st.Close()
	return work(st)
}

// find is the id that goes by name.
func (s *sessionsApp) find(st *sessions.Store, name string) (string, error) {
	if name == "last" {
		all, err := st.List()
		if err != nil {
			return "", err
		}
		var last sessions.Summary
		for _, x := range all {
			if x.Deleted.IsZero() && x.Messages > 0 && x.Updated.After(last.Updated) {
				last = x
			}
		}
		if last.ID == "" {
			return "", fmt.Errorf("there are no sessions yet")
		}
		return last.ID, nil
	}
	id, err := st.Find(name)
	if errors.Is(err, sessions.ErrNotFound) {
		return "", fmt.Errorf("no session goes by %q: 'scout sessions ls' lists them", name)
	}
	return id, err
}

// read is the session that goes by name. What is wrong with it is told.
func (s *sessionsApp) read(st *sessions.Store, name string) (*sessions.Conversation, error) {
	id, err := s.find(st, name)
	if err != nil {
		return nil, err
	}
	c, err := st.Read(id)
	if err != nil {
		return nil, err
	}
	for _, d := range c.Damage {
		s.note("session %s is damaged %s", id, safetext.Line(d.String()))
	}
	if c.Newer {
		s.note("session %s was written by a newer version: parts of it may be missing here", id)
	}
	return c, nil
}

func (s *sessionsApp) lsCommand() *cobra.Command {
	var asJSON, deleted bool
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List saved conversations",
		Long:  "Lists saved conversations: pinned ones (*) first, then what changed last.",
		Args:  cobra.ArbitraryArgs,
		RunE: s.keep(func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageErrorf("ls takes no arguments, got %d: to search, use 'scout sessions grep'", len(args))
			}
			return s.with(func(st *sessions.Store) error { return s.list(st, deleted, asJSON) })
		}),
	}
	cmd.Flags().BoolVar(&deleted, "deleted", false, "list those that were removed and can be restored, and only those")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write a JSON array")
	return cmd
}

// list writes the sessions that are, or are not, deleted.
func (s *sessionsApp) list(st *sessions.Store, deleted, asJSON bool) error {
	all, err := st.List()
	if err != nil {
		return err
	}
	shown := []sessions.Summary{}
	for _, x := range all {
		for _, d := range x.Damage {
			s.note("session %s is damaged %s", x.ID, safetext.Line(d))
		}
		if x.Deleted.IsZero() != deleted && (x.Messages > 0 || len(x.Damage) > 0) {
			shown = append(shown, x)
		}
	}
	if asJSON {
		return s.writeJSON(shown)
	}
	if len(shown) == 0 {
		if s.OutTerminal {
			s.note("no conversations here yet")
		}
		return nil
	}
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "id\tchanged\tmessages\tmodel\ttitle\n")
	for _, x := range shown {
		pin := ""
		if x.Pinned {
			pin = "* "
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s%s\n", x.ID, localTime(x.Updated), x.Messages,
			safetext.Line(cmp.Or(x.Model, "-")), pin, safetext.Line(cmp.Or(x.Title, "(untitled)")))
	}
	table.Flush() // into memory: it cannot fail
	if err := s.printf("%s", b.String()); err != nil {
		return err
	}
	if s.ErrTerminal && !deleted {
		s.note("'scout sessions show ID' reads one; 'scout replay ID TURN' makes an answer of it again and compares")
	}
	return nil
}

func localTime(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }

func (s *sessionsApp) showCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show SESSION",
		Short: "Write out a conversation",
		Long:  "Writes the branch of a conversation that was shown last, with the number of each message and, for answers, what it takes to get them again: see 'scout replay'.",
		Args:  cobra.ArbitraryArgs,
		RunE: s.keep(func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageErrorf("show takes one session, got %d arguments", len(args))
			}
			return s.with(func(st *sessions.Store) error {
				c, err := s.read(st, args[0])
				if err != nil {
					return err
				}
				if asJSON {
					return s.writeJSON(newConversationRecord(c))
				}
				if err := s.writeText(transcript(c)); err != nil {
					return err
				}
				s.hintReplay(c)
				return nil
			})
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write one JSON object, with all branches")
	return cmd
}

// hintReplay tells a person at the terminal how to make an answer again.
func (s *sessionsApp) hintReplay(c *sessions.Conversation) {
	if m, err := answerNamed(c, "last"); err == nil && m.Reply != nil && m.Reply.Engine != "" && s.ErrTerminal {
		s.note("'scout replay %s %d' makes answer [%d] again and compares", c.ID, m.ID, m.ID)
	}
}

// conversationRecord is a conversation, as JSON.
type conversationRecord struct {
	ID       string             `json:"id"`
	Title    string             `json:"title"`
	Created  time.Time          `json:"created"`
	Updated  time.Time          `json:"updated"`
	Origin   *sessions.Origin   `json:"origin,omitempty"`
	Pinned   bool               `json:"pinned"`
	Deleted  bool               `json:"deleted"`
	Head     int                `json:"head"`
	Messages []sessions.Message `json:"messages"`
	Damage   []string           `json:"damage"`
}

func newConversationRecord(c *sessions.Conversation) conversationRecord {
	r := conversationRecord{
		ID: c.ID, Title: c.Title, Created: c.Created, Updated: c.Updated, Origin: c.Origin, Pinned: c.Pinned,
		Deleted: !c.Deleted.IsZero(), Head: c.Head, Messages: append([]sessions.Message{}, c.Messages...), Damage: []string{},
	}
	for _, d := range c.Damage {
		r.Damage = append(r.Damage, d.String())
	}
	return r
}

// transcript is the shown branch of a conversation as text.
func transcript(c *sessions.Conversation) string {
	var b strings.Builder
	shown := c.Shown()
	fmt.Fprintf(&b, "%s\n%s, %s, begun %s\n", safetext.Line(cmp.Or(c.Title, "(untitled)")), c.ID, plural(len(shown), "message"), localTime(c.Created))
	for _, m := range shown {
		fmt.Fprintf(&b, "\n[%d] %s\n", m.ID, strings.Join(headline(c, m), ", "))
		for _, a := range m.Attachments {
			fmt.Fprintf(&b, "(attached: %s, %s, %s)\n", safetext.Line(a.Name), safetext.Line(a.Type), formatBytes(a.Size))
		}
		if text := strings.Trim(m.Text, "\n"); text != "" {
			fmt.Fprintf(&b, "%s\n", text)
		}
	}
	return b.String()
}

// headline is who speaks in a message, and what is to be known of it.
func headline(c *sessions.Conversation, m sessions.Message) []string {
	var facts []string
	switch r := m.Reply; {
	case m.Role == sessions.User:
		facts = append(facts, "you")
	case m.Role == "":
		facts = append(facts, "lost")
	case r != nil:
		facts = append(facts, safetext.Line(cmp.Or(strings.TrimSpace(r.Model.Name+" "+r.Model.Quant), "assistant")))
		facts = append(facts, fmt.Sprintf("seed %d", r.Sampling.Seed))
		if r.Stats.Generated > 0 {
			facts = append(facts, plural(r.Stats.Generated, "token"))
		}
	default:
		facts = append(facts, safetext.Line(string(m.Role)))
	}
	if m.Unfinished {
		facts = append(facts, "interrupted")
	}
	if m.Damaged {
		facts = append(facts, "damaged")
	}
	if n := len(c.Children(m.Parent)) - 1; n > 0 {
		facts = append(facts, plural(n, "other version"))
	}
	return facts
}

func (s *sessionsApp) grepCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "grep WORDS...",
		Short: "Search all conversations",
		Long: "Finds the messages and titles that have all the words, in any case of letters. An argument of several words is searched for as it is. " +
			"The exit code is 1 if nothing is found.",
		Example: "scout sessions grep sink oven\nscout sessions grep \"under the window\"",
		Args:    cobra.ArbitraryArgs,
		RunE: s.keep(func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(strings.Join(args, "")) == "" {
				return usageErrorf("grep takes one word or more, got none")
			}
			return s.with(func(st *sessions.Store) error { return s.grep(cmd, st, searchText(args), asJSON) })
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write a JSON object a line")
	return cmd
}

// searchText is arguments as sessions.Store.Search takes them.
func searchText(args []string) string {
	var words []string
	for _, arg := range args {
		if len(strings.Fields(arg)) > 1 && !strings.Contains(arg, `"`) {
			arg = `"` + arg + `"`
		}
		words = append(words, arg)
	}
	return strings.Join(words, " ")
}

// hitRecord is a hit, as JSON. Message is 0 for a title.
type hitRecord struct {
	Session string `json:"session"`
	Title   string `json:"title"`
	Message int    `json:"message"`
	Line    string `json:"line"`
}

// grep writes what is found as it is found.
func (s *sessionsApp) grep(cmd *cobra.Command, st *sessions.Store, text string, asJSON bool) error {
	ctx, stop := s.interruptible(cmd.Context())
	defer stop()
	found := 0
	for h, err := range st.Search(ctx, text) {
		if err != nil {
			if orInterrupted(ctx, err) == errInterrupted {
				return errInterrupted
			}
			s.note("%s", safetext.Line(err.Error())) // the others can still be searched
			continue
		}
		found++
		if asJSON {
			err = s.writeJSON(hitRecord{h.Session.ID, h.Session.Title, h.Message.ID, h.Line})
		} else {
			err = s.printf("%s [%d] %s\n", h.Session.ID, h.Message.ID, safetext.Line(h.Line))
		}
		if err != nil {
			return err
		}
	}
	if found == 0 {
		return fmt.Errorf("no conversation has %s", text)
	}
	return nil
}

func (s *sessionsApp) exportCommand() *cobra.Command {
	var format, out string
	cmd := &cobra.Command{
		Use:   "export SESSION",
		Short: "Write a conversation as Markdown or JSON",
		Long: "Writes a conversation to standard output or a file. Markdown (md) is the branch that was shown last, for reading; JSON is " +
			"everything with all attachments, for 'scout sessions import'.",
		Args: cobra.ArbitraryArgs,
		RunE: s.keep(func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageErrorf("export takes one session, got %d arguments", len(args))
			}
			if format != "md" && format != "json" {
				return usageErrorf("--format is %q, want md or json", format)
			}
			return s.with(func(st *sessions.Store) error { return s.export(st, args[0], format, out) })
		}),
	}
	cmd.Flags().StringVar(&format, "format", "md", "md or json")
	cmd.Flags().StringVarP(&out, "output", "o", "", "file to write (default: standard output)")
	return cmd
}

// export writes a session to the file out, or to standard output.
func (s *sessionsApp) export(st *sessions.Store, name, format, out string) error {
	c, err := s.read(st, name)
	if err != nil {
		return err
	}
	write := func(w io.Writer) error {
		if format == "md" {
			return sessions.ExportMarkdown(w, c)
		}
		missing, err := st.ExportJSON(w, c)
		for _, m := range missing {
			s.note("the attachment %s cannot be read and is left out", safetext.Line(m))
		}
		return err
	}
	if out != "" {
		file, err := createOut(out)
		if err != nil {
			return err
		}
		return file.finish(write(file))
	}
	if !s.OutTerminal {
		return outputError(write(s.Out))
	}
	var b strings.Builder
	if err := write(&b); err != nil {
		return err
	}
	if format == "json" {
		return s.printf("%s", safetext.JSON([]byte(b.String())))
	}
	return s.writeText(b.String())
}

func (s *sessionsApp) importCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE|-",
		Short: "Take in an exported conversation",
		Long: `Makes a session of an exported one (JSON), or of a list of {"role": ..., "content": ...} as other programs write it, ` +
			"and writes the id that it got.",
		Args: cobra.ArbitraryArgs,
		RunE: s.keep(func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageErrorf("import takes one file, or - for standard input, got %d arguments", len(args))
			}
			return s.with(func(st *sessions.Store) error { return s.importFrom(st, args[0]) })
		}),
	}
}

// importFrom takes in one file.
func (s *sessionsApp) importFrom(st *sessions.Store, name string) error {
	in := s.In
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	id, err := unlessInterrupted(s.App, func() (string, error) { return st.Import(in) })
	if err != nil {
		return err
	}
	return s.printf("%s\n", id)
}

func (s *sessionsApp) rmCommand() *cobra.Command {
	var forever bool
	cmd := &cobra.Command{
		Use:   "rm SESSION...",
		Short: "Remove conversations",
		Long:  "Removes conversations from the list. 'scout sessions restore' brings them back, unless they are removed --forever.",
		Args:  cobra.ArbitraryArgs,
		RunE: s.keep(func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageErrorf("rm takes one session or more, got none")
			}
			return s.with(func(st *sessions.Store) error {
				if forever {
					return s.removeForever(st, args)
				}
				return s.setDeleted(st, args, true)
			})
		}),
	}
	cmd.Flags().BoolVar(&forever, "forever", false, "remove their files too, and attachments that nothing else refers to")
	return cmd
}

func (s *sessionsApp) restoreCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "restore SESSION...",
		Short: "Bring removed conversations back",
		Long:  "Brings conversations back that were removed; 'scout sessions ls --deleted' lists them.",
		Args:  cobra.ArbitraryArgs,
		RunE: s.keep(func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageErrorf("restore takes one session or more, got none")
			}
			return s.with(func(st *sessions.Store) error { return s.setDeleted(st, args, false) })
		}),
	}
}

// setDeleted marks sessions as deleted, or takes that back. All names are
// looked up first, so that a wrong one changes nothing.
func (s *sessionsApp) setDeleted(st *sessions.Store, names []string, deleted bool) error {
	ids, err := s.findAll(st, names)
	if err != nil {
		return err
	}
	for _, id := range ids {
		session, err := st.Open(id)
		if err != nil {
			return err
		}
		if err := errors.Join(session.Delete(deleted), session.Close()); err != nil {
			return err
		}
		if deleted && s.ErrTerminal {
			s.note("removed %s; 'scout sessions restore %s' brings it back", id, id)
		}
	}
	return nil
}

func (s *sessionsApp) findAll(st *sessions.Store, names []string) ([]string, error) {
	var ids []string
	for _, name := range names {
		id, err := s.find(st, name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// removeForever removes sessions with their files.
func (s *sessionsApp) removeForever(st *sessions.Store, names []string) error {
	ids, err := s.findAll(st, names)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := st.Remove(id); err != nil {
			return err
		}
	}
	_, err = st.Collect()
	if err != nil {
		s.note("%s", safetext.Line(err.Error())) // the sessions are gone all the same
	}
	return nil
}
