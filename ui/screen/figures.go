package screen

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/mem"
	"github.com/shirou/gopsutil/v4/process"

	"scout/engine"
	"scout/hardware"
	"scout/hardware/plan"
	"scout/ui/app"
	"scout/ui/cli"
	"scout/ui/talk"
)

// forecast predicts a model that was opened with the settings as they are.
func forecast(s cli.Screen, kept *kept) func(context.Context, talk.Model) (app.Forecast, error) {
	return func(ctx context.Context, m talk.Model) (app.Forecast, error) {
		now := kept.settings()
		p, err := s.Forecast(ctx, m.Info(), engine.Options{Context: m.Context(), Threads: now.Threads, KV: now.KV})
		if err != nil {
			return app.Forecast{}, err
		}
		return foreseen(p), nil
	}
}

// foreseen is a plan as the app shows it.
func foreseen(p *plan.Plan) app.Forecast {
	f := app.Forecast{
		Empty: p.DecodeEmpty.Rate, Full: p.Decode.Rate, Prefill: p.Prefill.Rate, Limit: p.Decode.Limit,
		PerToken: p.Facts.PerToken(), Assumed: !p.Machine.RAM.Measured,
	}
	for d, use := range p.Devices {
		if use.Total() == 0 && use.OnDisk == 0 {
			continue
		}
		f.OnDisk += use.OnDisk
		f.Places = append(f.Places, app.Place{
			Device: use.Name, Holds: held(p, plan.Device(d)), Weights: use.Weights, KV: use.KV, Compute: use.Compute, OnDisk: use.OnDisk, Free: use.Free,
		})
	}
	return f
}

// held is what a device holds of a model, in words.
func held(p *plan.Plan, d plan.Device) string {
	attention, dense, experts, all := 0, 0, 0, 0
	for _, l := range p.Placement.Layers {
		if l.Attention == d {
			attention++
		}
		if l.Dense == d {
			dense++
		}
		for at, n := range l.Experts {
			all += int(n)
			if plan.Device(at) == d {
				experts += int(n)
			}
		}
	}
	layers := len(p.Placement.Layers)
	if attention == layers && dense == layers && experts == all {
		text := fmt.Sprintf("all %d layers", layers)
		if all > 0 {
			text += fmt.Sprintf(" with their %d experts", all)
		}
		return text
	}
	var parts []string
	if attention > 0 {
		parts = append(parts, fmt.Sprintf("attention of %d layers", attention))
	}
	if dense > 0 {
		parts = append(parts, fmt.Sprintf("dense parts of %d", dense))
	}
	if experts > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d experts", experts, all))
	}
	return strings.Join(parts, ", ")
}

// leastLook is the least time between two looks at the machine: counts of less say
// little.
const leastLook = 400 * time.Millisecond

// host looks at what the machine does. Rates are between one look and the next.
type host struct {
	mu       sync.Mutex
	at       time.Time
	counts   counts
	last     app.Host
	throttle func() (times int64, ok bool)
	cards    func(context.Context) []hardware.GPU // nil: nobody knows

	cardsAt time.Time // when they were last asked for
	asking  bool
	gpus    []app.GPU
	none    bool // there are none, so nobody asks again
}

// counts is what has been counted since the machine or the process began. What cannot
// be read is zero.
type counts struct {
	busy, own     float64 // seconds of all cores; of them, this process's
	read, swapped float64 // bytes
	throttled     int64   // times
}

func newHost(cards func(context.Context) []hardware.GPU) *host {
	return &host{throttle: throttled, cards: cards}
}

// leastCards is the least time between two looks at the graphics cards, which take a
// process of their own.
const leastCards = 10 * time.Second

// askCards looks at the graphics cards without waiting for them. The caller holds mu.
func (h *host) askCards(now time.Time) {
	if h.cards == nil || h.none || h.asking || now.Sub(h.cardsAt) < leastCards {
		return
	}
	h.asking, h.cardsAt = true, now
	go func() {
		found := h.cards(context.Background())
		h.mu.Lock()
		defer h.mu.Unlock()
		h.asking, h.none, h.gpus = false, len(found) == 0, nil
		for _, g := range found {
			h.gpus = append(h.gpus, app.GPU{Name: g.Name, Used: g.Used, Total: g.Total})
		}
	}()
}

// look is what the machine does now.
func (h *host) look() (app.Host, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if now.Sub(h.at) < leastLook {
		return h.last, nil
	}
	c, err := readCounts(h.throttle)
	if err != nil {
		return app.Host{}, err
	}
	if !h.at.IsZero() {
		h.last = between(h.counts, c, now.Sub(h.at), runtime.NumCPU())
	}
	h.at, h.counts = now, c
	h.askCards(now)
	h.last.GPUs = slices.Clone(h.gpus)
	return h.last, nil
}

// between is the rates from one count to another.
func between(a, b counts, passed time.Duration, cores int) app.Host {
	rate := func(x, y float64) float64 { return max(0, y-x) / passed.Seconds() }
	return app.Host{
		Cores:     cores,
		Others:    max(0, rate(a.busy, b.busy)-rate(a.own, b.own)),
		Read:      rate(a.read, b.read),
		Swap:      rate(a.swapped, b.swapped),
		Throttled: b.throttled > a.throttled,
	}
}

// readCounts reads what can be read here.
func readCounts(throttle func() (int64, bool)) (counts, error) {
	var c counts
	all, err := cpu.Times(false)
	if err != nil || len(all) == 0 {
		return c, fmt.Errorf("screen: reading the times of the cores: %w", err)
	}
	t := all[0]
	c.busy = t.User + t.System + t.Nice + t.Irq + t.Softirq // guests are counted among the users
	self, err := process.NewProcess(int32(os.Getpid()))
	if err != nil {
		return c, fmt.Errorf("screen: looking at this process: %w", err)
	}
	if own, err := self.Times(); err == nil {
		c.own = own.User + own.System
	}
	if io, err := self.IOCounters(); err == nil {
		c.read = float64(io.DiskReadBytes) // mapped files too; zero where the system does not say
	}
	if s, err := mem.SwapMemory(); err == nil {
		c.swapped = float64(s.Sin) + float64(s.Sout)
	}
	if n, ok := throttle(); ok {
		c.throttled = n
	}
	return c, nil
}
