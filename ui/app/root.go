package app

import (
	"context"
	"errors"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"scout/engine"
	"scout/sessions"
	"scout/themes"
	"scout/ui/drop"
	"scout/ui/markdown"
	"scout/ui/safetext"
	"scout/ui/talk"
)

// Sizes and times of the screen.
const (
	leastWidth, leastHeight = 40, 10
	// frame is the least time between two looks at a talk: thirty a second is more than
	// anyone reads.
	frame = 33 * time.Millisecond
	// Figures are looked at twice a second while something goes on, else rarely.
	busyTick, idleTick = 500 * time.Millisecond, 2 * time.Second
	// noticeTime is how long a notice stays.
	noticeTime = 8 * time.Second
	// twice is within which time a second ctrl+c, ctrl+d or esc counts as such.
	twice = 2 * time.Second
)

// root is the state of the app, and the one Bubble Tea model. Only Update changes it.
type root struct {
	config        Config
	actions       []action // with the person's keys
	ctx           context.Context
	cancel        context.CancelFunc
	now           func() time.Time
	width, height int
	theme         themes.Theme
	chosenTheme   bool // by name, so that the terminal's background does not matter
	styles        *styles
	markdown      *markdown.Renderer // nil: to be made
	look          *look
	transcript    transcript
	composer      composer
	layers        []layer
	chips         []chip            // files that go with the next message
	thumbs        map[string]sight  // by hash
	shelf         *shelf            // what the terminal holds
	large         []place           // of it, for the viewer
	unsaved       map[string][]byte // pictures that no store has, by hash
	terminal      terminal
	asking        *asking // the terminal is being asked for the clipboard
	asked         int     // how often it was
	torn          torn
	burst         drop.Burst
	keys          int       // that were typed
	busySince     time.Time // when the turn began that goes on
	editing       int       // the turn that the draft stands in the place of; 0: none

	opened  *opened // what shut closes
	store   *sessions.Store
	talk    *talk.Talk
	opening bool // a talk is being opened
	model   talk.Model
	ref     sessions.Model
	current string // the name that model was asked for by
	loading string // name of the model that is being loaded
	stop    context.CancelFunc
	since   time.Time     // when loading began
	undo    *settingMsg   // what the model is opened again for; nil: nothing
	expect  time.Duration // that it is to take, as expected; 0: unknown

	live            talk.Live
	queue           []string
	pulls           pulling
	figures         figures
	first           firstLook
	sampled         bool // the person chose a sampling setting
	title           string
	used, available int64 // bytes of memory
	notice          string
	noticeBad       bool
	noticeEnds      time.Time
	failed          string // the talk's last notice
	pressed         string // the key that is being taken
	armed, armedKey string // what was asked for once, and with which key
	armedEnds       time.Time
	found           []int // turns that the last /search found
	foundAt         int
	ending          bool
}

// opened is what has to be closed in the end, whatever happened to root.
type opened struct {
	mu    sync.Mutex
	talk  *talk.Talk
	model talk.Model
	store *sessions.Store
	pulls Pulls
	next  talk.Model // waits for a reply to end
	done  bool
}

func newRoot(c Config) *root {
	r := &root{config: c, actions: append(boundActions(c.Keys), settingActions(c.Settings, c.Keys)...), now: time.Now, opened: &opened{}, composer: newComposer(), thumbs: map[string]sight{}, shelf: &shelf{}, unsaved: map[string][]byte{}, opening: true}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.pulls.atOnce = c.SwapAtOnce
	r.look = &look{price: replyStats}
	r.look.thumb = func(hash string, width int) []string { return r.thumbs[hash].lines }
	r.look.renderer = r.renderer
	r.transcript = newTranscript(r.look)
	_ = r.detect() // nothing is drawn yet that would have to be drawn anew
	theme := c.Auto(true)
	if named, ok := themes.Named(c.Theme); ok && c.Theme != "" {
		theme, r.chosenTheme = named, true
	}
	r.wear(theme)
	if c.Problem != "" {
		r.complain(errors.New(c.Problem))
	}
	return r
}

