package app

import (
	"fmt"
	"strings"
	"testing"

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
