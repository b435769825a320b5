package app

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"scout/ui/safetext"
	"scout/ui/talk"
)

// Forecast is what is expected of an opened model on this machine.
type Forecast struct {
	Empty, Full float64 // tokens a second that are written: with an empty context, with a full one
	Prefill     float64 // tokens of a prompt that are read in a second; 0: unknown
	Limit       string  // what most of a token's time goes into: "RAM at 51 GB/s"
	PerToken    int64   // bytes of weights that a token reads
	Assumed     bool    // the machine's speed was not measured, so that the figures are a guess
	OnDisk      int64   // bytes of weights that memory has no room for
	Places      []Place // where the model's parts are
}

// at is the rate that is expected with so many tokens in a context of so many. The time
// of a token grows evenly with them, since the cache that it reads does.
func (f Forecast) at(used, context int) float64 {
	if f.Empty <= 0 || f.Full <= 0 || context <= 0 {
		return f.Empty
	}
	share := min(1, float64(used)/float64(context))
	return 1 / ((1-share)/f.Empty + share/f.Full)
}

// Place is what lies in one memory, in bytes.
type Place struct {
	Device               string
	Holds                string // in words: "attention and experts of 48 layers"
	Weights, KV, Compute int64
	OnDisk               int64 // of Weights, what has no room
	Free                 int64 // that there was for it
}

// Host is what the machine does, as of the last moment. What is not known is zero.
type Host struct {
	Cores     int
	Others    float64 // cores that other programs keep busy
	Read      float64 // bytes a second that this process has from the disk
	Swap      float64 // bytes a second that the system moves between memory and swap
	Throttled bool    // the processor is slowed down for its heat
	GPUs      []GPU
}

// GPU is the memory of a graphics card, in bytes.
type GPU struct {
	Name        string
	Used, Total int64
}

// figures is what the app knows of how fast it should be and why it is not.
type figures struct {
	forecast Forecast
	known    bool    // forecast is
	host     Host    // the last look
	best     float64 // the fastest that this model has written here
}

// The messages of the figures.
type (
	forecastMsg struct {
		name     string
		forecast Forecast
		err      error
	}
	hostMsg struct{ host Host }
)

// foresee asks what is expected of the model that was just opened.
func (r *root) foresee() tea.Cmd {
	r.figures = figures{host: r.figures.host}
	ask, m, name, ctx := r.config.Forecast, r.model, r.current, r.ctx
	if ask == nil || m == nil {
		return nil
	}
	return func() tea.Msg {
		f, err := ask(ctx, m)
		return forecastMsg{name, f, err}
	}
}

// readHost looks at the machine, in the background.
func (r *root) readHost() tea.Cmd {
	read := r.config.Host
	if read == nil {
		return nil
	}
	return func() tea.Msg {
		h, err := read()
		if err != nil {
			return nil // figures less are shown
		}
		return hostMsg{h}
	}
}

// The least of something that is worth naming as a cause, and the least that has to be
// written before a rate is one.
const (
	slowShare   = 0.7
	slowAfter   = 2 * time.Second
	slowRead    = 8e6 // bytes a second
	slowSwap    = 2e6
	slowOthers  = 0.15 // of the cores
	leastOthers = 0.5  // cores
)

// expected is the rate that the model should write with now, by what is predicted, or
// where that rests on a guess, by the fastest it has been here. 0: unknown.
func (r *root) expected() float64 {
	f := r.figures
	if f.known && !f.forecast.Assumed {
		return f.forecast.at(r.live.ContextUsed, r.live.Context)
	}
	return f.best
}

// noteRate keeps the fastest rate.
func (r *root) noteRate() {
	if st := r.live.Stats; r.live.Phase == talk.Idle && st.Decode >= slowAfter {
		r.figures.best = max(r.figures.best, st.DecodePerSecond())
	}
}

