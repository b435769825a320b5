package app

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"scout/ui/safetext"
)

// Setting is something the person can set beside what is said, and finds again the
// next time. Each has a command of its name.
type Setting struct {
	Name string // of the command, without its slash
	What string // what it is, in a few words
	// Get is its value now, in words. It waits for nothing.
	Get func() string
	// Values lists what it can be. Nil: any text, which Set judges.
	Values func() []Value
	// Set sets and keeps it, in the background. Its error says what is wanted.
	Set func(value string) error
	// Apply changes the app accordingly, once Set has succeeded. Nil: nothing.
	Apply func(*Config)

	Reopens   bool // the model is opened again with it
	Samples   bool // replies are chosen otherwise: Config.SamplingFor says how
	Instructs bool // the system prompt is another one: Config.System is it, after Apply
	NextStart bool // it counts from the next start on
}

// Value is something that a setting can be.
type Value struct{ Name, Note string }

// settingGroup is the heading of the settings' commands in the help.
const settingGroup = "Settings, which are kept"

// settingActions is the commands of settings, with the keys that the person gave them.
func settingActions(all []Setting, keys map[string][]string) []action {
	var actions []action
	for _, s := range all {
		actions = append(actions, action{name: "/" + s.Name, args: "[VALUE]", keys: keys[s.Name], what: s.What, group: settingGroup,
			run: func(r *root, arg string) tea.Cmd { return r.adjust(s, arg) }})
	}
	if len(all) > 0 {
		actions = append(actions, action{name: "/settings", aliases: []string{"/config"}, args: "[KEY VALUE]", keys: keys["settings"],
			what: "all settings; keys.NAME, presets.NAME.FIELD and prompts.NAME too", group: settingGroup, run: showSettings})
	}
	return actions
}

// adjust sets a setting, or lets the person choose.
func (r *root) adjust(s Setting, arg string) tea.Cmd {
	switch {
	case arg != "":
		return r.setSetting(s, arg)
	case s.Values == nil:
		r.open(&question{title: s.Name + ": " + s.What, text: safetext.Line(s.Get()), answer: func(r *root, text string) tea.Cmd {
			return r.setSetting(s, text)
		}})
		return nil
	}
	l := &list{title: s.Name, hint: "enter choose  esc leave it", empty: "there is nothing to choose"}
	l.pick = func(r *root, c choice) tea.Cmd { return r.setSetting(s, c.value.(string)) }
	if s.Reopens {
		l.foot = func(st *styles, width int) []string {
			lines := []string{st.border.Render(strings.Repeat("─", width))}
			for _, line := range wrap(r.reopenText(), width-2) {
				lines = append(lines, " "+st.muted.Render(line))
			}
			return lines
		}
	}
	var rows []choice
	now := s.Get()
	for i, v := range s.Values() {
		row := choice{name: safetext.Line(v.Name), note: safetext.Line(v.Note), value: v.Name}
		if v.Name == "" {
			row.name = "none"
		}
		if v.Name == now {
			row.right, l.at = "now", i
		}
		rows = append(rows, row)
	}
	l.set(rows)
	r.open(l)
	return nil
}

// reopenText is what it costs to open the model again.
func (r *root) reopenText() string {
	text := "The model is opened again with it"
	if r.model == nil {
		return "The next model is opened with it."
	}
	if n := r.live.ContextUsed; n > 0 {
		text += "; " + againText(n)
	}
	return text + "."
}

// settingMsg is that a setting was set, or could not be.
type settingMsg struct {
	setting Setting
	before  string
	err     error
}

func (r *root) setSetting(s Setting, value string) tea.Cmd {
	before := s.Get()
	if s.Values != nil && value == "none" && !slices.Contains(s.Values(), Value{Name: "none"}) {
		value = ""
	}
	return func() tea.Msg { return settingMsg{s, before, s.Set(value)} }
}

// settingSet has a setting take effect.
func (r *root) settingSet(msg settingMsg) tea.Cmd {
	s := msg.setting
	if msg.err != nil {
		r.complain(msg.err)
		return nil
	}
	if s.Apply != nil {
		s.Apply(&r.config)
	}
	now := s.Get()
	if now == "" {
		now = "none"
	}
	said := s.Name + " is " + now
	switch {
	case s.Reopens && r.model != nil && now != msg.before:
		cmd := r.load(r.current)
		r.undo = &msg
		r.say(said + ". " + r.reopenText())
		return cmd
	case s.Reopens:
		r.say(said + ".")
	case s.Samples && r.talk != nil:
		if r.config.SamplingFor != nil {
			r.talk.SetSampling(r.config.SamplingFor(r.ref))
		}
		r.sampled = false
		r.say(said + " from the next reply on.")
	case s.Instructs && r.talk != nil:
		r.talk.SetSystem(r.config.System)
		r.say(said + " from the next message on.")
	case s.NextStart:
		r.say(said + " from the next start on.")
	default:
		if !r.chosenTheme { // which may be another one now
			r.wear(r.config.Auto(r.theme.Dark))
		}
		r.say(said + ".")
	}
	return nil
}

// undoSetting sets back what the model could not be opened with.
func (r *root) undoSetting() tea.Cmd {
	if r.undo == nil {
		return nil
	}
	s, before := r.undo.setting, r.undo.before
	r.undo = nil
	return func() tea.Msg {
		if err := s.Set(before); err != nil {
			return saidMsg{err: fmt.Errorf("%s could not be set back: %w", s.Name, err)}
		}
		return nil
	}
}

// showSettings lists the settings, or sets the one of a key.
func showSettings(r *root, arg string) tea.Cmd {
	if key, value, ok := strings.Cut(arg, " "); arg != "" {
		return r.setByKey(key, strings.TrimSpace(value), ok)
	}
	l := &list{title: "Settings", hint: "enter change  esc close"}
	var rows []choice
	for _, s := range r.config.Settings {
		now := safetext.Line(s.Get())
		rows = append(rows, choice{name: s.Name, note: s.What, value: s, line: func(width int) string {
			return sides(fit(s.Name, 15)+" "+s.What, cut(now, max(8, width/4)), width)
		}})
	}
	l.set(rows)
	l.pick = func(r *root, c choice) tea.Cmd { return r.adjust(c.value.(Setting), "") }
	r.open(l)
	return nil
}

// setByKey sets what has a key in the file of settings.
func (r *root) setByKey(key, value string, given bool) tea.Cmd {
	name := strings.ReplaceAll(key, "_", "-")
	if i := slices.IndexFunc(r.config.Settings, func(s Setting) bool { return s.Name == name }); i >= 0 {
		return r.adjust(r.config.Settings[i], value)
	}
	set := r.config.SetKey
	if set == nil || !given && !strings.Contains(key, ".") {
		r.complain(fmt.Errorf("there is no setting %s: /settings lists them", key))
		return nil
	}
	return func() tea.Msg {
		if err := set(key, value); err != nil {
			return saidMsg{err: err}
		}
		return saidMsg{text: key + " is set, from the next start on."}
	}
}
