package app

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"scout/ui/talk"
)

// measured is a forecast of a machine whose speed was measured.
var measured = Forecast{
	Empty: 20, Full: 10, Prefill: 120, Limit: "RAM at 48 GB/s", PerToken: 2.4e9,
	Places: []Place{{Device: "RAM", Holds: "all 48 layers with their 768 experts", Weights: 65e9, KV: 3e9, OnDisk: 12e9, Free: 60e9}},
}

func withFigures(f Forecast, h Host) func(*Config) {
	return func(c *Config) {
		c.Forecast = func(context.Context, talk.Model) (Forecast, error) { return f, nil }
		c.Host = func() (Host, error) { return h, nil }
	}
}

// atWork has a reply come at a rate, some seconds after it began.
func (b *robot) atWork(rate float64) {
	b.t.Helper()
	b.until("a forecast", func() bool { return b.r.figures.known })
	if b.r.config.Host != nil {
		h, _ := b.r.config.Host()
		b.send(hostMsg{h})
	}
	b.model.gate = make(chan struct{})
	b.say(answer)
	for range 3 {
		b.model.gate <- struct{}{}
	}
	b.until("some text", func() bool { b.r.glance(); return b.r.live.Stats.Generated == 2 })
	b.r.live.Rate, b.r.live.Rates, b.r.live.FirstToken = rate, []float64{12, 15, 18, 17, rate}, 0
	b.r.live.Stats.Decode, b.r.live.Stats.Generated, b.r.live.Started = 3*time.Second, 40, clock
	b.r.live.ContextUsed, b.r.live.Context = 512, 1024
}

var figureScenes = []scene{
	{"writing-expected", withFigures(measured, Host{Cores: 8, Others: 0.1}), func(b *robot) { b.atWork(13.1) }},
	{"slow-others", withFigures(measured, Host{Cores: 8, Others: 4.2}), func(b *robot) { b.atWork(5) }},
	{"slow-unknown", withFigures(measured, Host{Cores: 8}), func(b *robot) { b.atWork(5) }},
	{"gpus", withFigures(measured, Host{Cores: 8, GPUs: []GPU{{"RTX 4090", 22 << 30, 24 << 30}, {"RTX 3090", 12 << 30, 24 << 30}}}), func(b *robot) { b.atWork(13.1) }},
	{"why", withFigures(measured, Host{Cores: 8, Others: 0.1, Read: 0}), func(b *robot) { b.atWork(13.1); b.keys("f4") }},
	{"why-slow", withFigures(measured, Host{Cores: 8, Others: 0.1, Read: 900e6, GPUs: []GPU{{"RTX 4090", 22 << 30, 24 << 30}}}), func(b *robot) { b.atWork(4); b.keys("f4") }},
	{"why-nothing", nil, func(b *robot) { b.keys("f4") }},
}

func TestFigureScreens(t *testing.T) { playScenes(t, figureScenes) }

// TestCause names the cause that weighs most, and only one that weighs something.
func TestCause(t *testing.T) {
	for _, test := range []struct {
		f    Forecast
		h    Host
		want string
	}{
		{Forecast{}, Host{}, ""},
		{Forecast{}, Host{Cores: 2, Others: 0.4}, ""},
		{Forecast{}, Host{Cores: 64, Others: 2}, ""},
		{Forecast{}, Host{Cores: 2, Others: 1.3}, "other programs use 1.3 of 2 cores"},
		{Forecast{}, Host{Cores: 2, Others: 1.3, Throttled: true}, "heat"},
		{Forecast{}, Host{Cores: 2, Others: 1.3, Read: 50e6}, "still come from the disk, 50.0 MB/s"},
		{Forecast{OnDisk: 3 << 30}, Host{Read: 50e6}, "3.0 GiB of them have no room"},
		{Forecast{OnDisk: 3 << 30}, Host{Read: 1e6}, ""},
		{Forecast{OnDisk: 3 << 30}, Host{Read: 50e6, Swap: 5e6}, "swap"},
	} {
		what, help := cause(test.f, test.h)
		if !strings.Contains(what, test.want) || test.want == "" && what != "" || (what == "") != (help == "") {
			t.Errorf("%+v %+v: %q (%q), want %q", test.f, test.h, what, help, test.want)
		}
	}
}

// TestForecastAt goes from one end to the other.
func TestForecastAt(t *testing.T) {
	f := Forecast{Empty: 20, Full: 10}
	for _, test := range []struct {
		used, context int
		want          float64
	}{{0, 100, 20}, {100, 100, 10}, {200, 100, 10}, {50, 100, 40.0 / 3}, {0, 0, 20}} {
		if got := f.at(test.used, test.context); math.Abs(got-test.want) > 1e-9 {
			t.Errorf("%d of %d: %v, want %v", test.used, test.context, got, test.want)
		}
	}
	if got := (Forecast{Empty: 5}).at(50, 100); got != 5 {
		t.Errorf("without the full: %v", got)
	}
}

// TestSlowOnlyIfKnown complains of no rate that is as expected, nor of one of which
// only a guess is known, nor before enough was written.
func TestSlowOnlyIfKnown(t *testing.T) {
	guess := measured
	guess.Assumed = true
	for _, test := range []struct {
		name   string
		f      Forecast
		h      Host
		change func(r *root)
		want   string
	}{
		{"as expected", measured, Host{}, func(r *root) { r.live.Rate = 10 }, ""},
		{"slower", measured, Host{}, func(r *root) {}, "slow: 5.0 of 13 tok/s, every token waits for RAM at 48 GB/s"},
		{"a guess", guess, Host{}, func(r *root) {}, ""},
		{"a guess and a cause", guess, Host{Cores: 2, Others: 1}, func(r *root) {}, "slow: other programs use 1.0 of 2 cores"},
		{"a guess, and it was faster", guess, Host{}, func(r *root) { r.figures.best = 12 }, "slow: 5.0 of 12 tok/s"},
		{"too early", measured, Host{}, func(r *root) { r.live.Stats.Decode = time.Second }, ""},
		{"not writing", measured, Host{}, func(r *root) { r.live.Phase = talk.Reading }, ""},
	} {
		b := newRobot(t, 80, 24, withFigures(test.f, test.h))
		b.atWork(5)
		test.change(b.r)
		got := b.text()
		if !strings.Contains(got, test.want) || test.want == "" && strings.Contains(got, "slow:") {
			t.Errorf("%s: want %q in\n%s", test.name, test.want, got)
		}
	}
}

// TestBestIsKept keeps the fastest rate of a model, until another one is opened.
func TestBestIsKept(t *testing.T) {
	b := newRobot(t, 80, 24, withSecond(nil))
	for _, seconds := range []int{4, 2, 8} {
		b.r.live.Phase, b.r.live.Stats.Generated, b.r.live.Stats.Decode = talk.Idle, 41, time.Duration(seconds)*time.Second
		b.r.noteRate()
	}
	if b.r.figures.best != 20 {
		t.Errorf("best is %v", b.r.figures.best)
	}
	b.command("/quant q2_k_xl")
	b.until("the second", func() bool { return b.r.current == quantTable()[1].Name })
	if b.r.figures.best != 0 {
		t.Error("the second has the first one's figures")
	}
}

// TestFiguresOfAnother leaves a forecast that comes after its model went.
func TestFiguresOfAnother(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	b.send(forecastMsg{name: "gone", forecast: measured})
	b.send(forecastMsg{name: "fake", err: errors.New("unknown")})
	if b.r.figures.known {
		t.Error("it was taken")
	}
}