// cause is what slows the model down that need not, and what helps; empty if nothing
// that is known does.
func cause(f Forecast, h Host) (what, help string) {
	switch {
	case h.Swap >= slowSwap:
		return "the system moves memory to and from swap, " + fileText(int64(h.Swap)) + "/s", "close programs, or take a smaller quantization with /quant"
	case h.Read >= slowRead && f.OnDisk > 0:
		return fmt.Sprintf("weights come from the disk at %s/s, %s of them have no room in memory", fileText(int64(h.Read)), bytesText(f.OnDisk)),
			"a smaller quantization with /quant, or closing programs, gives them room"
	case h.Read >= slowRead:
		return "weights still come from the disk, " + fileText(int64(h.Read)) + "/s", "it is over when all have been read once"
	case h.Throttled:
		return "the processor is slowed down for its heat", "more air, or fewer threads with /threads"
	case h.Others >= leastOthers && h.Others >= slowOthers*float64(h.Cores):
		return fmt.Sprintf("other programs use %.1f of %d cores", h.Others, h.Cores), "close them, or give them a core of their own with /threads"
	}
	return "", ""
}

// slowLine says why a reply comes slower than it should, if it does and that is known.
func (r *root) slowLine(w int) []string {
	if r.live.Phase != talk.Writing || r.live.Stats.Decode < slowAfter || r.live.Rate <= 0 {
		return nil
	}
	expected := r.expected()
	if expected > 0 && r.live.Rate >= slowShare*expected {
		return nil
	}
	what, _ := cause(r.figures.forecast, r.figures.host)
	switch {
	case what == "" && expected == 0:
		return nil
	case what == "" && r.figures.forecast.Limit != "":
		what = "every token waits for " + r.figures.forecast.Limit
	case what == "":
		what = "no cause is known"
	}
	text := "slow: "
	if expected > 0 {
		text += fmt.Sprintf("%s of %s tok/s, ", speedText(r.live.Rate), speedText(expected))
	}
	return []string{sides(" "+r.styles.warning.Render(text+safetext.Line(what)), r.styles.muted.Render(r.keyOf("/why")+" "), w)}
}

// expectedText is the expected rate behind the measured one.
func (r *root) expectedText() string {
	f := r.figures
	if !f.known || f.forecast.Empty <= 0 {
		return ""
	}
	return " of ~" + speedText(f.forecast.at(r.live.ContextUsed, r.live.Context))
}

// showWhy shows how fast it is, against what was expected, what limits it, and where
// everything is.
func showWhy(r *root, _ string) tea.Cmd {
	if r.model == nil {
		r.say("No model is open: " + r.keyOf("/model") + " chooses one.")
		return nil
	}
	r.open(&page{title: "Speed and memory", make: r.whyLines})
	return r.readHost()
}

func (r *root) whyLines(s *styles, width int) []string {
	var lines []string
	label := min(16, width/3)
	add := func(name, value string) {
		if value == "" {
			return
		}
		for i, line := range wrap(value, width-label-2) {
			if i > 0 {
				name = ""
			}
			lines = append(lines, " "+s.muted.Render(fit(name, label))+" "+s.text.Render(line))
		}
	}
	r.speedRows(add)
	lines = append(lines, "")
	r.limitRows(add)
	lines = append(lines, "")
	r.placeRows(add)
	return lines
}

