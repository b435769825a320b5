package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// report is everything that was measured.
type report struct {
	Date     string   `json:"date"`
	Sessions int      `json:"sessions"`
	Rounds   int      `json:"rounds"` // of a session
	Machine  machine  `json:"machine"`
	Results  []result `json:"results"`
}

// add adds a case that has been measured.
func (r *report) add(got result) {
	last := got.Sessions[len(got.Sessions)-1]
	r.Machine.Processor, r.Machine.LlamaCPU = last.Scout.Machine, last.Peer.CPU
	r.Results = append(r.Results, got)
}

// write prints the report, and writes the files that were asked for.
func (r report) write(o options) error {
	if len(r.Results) == 0 {
		return nil
	}
	text := r.markdown()
	_, err := fmt.Print(text)
	if o.markdown != "" {
		err = errors.Join(err, os.WriteFile(o.markdown, []byte(text), 0o666))
	}
	if o.json != "" {
		b, failed := json.MarshalIndent(r, "", "  ")
		err = errors.Join(err, failed, os.WriteFile(o.json, append(b, '\n'), 0o666))
	}
	if err != nil {
		return fmt.Errorf("compare: writing the report: %w", err)
	}
	return nil
}

// markdown is the report for people.
func (r report) markdown() string {
	var b strings.Builder
	m := r.Machine
	fmt.Fprintf(&b, "%s, %s, %s, %d threads each; scout %s (%s); llama.cpp from %s, its %s build; %d rounds in turn.\n",
		r.Date, m.Processor, m.System, m.Threads, m.Scout, m.Go, m.Llama, m.LlamaCPU, r.Sessions*r.Rounds)
	if m.Realtime != "" {
		fmt.Fprintf(&b, "Both engines ran before all other programs of the machine (`%s`).\n", m.Realtime)
	} else {
		b.WriteString("Both engines ran beside whatever else the machine had to do.\n")
	}
	b.WriteString("Rates are tokens per second, medians with the least and the most of the rounds; the ratio is that of the medians, " +
		"with the least and the most of the same round's; the last column is how fast scout reads, of what plain reads of the same weights get.\n\n")
	b.WriteString("| model | test | scout | llama.cpp | ratio | bar | | of plain reads |\n|---|---|---|---|---|---|---|---|\n")
	for _, result := range r.Results {
		for _, f := range result.Figures {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | **%.2f** (%.2f to %.2f) | %.2f | %s | %s |\n", result.Case, f.name(),
				f.Scout, f.Peer, f.Ratio, f.Ratios.Least, f.Ratios.Most, f.Bar, verdict(f), f.share())
		}
	}
	b.WriteString("\n| model | file | load before, after, seconds of each session |\n|---|---|---|\n")
	for _, result := range r.Results {
		var sessions []string
		for _, s := range result.Sessions {
			sessions = append(sessions, fmt.Sprintf("%s, %s, %.0f s", s.LoadBefore, s.LoadAfter, s.Seconds))
		}
		fmt.Fprintf(&b, "| %s | `synthmodel %s` | %s |\n", result.Case, result.Model, strings.Join(sessions, "; "))
	}
	b.WriteString("\nCommands, with MODEL for the file:\n\n```\n")
	for _, result := range r.Results {
		for _, c := range result.Commands {
			fmt.Fprintln(&b, c)
		}
	}
	b.WriteString("```\n")
	return b.String()
}

func (f figure) name() string {
	what := "prefill"
	if f.Test == "tg" {
		what = "decode"
	}
	if f.Depth > 0 {
		return fmt.Sprintf("%s %d after %d", what, f.Tokens, f.Depth)
	}
	return fmt.Sprintf("%s %d", what, f.Tokens)
}

func (f figure) share() string {
	if f.Share.Median == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f (%.2f to %.2f)", f.Share.Median, f.Share.Least, f.Share.Most)
}

func verdict(f figure) string {
	if f.met() {
		return "met"
	}
	return "missed"
}

func (s spread) String() string {
	digits := 1
	if s.Median >= 100 {
		digits = 0
	}
	return fmt.Sprintf("%.*f (%.*f to %.*f)", digits, s.Median, digits, s.Least, digits, s.Most)
}

// commandLine is a command for people who want to repeat it: programs without
// their folders, and the model's file as MODEL.
func commandLine(command []string) string {
	words := make([]string, len(command))
	for i, word := range command {
		switch {
		case strings.HasSuffix(word, ".gguf"):
			word = "MODEL"
		case filepath.IsAbs(word):
			word = strings.TrimSuffix(filepath.Base(word), ".exe")
		}
		words[i] = word
	}
	return strings.Join(words, " ")
}
