package app

import (
	"context"
	"errors"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"scout/sessions"
	"scout/ui/talk"
)

// twoConversations says something in two conversations, of which the second is open,
// and lists them.
func twoConversations(b *robot) *list {
	b.say(answer)
	b.settle()
	b.keys("ctrl+n")
	b.until("new", func() bool { return !b.r.opening && len(b.r.transcript.items) == 0 })
	b.say2("A trap, is it needed?")
	b.keys("ctrl+s")
	b.untilText("trap")
	return b.r.layers[0].(*list)
}

// timeless takes the times out of a list of conversations.
func (l *list) timeless() {
	for i := range l.shown {
		l.shown[i].right = "today 14:02"
	}
}

// stateScenes are the states that a screen can be in besides the usual.
var stateScenes = []scene{
	{"not-saved", func(c *Config) {
		c.OpenStore = func() (*sessions.Store, error) { return nil, errors.New("no such folder") }
	}, func(b *robot) { b.say(answer); b.settle() }},
	{"problem", func(c *Config) { c.Problem = "settings.toml: line 3: theme is \"dusc\", want a name (dusk?)" }, func(b *robot) {}},
	{"opening", func(c *Config) {
		c.Load = func(ctx context.Context, _ string) (talk.Model, sessions.Model, error) {
			<-ctx.Done()
			return nil, sessions.Model{}, ctx.Err()
		}
		c.Model = ""
	}, func(b *robot) { b.typed("/model demo"); b.keys("enter"); b.typed("written meanwhile") }},
	{"search-here", nil, func(b *robot) {
		b.say(strings.Repeat("needle\n\n", 9))
		b.settle()
		b.say(strings.Repeat("hay\n\n", 40))
		b.settle()
		b.typed("/search needle")
		b.keys("enter")
	}},
	{"search-here-nothing", nil, func(b *robot) { b.say(answer); b.settle(); b.typed("/search zebra"); b.keys("enter") }},
	{"edit", nil, func(b *robot) { b.say(answer); b.settle(); b.typed("/edit"); b.keys("enter") }},
	{"versions", nil, func(b *robot) {
		b.say("One answer.")
		b.settle()
		b.typed("/retry")
		b.keys("enter")
		b.untilText("‹2 of 2›")
		b.settle()
	}},
	{"stopped", nil, func(b *robot) {
		b.writing(2)
		b.keys("esc")
		b.settle()
	}},
	{"quit-while-writing", nil, func(b *robot) {
		b.writing(2)
		b.r.live.Rate, b.r.live.Rates, b.r.live.FirstToken = 17.4, nil, 0
		b.r.live.Started = clock
		b.typed("a draft")
		b.keys("ctrl+d")
	}},
	{"text-chip", nil, func(b *robot) { b.send(tea.PasteMsg{Content: strings.Repeat("a,b,c\n", 400)}); b.typed(" Sum it up") }},
	{"no-such-picture", nil, func(b *robot) {
		b.typed("/image /nowhere/at all.png")
		b.keys("enter")
		b.until("said", func() bool { return b.r.noticeBad })
	}},
	{"set", nil, func(b *robot) { b.typed("/set"); b.keys("enter") }},
	{"set-wrong", nil, func(b *robot) { b.typed("/set temperature hot"); b.keys("enter") }},
	{"completion", nil, func(b *robot) { b.typed("/se"); b.keys("tab") }},
	{"system", nil, func(b *robot) { b.typed("/system Answer in one word."); b.keys("enter"); b.say("Yes."); b.settle() }},
	{"wide", nil, func(b *robot) {
		b.say("台所の流しは**窓の下**にあります。👩‍👩‍👧 e\u0301\n\n| 部屋 | 幅 |\n|---|---|\n| 台所 | 3 m |\n\n> " + strings.Repeat("長い引用", 30) + "\n\n" + strings.Repeat("w", 150))
		b.settle()
		b.typed("そして" + strings.Repeat("配管", 30))
	}},
	{"nothing-said", nil, func(b *robot) { b.say(" "); b.settle() }},
	{"sessions-found", nil, func(b *robot) {
		l := twoConversations(b)
		b.typed("trap")
		b.until("found", func() bool { return len(l.shown) == 1 })
		l.timeless()
	}},
	{"sessions-not-found", nil, func(b *robot) {
		l := twoConversations(b)
		b.typed("zebra")
		b.until("nothing", func() bool { return len(l.shown) == 0 && !l.loading })
	}},
	{"sessions-rename", nil, func(b *robot) { twoConversations(b).timeless(); b.keys("ctrl+r") }},
	{"sessions-deleted", nil, func(b *robot) {
		l := twoConversations(b)
		b.keys("down", "ctrl+x")
		b.until("deleted", func() bool {
			for _, c := range l.shown {
				if !c.value.(sessions.Summary).Deleted.IsZero() {
					return true
				}
			}
			return false
		})
		l.timeless()
	}},
	{"themes-none", nil, func(b *robot) { b.keys("ctrl+t"); b.untilText("paper"); b.typed("zzz") }},
	{"models-not-found", nil, func(b *robot) { b.keys("ctrl+l"); b.untilText("other.gguf"); b.typed("zzz") }},
}

func TestStateScreens(t *testing.T) { playScenes(t, stateScenes) }
