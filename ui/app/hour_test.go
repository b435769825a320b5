package app

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"testing"
	"time"

	"scout/engine"
	"scout/sessions"
	"scout/ui/talk"
)

// lengthyModel answers each question with so many tokens, at once.
type lengthyModel struct {
	*fakeModel
	tokens int
}

func (m lengthyModel) NewSequence() (talk.Sequence, error) { return lengthySequence{m}, nil }

type lengthySequence struct{ m lengthyModel }

func (lengthySequence) Close() error { return nil }

func (s lengthySequence) Generate(ctx context.Context, _ []engine.Message, _ engine.Sampling) iter.Seq2[engine.Delta, error] {
	return func(yield func(engine.Delta, error) bool) {
		st := engine.Stats{PromptTokens: 10, PromptDone: 10, Context: 1 << 20}
		for i := range s.m.tokens {
			st.Generated++
			st.Decode += 33 * time.Millisecond
			text := fmt.Sprintf("word%d ", i)
			if i%40 == 39 {
				text = "end.\n\n"
			}
			if !yield(engine.Delta{Text: text, Stats: st}, ctx.Err()) || ctx.Err() != nil {
				return
			}
		}
		yield(engine.Delta{Stats: st, Done: true, Reason: engine.EndOfTurn}, nil)
	}
}

// streamed is an app in which so many tokens are streamed in so many replies, with a
// frame drawn for each few, and the conversation saved.
func streamed(t testing.TB, b *robot, replies, tokens int) {
	m := lengthyModel{b.model, tokens}
	if err := b.r.talk.SetModel(m, sessions.Model{Name: "Fake"}); err != nil {
		t.Fatal(err)
	}
	for range replies {
		n := len(b.r.talk.Turns())
		b.typed("More?")
		b.keys("enter")
		b.until("answered", func() bool {
			b.r.glance()
			b.r.arrange()
			b.r.View()
			return len(b.r.talk.Turns()) >= n+2 && b.r.talk.Live().Phase == talk.Idle
		})
		b.r.refresh()
		b.r.View()
	}
}

// heap is what is alive, in bytes.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what had finalizers
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// mostPerToken is the most bytes that a token of a conversation may leave in memory. Its
// text is about 8 here, which the conversation and the session have each, with room
// behind it, and the screen has drawn; 49 were measured.
const mostPerToken = 64

// TestMemory streams six minutes of a fast model's text, with frames drawn as it comes:
// what stays in memory grows with the text alone, and no faster in the second half.
func TestMemory(t *testing.T) {
	b := newRobot(t, 100, 30, nil)
	streamed(t, b, 5, 360) // for what is made once
	var left []int64
	const replies, tokens = 15, 360
	for range 2 {
		before := heap()
		streamed(t, b, replies, tokens)
		left = append(left, (heap()-before)/(replies*tokens))
	}
	for i, n := range left {
		if n > mostPerToken {
			t.Errorf("half %d leaves %d bytes a token, want at most %d (halves: %d)", i+1, n, mostPerToken, left)
		}
	}
	t.Logf("bytes a token: %d", left)
}

// BenchmarkHour streams an hour of 30 tokens a second, and reports what is alive
// afterwards: bytes a token in the first and in the last tenth of it.
func BenchmarkHour(b *testing.B) {
	for b.Loop() {
		bot := newRobot(b, 100, 30, nil)
		streamed(b, bot, 5, 360)
		start := heap()
		var tenths []int64
		const replies, tokens = 30, 360 // of a tenth
		for range 10 {
			before := heap()
			streamed(b, bot, replies, tokens)
			tenths = append(tenths, heap()-before)
		}
		all := heap() - start
		b.ReportMetric(float64(tenths[0])/(replies*tokens), "B/token-first")
		b.ReportMetric(float64(tenths[9])/(replies*tokens), "B/token-last")
		b.ReportMetric(float64(all)/(10*replies*tokens), "B/token")
		b.ReportMetric(float64(start)/(1<<20), "MiB-before")
		b.ReportMetric(float64(start+all)/(1<<20), "MiB-after")
	}
}
