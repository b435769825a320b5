package app

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"scout/ui/safetext"
)

// firstLook is what this machine can run, for a person who has no model yet.
type firstLook struct {
	looking bool
	machine []string    // what the machine is, a line each
	pick    *ModelEntry // what suits it best; nil: nothing is known to
	listed  int         // models that were looked at
	here    int         // models that are here, the one that always is left out
}

// lookMsg is a first look.
type lookMsg struct{ look firstLook }

// lookAround finds out what this machine can run, in the background.
func (r *root) lookAround() tea.Cmd {
	r.first.looking = true
	models, machine, ctx := r.config.Models, r.config.Machine, r.ctx
	return func() tea.Msg {
		var look firstLook
		if machine != nil {
			look.machine = machine(ctx)
		}
		entries := models()
		look.listed = len(entries)
		for i, e := range entries {
			if i > 0 && !e.Away {
				look.here++
			}
		}
		if i := slices.IndexFunc(entries, func(e ModelEntry) bool { return e.Pick }); i >= 0 {
			look.pick = &entries[i]
		}
		return lookMsg{look}
	}
}

// machineLines is what the machine is, where it is known better than by its free memory.
func (r *root) machineLines(s *styles) []string {
	var lines []string
	for _, line := range r.first.machine {
		lines = append(lines, s.muted.Render(safetext.Line(line)))
	}
	if len(lines) == 0 && r.available > 0 {
		lines = append(lines, s.muted.Render(bytesText(r.available)+" of memory is free for a model."))
	}
	return lines
}

// noModelLines is what to do without a model: keys and what they do.
func (r *root) noModelLines(s *styles, row func(key, what string), add func(line string)) {
	add(s.warning.Render("No model is open yet."))
	choose := "choose a model"
	switch p := r.first.pick; {
	case r.first.here > 0:
		choose = "open the model that you have"
		if r.first.here > 1 {
			choose = fmt.Sprintf("open one of the %d models that you have", r.first.here)
		}
	case p != nil:
		what := []string{"★ " + p.label(false), fileText(p.Size), p.Fit.mark()}
		if p.Fast > 0 {
			what = append(what, p.speed()+" tok/s")
		}
		add(s.good.Render(strings.Join(what, "  ")))
		choose = "get that one, which suits this machine best, or another"
	case r.first.looking:
		add(s.muted.Render("Looking at what this machine can run …"))
	case r.first.listed > 1:
		add(s.muted.Render("No model that we know fits its memory; the demo runs anywhere."))
	}
	row("enter", "chat with the demo model inside this program")
	row(r.keyOf("/model"), choose)
	row("/model PATH", "open a GGUF file")
}

// preferred puts the cursor of a list of models on what suits the machine best, for a
// person who has none open.
func (r *root) preferred(l *list) {
	if r.model != nil || l.query != "" {
		return
	}
	if i := slices.IndexFunc(l.shown, func(c choice) bool { e, ok := c.value.(ModelEntry); return ok && e.Pick }); i >= 0 {
		l.at = i
	}
}
