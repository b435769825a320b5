package app

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"scout/sessions"
	"scout/ui/talk"
)

// longConversation is a conversation of about lines lines, whose last reply is being
// written.
func longConversation(lines int) []talk.Turn {
	reply := strings.Repeat("A paragraph of an answer, with **bold** words and `code`.\n\n", 8) +
		"```go\nfunc f() int {\n\treturn 1\n}\n```\n"
	var turns []talk.Turn
	for id := 1; len(turns)*14 < lines; id += 2 {
		turns = append(turns, talk.Turn{ID: id, Role: sessions.User, Text: fmt.Sprintf("Question %d?", id)},
			talk.Turn{ID: id + 1, Role: sessions.Assistant, Text: reply, Reply: &sessions.Reply{}})
	}
	turns[len(turns)-1].Live = true
	return turns
}

func longRobot(b *testing.B) (bot *robot, id int, text string) {
	bot = newRobot(b, 120, 40, nil)
	turns := longConversation(10_000)
	bot.r.talk.Stop()
	bot.r.transcript.set(turns)
	for i := range turns { // as if all had been seen
		bot.r.transcript.draw(i)
	}
	last := turns[len(turns)-1]
	return bot, last.ID, last.Text
}

// BenchmarkKeypress is a key until the screen that shows it is drawn, with a token that
// came since the last one, in a conversation of 10,000 lines.
func BenchmarkKeypress(b *testing.B) {
	bot, id, text := longRobot(b)
	for b.Loop() {
		if len(text) > 1<<16 {
			text = text[:0]
		}
		text += "word "
		bot.r.transcript.grow(id, text)
		bot.keys("x")
		bot.keys("backspace")
		bot.r.View()
	}
}

// BenchmarkFrame is a screen that is drawn after a token, in a conversation of 10,000
// lines.
func BenchmarkFrame(b *testing.B) {
	bot, id, text := longRobot(b)
	for b.Loop() {
		if len(text) > 1<<16 {
			text = text[:0]
		}
		text += "word "
		bot.r.transcript.grow(id, text)
		bot.r.arrange()
		bot.r.View()
	}
}

// TestFrameDrawsWhatIsSeen: the cost of a screen does not grow with the conversation:
// only items that are seen are drawn.
func TestFrameDrawsWhatIsSeen(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	b.r.transcript.set(longConversation(10_000))
	b.r.arrange()
	b.r.View()
	drawn := 0
	for _, it := range b.r.transcript.items {
		if it.drawn != nil {
			drawn++
		}
	}
	if drawn == 0 || drawn > 6 {
		t.Errorf("%d items of %d are drawn for one screen", drawn, len(b.r.transcript.items))
	}
}

// BenchmarkKeypressWhileStreaming presses keys at a typist's pace while 200 tokens a
// second come into a conversation of 10,000 lines, and reports how long it takes until
// the frame that shows the key is made: the key waits behind whatever the one loop of
// the app is doing, as in the program, and a frame is made no later than the renderer
// makes one, 60 times a second.
func BenchmarkKeypressWhileStreaming(b *testing.B) {
	bot, id, text := longRobot(b)
	text = text[:0]
	type press struct{ at time.Time }
	keys, tokens, done := make(chan press, 64), make(chan string, 64), make(chan struct{})
	var feeders sync.WaitGroup
	feeders.Go(func() {
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			select {
			case <-tick.C:
				tokens <- "word "
			case <-done:
				return
			}
		}
	})
	feeders.Go(func() {
		for tick := time.NewTicker(83 * time.Millisecond); ; { // 12 keys a second; out of step with the tokens
			select {
			case at := <-tick.C:
				keys <- press{at}
			case <-done:
				return
			}
		}
	})
	frame := time.NewTicker(time.Second / 60)
	defer frame.Stop()
	var waiting []press
	var took, drawing []time.Duration
	changed := false
	for b.Loop() {
		for n := len(took); len(took) == n; {
			select {
			case p := <-keys:
				bot.keys("x")
				bot.keys("backspace")
				waiting, changed = append(waiting, p), true
			case word := <-tokens:
				if len(text) > 1<<16 {
					text = text[:0]
				}
				text += word
				bot.r.transcript.grow(id, text)
				changed = true
			case <-frame.C:
				if !changed {
					continue
				}
				began := time.Now()
				bot.r.arrange()
				bot.r.View()
				drawing = append(drawing, time.Since(began))
				for _, p := range waiting {
					took = append(took, time.Since(p.at))
				}
				waiting, changed = waiting[:0], false
			}
		}
	}
	close(done)
	for drained := false; !drained; { // whoever still hands something over
		select {
		case <-keys:
		case <-tokens:
		default:
			drained = true
		}
	}
	feeders.Wait()
	at := func(took []time.Duration, share float64) float64 {
		slices.Sort(took)
		return float64(took[int(share*float64(len(took)-1))]) / float64(time.Millisecond)
	}
	b.ReportMetric(at(took, 0.5), "ms-p50")
	b.ReportMetric(at(took, 0.99), "ms-p99")
	b.ReportMetric(at(drawing, 0.99), "ms-frame-p99") // without waiting for its turn
}