// renderer draws the Markdown of replies.
func (r *root) renderer(width int) *markdown.Renderer {
	if r.markdown == nil || r.markdown.Width() != width {
		r.markdown = markdown.New(r.theme, width, !noColour(r.config.Environ))
	}
	return r.markdown
}

// wear takes a theme.
func (r *root) wear(t themes.Theme) {
	r.theme, r.markdown = t, nil
	s := newStyles(t)
	r.styles, r.look.styles = &s, &s
	r.composer.style(&s)
	r.transcript.restyle()
}

// Init begins: everything that waits is begun in the background.
func (r *root) Init() tea.Cmd {
	cmds := []tea.Cmd{r.openFirst(), r.tick(), r.readMemory(), tea.RequestBackgroundColor, r.askTerminal()}
	if r.config.Model != "" {
		cmds = append(cmds, r.load(r.config.Model))
	} else {
		cmds = append(cmds, r.lookAround())
	}
	if r.config.Theme != "" && !r.chosenTheme {
		cmds = append(cmds, r.findTheme(r.config.Theme))
	}
	return tea.Batch(cmds...)
}

// The messages of the app: what has happened.
type (
	talkOpenedMsg struct {
		talk  *talk.Talk
		store *sessions.Store
		err   error
	}
	talkChangedMsg struct {
		talk *talk.Talk
		open bool
	}
	tickMsg   struct{}
	memoryMsg struct{ used, available int64 }
	modelMsg  struct {
		name  string
		model talk.Model
		ref   sessions.Model
		err   error
	}
	modelSetMsg struct {
		name  string
		model talk.Model
		ref   sessions.Model
		err   error
	}
	// saidMsg is that something was done, or failed.
	saidMsg struct {
		text string
		err  error
	}
	themeMsg struct{ theme themes.Theme }
	listMsg  struct {
		list *list
		rows []choice
		err  error
	}
	sentMsg struct {
		text  string
		chips []chip
		more  []chip // that the text names
		err   error
	}
	endedMsg struct{}
)

// Update takes a message. It never waits.
func (r *root) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	busy := r.busy()
	cmd := r.update(msg)
	r.arrange()
	return r, tea.Batch(cmd, r.lookCloser(), r.turnEnded(busy))
}

func (r *root) update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		r.width, r.height = msg.Width, msg.Height
		r.composer.resize(max(8, r.width), r.height)
	case tea.BackgroundColorMsg:
		if !r.chosenTheme && msg.IsDark() != r.theme.Dark {
			r.wear(r.config.Auto(msg.IsDark()))
		}
	case tea.KeyPressMsg:
		return r.key(msg)
	case tea.PasteMsg:
		return r.paste(msg.Content)
	case tea.MouseClickMsg:
		return r.click(msg)
	case tea.MouseWheelMsg:
		return r.wheel(msg)
	case tickMsg:
		r.lapse()
		r.glance()
		r.noteRate()
		return tea.Batch(r.tick(), r.readMemory(), r.readHost(), r.swapIfDue())
	case memoryMsg:
		r.used, r.available = msg.used, msg.available
	case talkChangedMsg:
		if msg.talk != r.talk || !msg.open {
			return nil
		}
		r.glance()
		return r.wait(frame)
	case endedMsg:
		return tea.Quit
	case partingMsg:
		// What is sent is written with the next frame, the end at once.
		return tea.Sequence(r.takeDown(), tea.Tick(3*time.Second/60, func(time.Time) tea.Msg { return tea.Quit() }))
	default:
		if cmd, taken := r.answered(msg); taken {
			return cmd
		}
		return r.result(msg)
	}
	return nil
}

