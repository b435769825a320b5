package engine

import (
	"context"
	"iter"
	"strings"
	"time"

	"scout/engine/sample"
	"scout/engine/tokenizer"
)

// Generate answers a conversation. It yields a Delta after each batch of the
// prompt and after each token, the last with Done and the reason. The loop may be
// left at any time: what was computed stays and is reused by the next call with a
// conversation that begins alike. When ctx ends, the last pair yielded holds its
// error; the text before it is the partial answer.
func (s *Sequence) Generate(ctx context.Context, conv []Message, p Sampling) iter.Seq2[Delta, error] {
	return func(yield func(Delta, error) bool) {
		prompt, err := s.m.encode(conv)
		if err != nil {
			yield(Delta{}, err)
			return
		}
		s.complete(ctx, prompt, p, yield)
	}
}

// Complete is Generate for a prompt that is already tokens, without pictures.
func (s *Sequence) Complete(ctx context.Context, ids []int32, p Sampling) iter.Seq2[Delta, error] {
	return func(yield func(Delta, error) bool) {
		s.complete(ctx, &prompted{ids: ids}, p, yield)
	}
}

func (s *Sequence) complete(ctx context.Context, prompt *prompted, p Sampling, yield func(Delta, error) bool) {
	a := s.newAnswer(prompt.ids, p)
	a.yield = yield
	if a.prefill(ctx, prompt) {
		a.decode(ctx)
	}
}

// answer is one call of Generate under way.
type answer struct {
	s       *Sequence
	p       Sampling
	yield   func(Delta, error) bool
	sampler *sample.Sampler
	stats   Stats
	sight   sight
	stream  tokenizer.Stream
	stop    stopper
	piece   []byte   // bytes of the current token
	next    [1]int32 // the current token, as a batch
}

func (s *Sequence) newAnswer(ids []int32, p Sampling) *answer {
	a := &answer{s: s, p: p, stop: stopper{strings: p.Stop}}
	a.sampler = sample.New(sample.Params{
		Temperature: p.Temperature, TopK: p.TopK, TopP: p.TopP, MinP: p.MinP,
		RepeatPenalty: p.RepeatPenalty, PresencePenalty: p.PresencePenalty, FrequencyPenalty: p.FrequencyPenalty,
		PenaltyWindow: p.PenaltyWindow, Seed: p.Seed,
	}, s.m.model.Config.Vocabulary)
	for _, id := range ids {
		a.sampler.Accept(id)
	}
	a.stats = Stats{PromptTokens: len(ids), Context: s.m.context}
	return a
}

// fail ends the answer with an error.
func (a *answer) fail(err error) bool {
	a.yield(Delta{Stats: a.stats}, err)
	return false
}

// prefill brings the sequence to exactly the prompt's ids, with the logits after the
// last of them. It says whether to go on.
func (a *answer) prefill(ctx context.Context, prompt *prompted) bool {
	s, ids := a.s, prompt.ids
	if len(ids) == 0 {
		return a.fail(errEmptyPrompt)
	}
	if len(ids)+1 > s.m.context {
		return a.fail(s.m.tooLong(prompt))
	}
	if s.line.Origin() != 0 {
		if err := s.line.StartAt(0); err != nil {
			return a.fail(err)
		}
	}
	n := s.line.Truncate(s.line.Reusable(ids))
	a.stats.Reused, a.stats.PromptDone = n, n
	a.sight.pictures = prompt.pictures
	a.stats.Tiles = a.sight.countTiles(n)
	for n < len(ids) {
		batch := s.line.Batch(len(ids)-n, batchTokens)
		want := NoLogits
		if n+batch == len(ids) {
			want = LastLogits
		}
		if !a.see(ctx, ids, n, n+batch) {
			return false
		}
		began := time.Now()
		err := s.extend(ctx, ids[n:n+batch], a.sight.rows, want, nil)
		a.stats.Prefill += time.Since(began)
		if err != nil {
			return a.fail(err)
		}
		n += batch
		a.stats.PromptDone = n
		if !a.yield(Delta{Stats: a.stats}, nil) {
			return false
		}
	}
	a.sight = sight{}
	return true
}

