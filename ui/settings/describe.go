package settings

import (
	"fmt"
	"strings"
)

// Entry is one thing that can be set, for a screen of settings and for
// documents. Keys in capitals stand for names that the person chooses.
type Entry struct {
	Key     string   // as TOML writes it: theme, keys.ACTION, presets.NAME.top_p
	Type    string   // "text", "whole number", "number", "list of texts", "list of keys"
	Default string   // as TOML writes it; "" if there is none
	Values  []string // all there are, if they are few
	Doc     string   // what it is, in a sentence without its full stop
}

// Describe is everything that can be set, in the order of the file.
func Describe() []Entry {
	var all []Entry
	s := Default()
	for _, f := range topFields {
		all = append(all, Entry{Key: f.key, Type: f.kind, Default: render(f.get(&s), true), Values: f.values, Doc: f.doc})
	}
	all = append(all, Entry{Key: "keys.ACTION", Type: "list of keys", Doc: "keys for an action instead of scout's own, such as [\"ctrl+p\", \"f2\"]; [] takes its keys away"})
	for _, f := range presetFields {
		all = append(all, Entry{Key: "presets.NAME." + f.key, Type: f.kind, Doc: f.doc})
	}
	return append(all, Entry{Key: "prompts.NAME", Type: "text", Doc: "a system prompt, of several lines if it stands between \"\"\""})
}

// Document is the file of a person who set nothing: every setting as a comment
// with its default.
func Document() string {
	var b strings.Builder
	b.WriteString("# Settings of scout, in TOML (toml.io). scout changes values here and leaves all else\n" +
		"# as it is; to set something by hand, take away the # before its key.\n")
	s := Default()
	for _, f := range topFields {
		b.WriteString("\n")
		comment(&b, f.doc)
		fmt.Fprintf(&b, "# %s = %s\n", f.key, render(f.get(&s), true))
	}
	b.WriteString("\n")
	comment(&b, "Keys by action, instead of scout's own; the help of scout (F1) names the actions. An empty list takes an action's keys away.")
	b.WriteString("# [keys]\n# palette = [\"ctrl+p\", \"f2\"]\n\n")
	comment(&b, "Sampling presets, one table each. What is left out stays as the model recommends.")
	b.WriteString("# [presets.calm]\n")
	examples := map[string]string{
		"temperature": "0.4", "top_p": "0.9", "top_k": "0", "min_p": "0.0", "repeat_penalty": "1.0",
		"presence_penalty": "0.0", "frequency_penalty": "0.0", "seed": "42", "max_tokens": "0", "stop": `["\n\n\n"]`,
	}
	for _, f := range presetFields {
		fmt.Fprintf(&b, "# %-26s # %s\n", f.key+" = "+examples[f.key], f.doc)
	}
	b.WriteString("\n")
	comment(&b, "System prompts by name.")
	b.WriteString("# [prompts]\n# short = \"Answer in one or two sentences.\"\n")
	return b.String()
}

// comment writes a text as lines of comment, with a capital and a full stop.
func comment(b *strings.Builder, text string) {
	const width = 90
	text = strings.ToUpper(text[:1]) + text[1:]
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	line := "#"
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > width {
			b.WriteString(line + "\n")
			line = "#"
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}
