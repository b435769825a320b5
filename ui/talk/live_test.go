package talk

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"scout/engine"
)

// TestLive expects the figures of a reply at each of its phases.
func TestLive(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := newFake()
		m.context = 1000
		m.script = func(_ int, told string, _ engine.Sampling) []step {
			steps := []step{
				{wait: time.Second, tiles: [2]int{0, 2}}, {wait: time.Second, tiles: [2]int{2, 2}},
				{wait: time.Second, read: 4}, {wait: time.Second, read: len(told)},
			}
			for range 100 { // 20 a second, for 5 s
				steps = append(steps, step{wait: 50 * time.Millisecond, text: "x"})
			}
			for range 12 { // 4 a second, for 3 s
				steps = append(steps, step{wait: 250 * time.Millisecond, text: "y"})
			}
			return append(steps, step{wait: 10 * time.Second, done: engine.EndOfTurn})
		}
		k := begun(t, Options{Model: m})
		if l := k.Live(); l.Phase != Idle || l.Context != 1000 || l.ContextUsed != 0 || len(l.Rates) != 0 {
			t.Errorf("before anything live is %+v", l)
		}
		must(t, k.Send("Hi", nil))
		look := func(at time.Duration, phase Phase, rate float64) Live {
			t.Helper()
			time.Sleep(at)
			synctest.Wait()
			l := k.Live()
			if l.Phase != phase || math.Abs(l.Rate-rate) > 0.05*rate {
				t.Errorf("phase %d at %.2f tokens a second, want %d at %.2f: %+v", l.Phase, l.Rate, phase, rate, l)
			}
			return l
		}
		look(500*time.Millisecond, Reading, 0)
		look(time.Second, Seeing, 0)
		look(time.Second, Reading, 0)
		if l := look(time.Second, Reading, 0); l.Stats.PromptDone != 4 || l.ContextUsed != 4 || l.FirstToken != 0 {
			t.Errorf("while it reads live is %+v", l)
		}
		if l := look(700*time.Millisecond+time.Millisecond, Writing, 20); l.FirstToken != 4050*time.Millisecond {
			t.Errorf("the first token came after %v", l.FirstToken)
		}
		l := look(3*time.Second, Writing, 20)
		if n := len(l.Rates); n != 6 || l.Rates[1] != 20 || l.Rates[n-1] != 20 {
			t.Errorf("after 3.15 s of writing, rates are %v", l.Rates)
		}
		if l.ContextUsed != len(m.told[0])+64 || time.Since(l.Started) != 7201*time.Millisecond {
			t.Errorf("live is %+v", l)
		}
		l = look(5*time.Second, Writing, 4)
		if n := len(l.Rates); l.Rates[n-1] != 4 || n != 16 {
			t.Errorf("after 8.15 s of writing, rates are %v", l.Rates)
		}
		l = look(3*time.Second, Writing, 0)
		if n := len(l.Rates); l.Rates[n-1] != 0 {
			t.Errorf("after a pause, rates are %v", l.Rates)
		}
		l = look(time.Minute, Idle, 0)
		if l.Stats.Generated != 112 || l.ContextUsed != len(m.told[0])+112 || l.FirstToken == 0 {
			t.Errorf("at the end live is %+v", l)
		}
		before := len(l.Rates)
		must(t, k.Regenerate())
		if l := look(90*time.Second, Idle, 0); len(l.Rates) != min(60, 2*before) {
			t.Errorf("%d rates are kept after another reply, %d were before", len(l.Rates), before)
		}
	})
}

// TestStoppingStays expects a step that comes after Stop not to look as if it went on.
func TestStoppingStays(t *testing.T) {
	f := figures{phase: Stopping}
	f.count(engine.Stats{Generated: 1}, time.Now())
	if f.phase != Stopping || f.stats.Generated != 1 {
		t.Errorf("figures are %+v", f)
	}
}

// TestMeterLong expects a meter that nobody looks at for a year to say so at once.
func TestMeterLong(t *testing.T) {
	var m meter
	now := time.Unix(0, 0)
	m.add(5, now)
	m.add(5, now.Add(time.Second))
	if got := m.rate(now.Add(time.Second)); math.Abs(got-9) > 0.01 {
		t.Errorf("nine more tokens in a second are %v", got)
	}
	now = now.Add(365 * 24 * time.Hour)
	if got := m.rate(now); got != 0 {
		t.Errorf("a year later the rate is %v", got)
	}
	m.add(8, now)
	m.advance(now.Add(500 * time.Millisecond))
	if list := m.rates(); len(list) != mostRates || list[mostRates-1] != 16 || list[0] != 0 {
		t.Errorf("rates are %v", list)
	}
}

// TestStepAllocates expects a token to cost next to no allocation: a growing text is
// copied now and then, and nothing else.
func TestStepAllocates(t *testing.T) {
	k := begun(t, Options{Model: newFake()})
	j := &job{after: k.tree.root}
	d := engine.Delta{Text: "word ", Stats: engine.Stats{PromptTokens: 5, Generated: 1}}
	k.step(j, engine.Sampling{}, d, nil)
	j.reply.draft.Grow(1 << 20)
	n := testing.AllocsPerRun(1000, func() {
		d.Stats.Generated++
		k.step(j, engine.Sampling{}, d, nil)
		k.LiveText()
	})
	if n > 0 {
		t.Errorf("a token costs %v allocations", n)
	}
}