// decode picks tokens until the turn, the room or the patience of the caller
// ends.
func (a *answer) decode(ctx context.Context) {
	for {
		began := time.Now()
		id := a.sampler.Sample(a.s.logits)
		a.sampler.Accept(id)
		a.next[0] = id
		a.stats.Generated++
		a.stats.Decode += time.Since(began)
		done, more := a.emit(id)
		if done || !more {
			return
		}
		began = time.Now()
		err := a.s.Append(ctx, a.next[:], LastLogits, nil)
		a.stats.Decode += time.Since(began)
		if err != nil {
			d := Delta{Stats: a.stats, Text: a.stop.push(a.stream.Flush()) + a.stop.rest()}
			if d.Text == "" || a.yield(d, nil) {
				a.fail(err)
			}
			return
		}
	}
}

// emit yields token id, the last of the answer when it is done.
func (a *answer) emit(id int32) (done, more bool) {
	d := Delta{Stats: a.stats, Tokens: []Token{a.token(id)}}
	m := a.s.m
	text := ""
	switch {
	case m.tok.IsEOG(id):
		d.Done, d.Reason = true, EndOfTurn
	default:
		a.piece = m.tok.AppendPiece(a.piece[:0], id, false)
		text = a.stream.Push(a.piece)
	}
	d.Text = a.stop.push(text)
	switch {
	case a.stop.hit:
		d.Done, d.Reason = true, StopString
	case d.Done:
	case a.p.MaxTokens > 0 && a.stats.Generated >= a.p.MaxTokens:
		d.Done, d.Reason = true, TokenLimit
	case a.s.line.Room() == 0:
		d.Done, d.Reason = true, ContextFull
	}
	if d.Done && !a.stop.hit {
		d.Text += a.stop.push(a.stream.Flush())
		if a.stop.hit {
			d.Reason = StopString
		} else {
			d.Text += a.stop.rest()
		}
	}
	if d.Done && m.onAnswer != nil {
		m.onAnswer(a.stats)
	}
	return d.Done, a.yield(d, nil)
}

// token describes id with the probabilities the model itself gave.
func (a *answer) token(id int32) Token {
	m := a.s.m
	t := Token{ID: id, Piece: m.Piece(id)}
	if a.p.TopLogProbs > 0 {
		t.LogProb = sample.LogProb(a.s.logits, id)
		for _, c := range sample.TopLogProbs(a.s.logits, a.p.TopLogProbs) {
			t.Top = append(t.Top, TokenLogProb{c.ID, m.Piece(c.ID), c.LogProb})
		}
	}
	return t
}

// stopper holds back text that might be the beginning of a stop string.
type stopper struct {
	strings []string
	held    string
	hit     bool
}

// push adds text and returns what can no longer be part of a stop string. After
// a hit it returns only the text before the stop string.
func (s *stopper) push(text string) string {
	if len(s.strings) == 0 {
		return text
	}
	s.held += text
	first := -1
	for _, stop := range s.strings {
		if i := strings.Index(s.held, stop); stop != "" && i >= 0 && (first < 0 || i < first) {
			first = i
		}
	}
	if first >= 0 {
		s.hit = true
		out := s.held[:first]
		s.held = ""
		return out
	}
	keep := 0
	for _, stop := range s.strings {
		for n := min(len(stop)-1, len(s.held)); n > keep; n-- {
			if strings.HasSuffix(s.held, stop[:n]) {
				keep = n
			}
		}
	}
	out := s.held[:len(s.held)-keep]
	s.held = s.held[len(s.held)-keep:]
	return out
}

// rest is what was held back when nothing more will come.
func (s *stopper) rest() string {
	out := s.held
	s.held = ""
	return out
}