// result takes what a command has done.
func (r *root) result(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case talkOpenedMsg:
		return r.talkOpened(msg)
	case modelMsg:
		return r.modelLoaded(msg)
	case modelSetMsg:
		return r.modelSet(msg)
	case quantsMsg:
		return r.quantsFound(msg)
	case modelAgainMsg:
		if r.loading != "" || r.talk == nil { // another one was chosen meanwhile
			return r.letGo(msg.model)
		}
		return r.setModel(msg.name, msg.model, msg.ref)
	case lookMsg:
		r.first = msg.look
	case forecastMsg:
		if msg.err == nil && msg.name == r.current {
			r.figures.forecast, r.figures.known = msg.forecast, true
		}
	case hostMsg:
		r.figures.host = msg.host
	case settingMsg:
		return r.settingSet(msg)
	case pullsOpenedMsg:
		return r.pullsOpened(msg)
	case pullsMsg:
		return r.pullsChanged(msg)
	case chosenMsg:
		cmd, _ := r.choose(msg.entry)
		return cmd
	case saidMsg:
		if msg.err != nil {
			r.complain(msg.err)
		} else if msg.text != "" {
			r.say(msg.text)
		}
		r.refresh()
	case themeMsg:
		r.chosenTheme = true
		r.wear(msg.theme)
	case toWriteMsg:
		return r.runEditor(msg)
	case writtenMsg:
		r.written(msg)
		return r.redraw() // it had the terminal meanwhile
	case listMsg:
		if msg.err != nil {
			r.complain(msg.err)
		}
		msg.list.set(msg.rows)
		r.preferred(msg.list)
	case sentMsg:
		if msg.err != nil { // nothing was said: it goes back to where it was written
			r.complain(msg.err)
			if r.composer.empty() {
				r.composer.set(msg.text)
			}
			r.chips = append(msg.chips, r.chips...)
		}
		r.refresh()
		if msg.err == nil {
			return r.drawSent(append(msg.chips, msg.more...))
		}
	default:
		if cmd, ok := r.fileResult(msg); ok {
			return cmd
		}
		var cmd tea.Cmd
		r.composer.area, cmd = r.composer.area.Update(msg)
		return cmd
	}
	return nil
}

// glance takes the newest of a reply that is being written, cheaply if nothing else
// has changed.
func (r *root) glance() {
	if r.talk == nil {
		return
	}
	id, text := r.talk.LiveText()
	n := len(r.transcript.items)
	if id == 0 || n == 0 || r.transcript.items[n-1].turn.ID != id || !r.transcript.items[n-1].turn.Live {
		r.refresh()
		return
	}
	r.transcript.grow(id, text)
	r.live, r.queue = r.talk.Live(), r.talk.Queue()
}

// refresh takes the conversation as it is.
func (r *root) refresh() {
	if r.talk == nil {
		return
	}
	r.transcript.set(r.talk.Turns())
	r.live, r.queue, r.title = r.talk.Live(), r.talk.Queue(), r.talk.Title()
	if p, ok := r.talk.TakeBack(); ok {
		r.takeBack(p)
	}
	if notice := r.talk.Notice(); notice != r.failed {
		r.failed = notice
		if notice != "" {
			r.notice, r.noticeBad, r.noticeEnds = safetext.Line(r.advice(r.talk.Failure(), notice)), true, time.Time{}
		}
	}
}

// advice is what the person reads of a failure: what to do, where that is known.
func (r *root) advice(err error, notice string) string {
	var full *engine.ContextError
	if errors.As(err, &full) {
		return "Does not fit: " + countText(full.Need) + " tokens, and the context has " + countText(full.Have) +
			". Shorten it, or /new begins a conversation."
	}
	return notice
}

// takeBack gives the composer what was refused.
func (r *root) takeBack(p talk.Prompt) {
	if r.composer.empty() {
		r.composer.set(p.Text)
	} else {
		r.composer.remember(p.Text)
	}
	for _, f := range p.Files {
		r.chips = append(r.chips, chip{file: f})
	}
	r.editing = p.Edits
}

// busy is whether a reply is being written.
func (r *root) busy() bool { return r.talk != nil && r.live.Phase != talk.Idle && r.model != nil }