// speedRows is measured against predicted.
func (r *root) speedRows(add func(name, value string)) {
	f, st := r.figures.forecast, r.live.Stats
	measured := st.DecodePerSecond()
	if r.live.Phase == talk.Writing && r.live.Rate > 0 {
		measured = r.live.Rate
	}
	write := "nothing yet"
	if measured > 0 {
		write = speedText(measured) + " tok/s"
	}
	if f.Empty > 0 {
		predicted := f.at(r.live.ContextUsed, r.live.Context)
		write += ", predicted " + speedText(predicted)
		if measured > 0 {
			write += fmt.Sprintf(" (%+.0f%%)", 100*(measured/predicted-1))
		}
	}
	add("writing", write)
	read := ""
	if v := st.PrefillPerSecond(); v > 0 {
		read = fmt.Sprintf("%s tok/s over %s", speedText(v), plural(st.PromptDone-st.Reused, "token"))
	}
	if f.Prefill > 0 {
		read = strings.TrimPrefix(read+", predicted "+speedText(f.Prefill), ", ")
	}
	add("reading", read)
	if r.live.FirstToken > 0 {
		add("first word", "after "+timeText(r.live.FirstToken))
	}
	if f.Empty > 0 && f.Full > 0 {
		add("with context", fmt.Sprintf("%s tok/s when it is empty, %s when it is full", speedText(f.Empty), speedText(f.Full)))
	}
	if f.Assumed {
		add("", "The speed of this machine's memory is assumed: 'scout fit --measure' measures it.")
	}
}

// limitRows is what the time goes into.
func (r *root) limitRows(add func(name, value string)) {
	f, h := r.figures.forecast, r.figures.host
	switch what, help := cause(f, h); {
	case r.live.Phase == talk.Reading:
		add("now", fmt.Sprintf("the prompt is read: %s to come", plural(max(0, r.live.Stats.PromptTokens-r.live.Stats.PromptDone), "token")))
	case what != "":
		add("slowed by", what)
		add("helps", help)
	default:
		add("slowed by", "nothing that is known")
	}
	limit := f.Limit
	if limit != "" && f.PerToken > 0 {
		limit += "; a token reads " + bytesText(f.PerToken) + " of weights"
	}
	add("limit", limit)
	if h.Cores > 0 {
		add("cores", fmt.Sprintf("%d, of which other programs use %.1f", h.Cores, h.Others))
	}
	if h.Read > 0 {
		add("disk", fileText(int64(h.Read))+"/s read by this program")
	}
	if h.Swap > 0 {
		add("swap", fileText(int64(h.Swap))+"/s")
	}
}

// placeRows is where everything is.
func (r *root) placeRows(add func(name, value string)) {
	m := r.model.Memory()
	add("weights", bytesText(m.Weights))
	kv := bytesText(m.KV)
	if have := r.model.Context(); have > 0 {
		kv += fmt.Sprintf(" for %s tokens, about %s in use", countText(have), bytesText(int64(float64(m.KV)*min(1, float64(r.live.ContextUsed)/float64(have)))))
	}
	add("context", kv)
	add("working memory", bytesText(m.Compute))
	if r.used > 0 {
		add("RAM", bytesText(r.used)+" used by this program, "+bytesText(r.available)+" free")
	}
	for _, p := range r.figures.forecast.Places {
		text := p.Holds
		if text != "" {
			text += ": "
		}
		text += bytesText(p.Weights - p.OnDisk)
		if p.KV > 0 {
			text += ", context " + bytesText(p.KV)
		}
		if p.OnDisk > 0 {
			text += "; " + bytesText(p.OnDisk) + " are read from the disk again and again"
		}
		add("in "+safetext.Line(p.Device), text)
	}
	for i, g := range r.figures.host.GPUs {
		share := 0.0
		if g.Total > 0 {
			share = float64(g.Used) / float64(g.Total)
		}
		add(fmt.Sprintf("GPU %d", i), fmt.Sprintf("%s  %s of %s (%.0f%%)", safetext.Line(g.Name), bytesText(g.Used), bytesText(g.Total), 100*share))
	}
}

// gpuText is the memory of graphics cards in the status line.
func (r *root) gpuText() string {
	var parts []string
	for i, g := range r.figures.host.GPUs {
		if g.Total > 0 {
			parts = append(parts, fmt.Sprintf("G%d %d%%", i, int(100*float64(g.Used)/float64(g.Total)+0.5)))
		}
	}
	return strings.Join(parts, " ")
}
