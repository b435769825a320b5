package cli

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/schollz/progressbar/v3"

	"scout/downloads"
	"scout/ui/safetext"
)

// pullView shows how far a pull is: a bar at a terminal, a line now and then
// elsewhere, JSON events if they are asked for.
type pullView struct {
	app  *App
	name string
	json bool
	bar  *progressbar.ProgressBar // nil where no terminal is watching
	last downloads.Progress

	said    string // the last plain line, without its numbers
	saidAt  time.Time
	failure error // of standard output
}

func (a *App) newPullView(name string, asJSON bool) *pullView {
	v := &pullView{app: a, name: name, json: asJSON}
	if a.ErrTerminal && !a.Dumb && !asJSON {
		v.bar = progressbar.NewOptions64(1,
			progressbar.OptionSetWriter(a.Err),
			progressbar.OptionSetWidth(barWidth),
			progressbar.OptionShowDescriptionAtLineEnd(),
			progressbar.OptionSetElapsedTime(false),
			progressbar.OptionSetPredictTime(false),
			progressbar.OptionUseANSICodes(false),
			progressbar.OptionSetTheme(progressbar.ThemeASCII),
		)
	}
	return v
}

const (
	barWidth   = 20
	barAround  = 12 // percentage, brackets and spaces
	plainEvery = 10 * time.Second
	jsonEvery  = time.Second
)

// update shows a moment of the pull.
func (v *pullView) update(p downloads.Progress) {
	p.File, p.Trouble = safetext.Line(p.File), safetext.Line(p.Trouble)
	changed := p.State != v.last.State || p.Part != v.last.Part
	for i, n := range p.Notices {
		p.Notices[i] = safetext.Line(n)
	}
	v.last = p
	switch {
	case v.json:
		if changed || len(p.Notices) > 0 || time.Since(v.saidAt) >= jsonEvery {
			v.saidAt = time.Now()
			_ = v.event(newProgressRecord(p)) // what fails is kept, and told at the end
		}
	case v.bar != nil:
		v.notices(p)
		if p.Total > 0 {
			v.bar.ChangeMax64(p.Total)
		}
		v.bar.Describe(cutTo(statusLine(p), v.room()))
		_ = v.bar.Set64(p.Done) // a lost moment is no loss
	default:
		v.notices(p)
		v.plain(p)
	}
}

// notices writes the sentences of a moment.
func (v *pullView) notices(p downloads.Progress) {
	if len(p.Notices) > 0 {
		v.show(func() {
			for _, n := range p.Notices {
				v.app.note("%s", n)
			}
		})
	}
}

var numbers = regexp.MustCompile(`[0-9.]+( [kMGT]?B)?`)

// plain writes a line if something else is the matter than before, or if the
// last is long ago.
func (v *pullView) plain(p downloads.Progress) {
	if p.State == downloads.Done || p.State == downloads.Preparing || p.State == downloads.Asking && p.Trouble == "" {
		return
	}
	key := numbers.ReplaceAllString(string(p.State)+p.File+p.Trouble, "#")
	if key == v.said && time.Since(v.saidAt) < plainEvery {
		return
	}
	v.said, v.saidAt = key, time.Now()
	v.app.note("%s", statusLine(p))
}

// show writes other lines above the bar.
func (v *pullView) show(write func()) {
	if v.bar != nil {
		_ = v.bar.Clear() // a line that stays is ugly and no more
	}
	write()
}

// end takes the bar away.
func (v *pullView) end() {
	if v.bar != nil {
		_ = v.bar.Clear()
	}
}

// event writes a JSON line.
func (v *pullView) event(record any) error {
	if v.failure == nil {
		v.failure = v.app.writeJSON(record)
	}
	return v.failure
}

// room is the columns that are left beside the bar.
func (v *pullView) room() int {
	width := 80
	if f, ok := v.app.Err.(*os.File); ok {
		if w, _, err := term.GetSize(f.Fd()); err == nil && w > 0 {
			width = w
		}
	}
	return max(width-barWidth-barAround, 10)
}