// say shows a notice for a while.
func (r *root) say(text string) {
	r.notice, r.noticeBad, r.noticeEnds = safetext.Line(text), false, r.now().Add(noticeTime)
}

// problemStands is whether what the person was to be told at the beginning is still
// there to be read.
func (r *root) problemStands() bool {
	return r.config.Problem != "" && r.noticeBad && r.notice == safetext.Line(r.config.Problem)
}

// complain shows an error until something else is shown.
func (r *root) complain(err error) {
	r.notice, r.noticeBad, r.noticeEnds = safetext.Line(err.Error()), true, time.Time{}
}

// lapse lets go of what has had its time.
func (r *root) lapse() {
	now := r.now()
	if !r.noticeEnds.IsZero() && now.After(r.noticeEnds) {
		r.notice, r.noticeEnds = "", time.Time{}
	}
	if r.armed != "" && now.After(r.armedEnds) {
		r.armed = ""
	}
}

// again is whether something is asked for the second time in short order, with the
// same key. The first time it is noted.
func (r *root) again(what string) bool {
	now := r.now()
	if r.armed == what && !now.After(r.armedEnds) {
		r.armed = ""
		return true
	}
	r.armed, r.armedKey, r.armedEnds = what, r.pressed, now.Add(twice)
	return false
}

// open lays something over the chat.
func (r *root) open(l layer) { r.layers = append(r.layers, l) }

// key takes a key.
func (r *root) key(k tea.KeyPressMsg) tea.Cmd {
	if r.ending {
		return nil
	}
	if cmd, taken := r.mend(k); taken {
		return cmd
	}
	if n := len(r.layers); n > 0 {
		top := r.layers[n-1]
		cmd, done := top.key(r, k)
		if done {
			for i, l := range r.layers {
				if l == top {
					r.layers = append(r.layers[:i], r.layers[i+1:]...)
					break
				}
			}
		}
		return cmd
	}
	name := k.String()
	if r.pressed = name; r.armedKey != name {
		r.armed = ""
	}
	if a := r.actionOfKey(name); a != nil {
		r.burst.Reset()
		return a.run(r, "")
	}
	burst, taken := r.burstKey(name, k)
	if taken {
		return burst
	}
	return tea.Batch(r.write(name, k), burst)
}

// write is the keys of the composer.
func (r *root) write(name string, k tea.KeyPressMsg) tea.Cmd {
	switch {
	case name == "enter":
		return r.enter()
	case name == "up" && r.composer.older(), name == "down" && r.composer.newer():
		return nil
	case name == "?" && r.composer.empty():
		return showHelp(r, "")
	case name == "tab":
		return r.complete()
	case name == "backspace" && r.composer.empty() && len(r.chips) > 0:
		r.chips = r.chips[:len(r.chips)-1]
		return nil
	}
	var cmd tea.Cmd
	r.composer.area, cmd = r.composer.area.Update(k)
	return cmd
}

// wheel scrolls what is on top.
func (r *root) wheel(m tea.MouseWheelMsg) tea.Cmd {
	by, name := 3, tea.KeyDown
	if m.Button == tea.MouseWheelUp {
		by, name = -3, tea.KeyUp
	}
	if n := len(r.layers); n > 0 {
		cmd, _ := r.layers[n-1].key(r, tea.KeyPressMsg{Code: name})
		return cmd
	}
	r.transcript.scroll(by)
	return nil
}

// tick is the next look at the figures.
func (r *root) tick() tea.Cmd {
	wait := idleTick
	if r.busy() || r.loading != "" || r.opening || r.notice != "" || r.armed != "" {
		wait = busyTick
	}
	return tea.Tick(wait, func(time.Time) tea.Msg { return tickMsg{} })
}

func (r *root) readMemory() tea.Cmd {
	read := r.config.Memory
	if read == nil {
		return nil
	}
	return func() tea.Msg {
		used, available, err := read()
		if err != nil {
			return nil // a figure less is shown
		}
		return memoryMsg{used, available}
	}
}
