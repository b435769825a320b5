package screen

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"scout/hardware"
	"scout/hardware/plan"
	"scout/ui/app"
)

// TestBetween makes rates of counts, and nothing of counts that fell.
func TestBetween(t *testing.T) {
	a := counts{busy: 100, own: 40, read: 1e6, swapped: 0, throttled: 3}
	b := counts{busy: 106, own: 43, read: 5e6, swapped: 2e6, throttled: 4}
	got := between(a, b, 2*time.Second, 4)
	if want := (app.Host{Cores: 4, Others: 1.5, Read: 2e6, Swap: 1e6, Throttled: true}); math.Abs(got.Others-want.Others) > 1e-9 || got.Read != want.Read || got.Swap != want.Swap || !got.Throttled || got.Cores != 4 {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := between(b, a, time.Second, 4); got.Read != 0 || got.Swap != 0 || got.Others != 0 || got.Throttled {
		t.Errorf("backwards: %+v", got)
	}
}

// TestLook looks at this machine, not more often than it is worth.
func TestLook(t *testing.T) {
	h := newHost(nil)
	h.throttle = func() (int64, bool) { return 7, true }
	if got, err := h.look(); err != nil || got.Cores != 0 {
		t.Fatalf("the first look: %+v, %v", got, err)
	}
	if got, _ := h.look(); got.Cores != 0 {
		t.Errorf("a second one at once: %+v", got)
	}
	h.at = h.at.Add(-time.Second)
	got, err := h.look()
	if err != nil || got.Cores < 1 || got.Others < 0 || got.Throttled {
		t.Errorf("a later one: %+v, %v", got, err)
	}
}

// TestCards shows the graphics cards when they have answered, asks for them seldom, and
// never again where there are none.
func TestCards(t *testing.T) {
	asked := make(chan bool)
	found := []hardware.GPU{{Name: "card", Used: 3, Total: 4}}
	h := newHost(func(context.Context) []hardware.GPU { asked <- true; return found })
	look := func(passed time.Duration) app.Host {
		t.Helper()
		h.mu.Lock()
		h.at, h.cardsAt = h.at.Add(-passed), h.cardsAt.Add(-passed)
		h.mu.Unlock()
		got, err := h.look()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	rest := func() {
		for {
			h.mu.Lock()
			asking := h.asking
			h.mu.Unlock()
			if !asking {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
	if got := look(0); len(got.GPUs) != 0 {
		t.Errorf("before they answer: %+v", got.GPUs)
	}
	<-asked
	rest()
	if got := look(time.Second); len(got.GPUs) != 1 || got.GPUs[0] != (app.GPU{Name: "card", Used: 3, Total: 4}) {
		t.Errorf("after they have: %+v", got.GPUs)
	}
	found = nil
	look(time.Minute)
	<-asked
	rest()
	if got := look(time.Minute); len(got.GPUs) != 0 {
		t.Errorf("after they are gone: %+v", got.GPUs)
	}
	select {
	case <-asked:
		t.Error("asked again where there are none")
	case <-time.After(20 * time.Millisecond):
	}
}

// smallFacts is a model of two layers, one of them with experts.
func smallFacts() plan.Facts {
	layer := plan.Layer{Attention: 1e8, Dense: 2e8, KVHeads: 8, HeadDim: 128}
	experts := layer
	experts.Experts = 4e9
	return plan.Facts{Name: "small", Layers: []plan.Layer{layer, experts}, Embedding: 1e8, Output: 1e8, Experts: 16, ExpertsUsed: 1,
		Width: 1024, Heads: 8, FF: 4096, Vocabulary: 1000, ContextLength: 4096}
}

// TestForeseen says what lies where, and what has no room.
func TestForeseen(t *testing.T) {
	machine := plan.Machine{Name: "test", RAM: plan.RAM{Total: 64e9, Free: 60e9, Bandwidth: 50e9, Measured: true}, Disk: plan.Disk{Name: "disk", Bandwidth: 1e9}}
	make := func(m plan.Machine) app.Forecast {
		t.Helper()
		p, err := plan.Make(smallFacts(), m, plan.Options{Context: 1024, Depth: 1024})
		if err != nil {
			t.Fatal(err)
		}
		return foreseen(p)
	}
	f := make(machine)
	if f.Assumed || f.OnDisk != 0 || len(f.Places) != 1 || f.Places[0].Holds != "all 2 layers with their 16 experts" || f.Empty < f.Full || f.Full <= 0 || f.PerToken == 0 || f.Limit == "" {
		t.Errorf("in memory: %+v", f)
	}
	machine.RAM.Measured = false
	machine.RAM.Total, machine.RAM.Free = 6e9, 4e9
	if f = make(machine); !f.Assumed || f.OnDisk == 0 || f.Places[0].OnDisk != f.OnDisk || !strings.Contains(f.Limit, "disk") {
		t.Errorf("from disk: %+v", f)
	}
	machine.RAM.Total, machine.RAM.Free = 64e9, 60e9
	machine.GPUs = []plan.GPU{{Name: "card", Total: 4e9, Free: 3.9e9, Bandwidth: 500e9, Flops: 50e12, Link: 12e9}}
	f = make(machine)
	if len(f.Places) != 2 || f.Places[1].Device != "card" || !strings.Contains(f.Places[1].Holds, "attention of 2 layers") || !strings.Contains(f.Places[0].Holds, "of 16 experts") {
		t.Errorf("with a card: %+v", f.Places)
	}
}
