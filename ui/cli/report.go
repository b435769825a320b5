package cli

import (
	"strings"

	"scout/engine"
	"scout/ui/safetext"
)

// textReporter writes the answer's text as it comes, and makes sure that it
// ends with a line break.
type textReporter struct {
	streams  Streams
	progress *progress
	filter   safetext.Filter // for a terminal
	open     bool            // a line has been begun and not ended
}

func newTextReporter(s Streams) *textReporter {
	return &textReporter{streams: s, progress: s.newProgress()}
}

func (r *textReporter) delta(d engine.Delta) error {
	for _, p := range d.Seen {
		if changed(p) || r.streams.ErrTerminal {
			r.progress.clear()
			r.streams.note("%s", seenLine(p))
		}
	}
	if d.Text == "" {
		r.progress.update(d.Stats)
		return nil
	}
	r.progress.clear()
	text := d.Text
	if r.streams.OutTerminal {
		text = r.filter.Write(text)
	}
	r.open = !strings.HasSuffix(text, "\n") && (r.open || text != "")
	return r.streams.printf("%s", text)
}

func (r *textReporter) end(answer) error {
	r.progress.clear()
	rest := r.filter.Flush()
	if !r.open && rest == "" {
		return nil
	}
	r.open = false
	return r.streams.printf("%s\n", rest)
}

func (r *textReporter) fail(error) error { return r.end(answer{}) }

// statsRecord is the counts of one answer, as JSON. Times are seconds, rates
// tokens per second.
type statsRecord struct {
	PromptTokens     int     `json:"prompt_tokens"`
	ReusedTokens     int     `json:"reused_tokens"`
	GeneratedTokens  int     `json:"generated_tokens"`
	Context          int     `json:"context"`
	PrefillSeconds   float64 `json:"prefill_s"`
	DecodeSeconds    float64 `json:"decode_s"`
	PrefillPerSecond float64 `json:"prefill_tok_s"`
	DecodePerSecond  float64 `json:"decode_tok_s"`
	Tiles            int     `json:"tiles,omitempty"` // of pictures that were not in the cache of the conversation
	VisionSeconds    float64 `json:"vision_s,omitempty"`
}

func newStatsRecord(s engine.Stats) statsRecord {
	return statsRecord{
		PromptTokens: s.PromptTokens, ReusedTokens: s.Reused, GeneratedTokens: s.Generated, Context: s.Context,
		PrefillSeconds: s.Prefill.Seconds(), DecodeSeconds: s.Decode.Seconds(),
		PrefillPerSecond: s.PrefillPerSecond(), DecodePerSecond: s.DecodePerSecond(),
		Tiles: s.Tiles, VisionSeconds: s.Vision.Seconds(),
	}
}

// jsonReporter writes one object when the answer is over.
type jsonReporter struct {
	streams  Streams
	progress *progress
	model    string
	sampling samplingRecord
	images   []imageRecord
}

func (r *jsonReporter) delta(d engine.Delta) error {
	for _, p := range d.Seen {
		r.images = append(r.images, newImageRecord(p))
	}
	r.progress.update(d.Stats)
	return nil
}

func (r *jsonReporter) end(a answer) error {
	r.progress.clear()
	return r.streams.writeJSON(struct {
		Model    string         `json:"model"`
		Text     string         `json:"text"`
		Reason   engine.Reason  `json:"reason"`
		Tokens   []tokenRecord  `json:"tokens"`
		Images   []imageRecord  `json:"images,omitempty"`
		Stats    statsRecord    `json:"stats"`
		Sampling samplingRecord `json:"sampling"`
	}{r.model, a.Text, a.Reason, tokenRecords(a.Tokens), r.images, newStatsRecord(a.Stats), r.sampling})
}

func (r *jsonReporter) fail(error) error {
	r.progress.clear()
	return nil
}

// jsonlReporter writes an event a line: "start", then "prompt" while the
// prompt is read, "image" for a picture that has been looked at, and "delta" for text and tokens, then "done" or "error".
type jsonlReporter struct {
	streams  Streams
	progress *progress
}

// newJSONLReporter writes the first event.
func newJSONLReporter(s Streams, model string, sampling samplingRecord) (*jsonlReporter, error) {
	err := s.writeJSON(struct {
		Event    string         `json:"event"`
		Model    string         `json:"model"`
		Sampling samplingRecord `json:"sampling"`
	}{"start", model, sampling})
	return &jsonlReporter{streams: s, progress: s.newProgress()}, err
}

func (r *jsonlReporter) delta(d engine.Delta) error {
	if d.Text == "" && len(d.Tokens) == 0 {
		if d.Done {
			return nil // its counts come with "done"
		}
		r.progress.clear()
		for _, p := range d.Seen {
			err := r.streams.writeJSON(struct {
				Event string `json:"event"`
				imageRecord
			}{"image", newImageRecord(p)})
			if err != nil {
				return err
			}
		}
		if len(d.Seen) > 0 {
			return nil
		}
		err := r.streams.writeJSON(struct {
			Event     string `json:"event"`
			Done      int    `json:"done"`
			Total     int    `json:"total"`
			TilesDone int    `json:"tiles_done,omitempty"`
			Tiles     int    `json:"tiles,omitempty"`
		}{"prompt", d.Stats.PromptDone, d.Stats.PromptTokens, d.Stats.TilesDone, d.Stats.Tiles})
		r.progress.update(d.Stats)
		return err
	}
	r.progress.clear()
	return r.streams.writeJSON(struct {
		Event  string        `json:"event"`
		Text   string        `json:"text"`
		Tokens []tokenRecord `json:"tokens"`
	}{"delta", d.Text, tokenRecords(d.Tokens)})
}

func (r *jsonlReporter) end(a answer) error {
	r.progress.clear()
	return r.streams.writeJSON(struct {
		Event  string        `json:"event"`
		Reason engine.Reason `json:"reason"`
		Stats  statsRecord   `json:"stats"`
	}{"done", a.Reason, newStatsRecord(a.Stats)})
}

func (r *jsonlReporter) fail(err error) error {
	r.progress.clear()
	return r.streams.writeJSON(struct {
		Event string `json:"event"`
		Error string `json:"error"`
	}{"error", safetext.Line(err.Error())})
}

// tokenRecord is a token, as JSON. Its probabilities are there when they were
// asked for: natural logarithms, of the model's own distribution.
type tokenRecord struct {
	ID      int32                 `json:"id"`
	Piece   string                `json:"piece"`
	LogProb *float32              `json:"logprob,omitempty"`
	Top     []engine.TokenLogProb `json:"top,omitempty"`
}

// tokenRecords is tokens as JSON, a list also when there are none.
func tokenRecords(tokens []engine.Token) []tokenRecord {
	records := make([]tokenRecord, len(tokens))
	for i, t := range tokens {
		records[i] = tokenRecord{ID: t.ID, Piece: t.Piece, Top: t.Top}
		if len(t.Top) > 0 {
			records[i].LogProb = &t.LogProb
		}
	}
	return records
}