// cutTo is the beginning of a line, at most that many letters.
func cutTo(line string, letters int) string {
	r := []rune(line)
	if len(r) <= letters {
		return line
	}
	return string(r[:letters-1]) + "…"
}

// statusLine is a moment of a pull in words:
// "31.2 GB of 67.4 GB, 85.1 MB/s, 7m05s left, file 2 of 3".
func statusLine(p downloads.Progress) string {
	var parts []string
	if p.Total > 0 {
		parts = append(parts, downloads.Bytes(p.Done)+" of "+downloads.Bytes(p.Total))
	}
	switch {
	case p.Trouble != "":
		parts = append(parts, p.Trouble)
	case p.State == downloads.Following:
		parts = append(parts, fmt.Sprintf("process %d is downloading it", p.Owner))
	case p.State == downloads.Fetching && p.Rate > 0:
		parts = append(parts, downloads.Bytes(int64(p.Rate))+"/s")
		if p.Left >= 0 {
			parts = append(parts, p.Left.Round(time.Second).String()+" left")
		}
	default:
		parts = append(parts, string(p.State))
	}
	if p.Parts > 1 && p.Part > 0 {
		parts = append(parts, fmt.Sprintf("file %d of %d", p.Part, p.Parts))
	}
	return strings.Join(parts, ", ")
}

// planRecord is the event of what a pull will take. Sizes are bytes.
type planRecord struct {
	Event    string   `json:"event"` // "plan"
	Name     string   `json:"name"`
	Source   string   `json:"source"`
	Revision string   `json:"revision"`
	License  string   `json:"license,omitempty"`
	Files    int      `json:"files"`
	Size     int64    `json:"size"`
	Here     int64    `json:"here"`
	Reusable int64    `json:"reusable"`
	Fetch    int64    `json:"fetch"`
	Free     int64    `json:"free"`
	Warnings []string `json:"warnings,omitempty"`
	Memory   string   `json:"memory,omitempty"` // what to think of, if it is too small
}

func newPlanRecord(p downloads.Plan, advice string) planRecord {
	return planRecord{"plan", p.Name, p.Source, p.Revision, p.License.Name, p.Files, p.Size, p.Here, p.Reusable, p.Fetch(), p.Free, p.Warnings, advice}
}

// progressRecord is the event of a moment.
type progressRecord struct {
	Event    string   `json:"event"` // "progress"
	Name     string   `json:"name"`
	State    string   `json:"state"`
	File     string   `json:"file,omitempty"`
	Part     int      `json:"part,omitempty"`
	Parts    int      `json:"parts,omitempty"`
	Done     int64    `json:"done"`
	Total    int64    `json:"total"`
	Received int64    `json:"received"`
	Rate     float64  `json:"bytes_per_second"`
	Left     *float64 `json:"seconds_left,omitempty"`
	Trouble  string   `json:"trouble,omitempty"`
	Notices  []string `json:"notices,omitempty"`
}

func newProgressRecord(p downloads.Progress) progressRecord {
	r := progressRecord{
		Event: "progress", Name: p.Name, State: string(p.State), File: p.File, Part: p.Part, Parts: p.Parts,
		Done: p.Done, Total: p.Total, Received: p.Received, Rate: p.Rate, Trouble: p.Trouble, Notices: p.Notices,
	}
	if p.Left >= 0 {
		seconds := p.Left.Seconds()
		r.Left = &seconds
	}
	return r
}

// pulledRecord is the event of the end.
type pulledRecord struct {
	Event    string `json:"event"` // "done"
	Name     string `json:"name"`
	Path     string `json:"path"`
	Tower    string `json:"tower,omitempty"`
	Size     int64  `json:"size"`
	Received int64  `json:"received"`
	Already  bool   `json:"already"`
}

func newPulledRecord(r downloads.Result) pulledRecord {
	return pulledRecord{"done", r.Name, r.Weights, r.Projector, r.Size(), r.Received, r.Already}
}

// errorRecord is the event of a pull that failed.
type errorRecord struct {
	Event string `json:"event"` // "error"
	Name  string `json:"name"`
	Error string `json:"error"`
}
