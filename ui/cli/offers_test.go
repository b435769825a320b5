package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"scout/downloads/faultserver"
	"scout/engine"
	"scout/hardware"
	"scout/hardware/catalogue"
)

// offerApp is a command line on a machine with so much memory, total and free.
func offerApp(t *testing.T, total, free int64) *App {
	t.Helper()
	a := newTestApp(t, newFakeModel())
	demo, err := os.ReadFile(filepath.Join("..", "..", "testdata", "models", "tiny-scout-Q8_0.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	a.App.files = modelFiles{demo: demo}
	a.App.memory = func() (hardware.Memory, error) { return hardware.Memory{Total: total, Available: free}, nil }
	return a.App
}

func namesOf(all []Offer) string {
	var names []string
	for _, o := range all {
		names = append(names, fmt.Sprintf("%s %s here=%v", o.Name, o.Quant, o.Here))
	}
	return strings.Join(names, "\n")
}

// TestOffers begins with the demo, and marks one model of the catalogue as what suits
// the machine best.
func TestOffers(t *testing.T) {
	hubWith(t)
	for _, test := range []struct {
		total int64
		picks int
	}{{64e9, 1}, {1 << 30, 0}} {
		all, err := offerApp(t, test.total, test.total*9/10).offers(t.Context(), engine.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if all[0].Name != demoName || !all[0].Here || all[0].Bytes == 0 || len(all) < 3 {
			t.Errorf("the offers are\n%s", namesOf(all))
		}
		picks := 0
		for _, o := range all[1:] {
			if o.Here || o.Bytes == 0 || o.Fit == FitUnknown || o.Need < o.Bytes/2 {
				t.Errorf("offer %+v", o)
			}
			if o.Pick {
				picks++
				if o.Fit != FitYes || !o.Best || o.Fast <= 0 || o.Slow > o.Fast {
					t.Errorf("the pick is %+v", o)
				}
			}
		}
		if picks != test.picks {
			t.Errorf("%d bytes: %d picks, want %d:\n%s", test.total, picks, test.picks, namesOf(all))
		}
	}
}

// TestOfferFit goes by what is free, and says what other programs are in the way of.
func TestOfferFit(t *testing.T) {
	m, _, ok := catalogue.Find("llama4:scout")
	if !ok {
		t.Fatal("llama4:scout is not in the catalogue")
	}
	q, ok := m.Quant("Q4_K_M")
	if !ok {
		t.Fatal("it has no Q4_K_M")
	}
	for _, test := range []struct {
		total, free int64
		want        OfferFit
	}{{256e9, 200e9, FitYes}, {256e9, 40e9, FitTight}, {72e9, 65e9, FitTight}, {32e9, 30e9, FitNo}, {3e9, 1e9, FitNo}} {
		a := offerApp(t, test.total, test.free)
		all, err := a.offer(t.Context(), engine.Options{}, func(w *offering) ([]Offer, error) { return []Offer{w.listedOffer(m, q)}, nil })
		if err != nil {
			t.Fatal(err)
		}
		if all[0].Fit != test.want || all[0].Need == 0 {
			t.Errorf("%d of %d free: fit %d, need %d, want fit %d", test.free, test.total, all[0].Fit, all[0].Need, test.want)
		}
	}
}

// TestQuantsOf lists what is here first, then what there is to be had.
func TestQuantsOf(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "models", "tiny-scout-Q8_0.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	hubWith(t, faultserver.Data("Tiny-Q4_0.gguf", append(slices.Clone(data), make([]byte, 64)...)))
	scoutCommand(t, ExitDone, "pull", "--accept-license", hubModel)
	a := offerApp(t, 64e9, 32e9)
	all, err := a.quantsOf(t.Context(), hubStored, false, engine.Options{})
	if err != nil || len(all) != 1 || all[0].Name != hubStored || !all[0].Here || all[0].Quant != "Q8_0" || all[0].Fit != FitYes || all[0].Fast <= 0 {
		t.Fatalf("here is %+v, %v", all, err)
	}
	all, err = a.quantsOf(t.Context(), hubStored, true, engine.Options{})
	if err != nil || len(all) != 2 || all[1].Quant != "Q4_0" || all[1].Here || all[1].Fit != FitYes || all[1].Bytes < int64(len(data)) {
		t.Fatalf("with the hub there is\n%s, %v", namesOf(all), err)
	}
	t.Setenv("HF_HUB_OFFLINE", "1")
	if all, err = a.quantsOf(t.Context(), hubStored, true, engine.Options{}); err == nil || len(all) != 1 {
		t.Errorf("without the hub there is\n%s, %v", namesOf(all), err)
	}
}

// TestQuantsOfListed lists the quantizations of the catalogue, the best first, and one
// of them as what the machine does best with.
func TestQuantsOfListed(t *testing.T) {
	hubWith(t)
	a := offerApp(t, 256e9, 200e9)
	for _, name := range []string{"llama4:scout", "hf.co/unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF:Q4_K_M"} {
		all, err := a.quantsOf(t.Context(), name, false, engine.Options{})
		m, _, _ := catalogue.Find("llama4:scout")
		if err != nil || len(all) != len(m.Quants) {
			t.Fatalf("%s: %v\n%s", name, err, namesOf(all))
		}
		best := 0
		for _, o := range all {
			if o.Best {
				best++
			}
			if o.Quality == "" || o.Here {
				t.Errorf("%+v", o)
			}
		}
		if best != 1 {
			t.Errorf("%d are best", best)
		}
	}
}

// TestQuantsBeside lists the files of a folder that hold the same model, and no others.
func TestQuantsBeside(t *testing.T) {
	hubWith(t)
	dir := filepath.Join(t.TempDir(), "a [b]*")
	if runtime.GOOS == "windows" {
		dir = filepath.Join(t.TempDir(), "a (b)")
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for to, from := range map[string]string{"one.gguf": "tiny-scout-Q8_0.gguf", "two.gguf": "tiny-scout-Q8_0.gguf", "tower.gguf": "mmproj-tiny-scout.gguf"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "models", from))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, to), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "broken.gguf"), []byte("GGUF"), 0o644); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "two.gguf")
	all, err := offerApp(t, 64e9, 32e9).quantsOf(t.Context(), path, false, engine.Options{})
	if err != nil || len(all) != 2 || filepath.Base(all[0].Name) != "one.gguf" || all[1].Name != path || !all[1].Here || all[1].Bytes == 0 {
		t.Errorf("beside it are\n%s, %v", namesOf(all), err)
	}
	all, err = offerApp(t, 64e9, 32e9).offer(t.Context(), engine.Options{}, func(w *offering) ([]Offer, error) {
		return w.beside(path, func(i engine.Info) bool { return i.Layers == 48 }), nil
	})
	if err != nil || len(all) != 0 {
		t.Errorf("of another model there are\n%s, %v", namesOf(all), err)
	}
}

// TestCached sees that a file which was just written is in memory.
func TestCached(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux says what of a file is in memory")
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, make([]byte, 40<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := cachedShare([]string{path}); got < 0.9 {
		t.Errorf("it is to %v", got)
	}
}

// TestForecast predicts a model that is open as if its memory were its own.
func TestForecast(t *testing.T) {
	a := offerApp(t, 64e9, 1e9)
	info, err := a.files.inspect(demoName)
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.forecast(t.Context(), info, engine.Options{Context: 512})
	if err != nil || p.Streamed || p.DecodeEmpty.Rate < p.Decode.Rate || p.Decode.Rate <= 0 {
		t.Errorf("%+v, %v", p, err)
	}
	if lines := a.describeMachine(t.Context()); len(lines) != 1 || !strings.Contains(lines[0], "of memory are free") {
		t.Errorf("the machine is %q", lines)
	}
}

// TestOffersEnd ends when it is not wanted any more.
func TestOffersEnd(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := offerApp(t, 64e9, 32e9).offers(ctx, engine.Options{}); err == nil {
		t.Error("it did not")
	}
}

func TestContextThatFits(t *testing.T) {
	if got := ContextThatFits(fmt.Errorf("opening: %w", &fitError{advice: 4096})); got != 4096 {
		t.Errorf("got %d", got)
	}
	if got := ContextThatFits(os.ErrNotExist); got != 0 {
		t.Errorf("got %d", got)
	}
}

func TestCachedShare(t *testing.T) {
	if got := cachedShare([]string{filepath.Join(t.TempDir(), "none")}); got >= 0 {
		t.Errorf("of a file that is not there: %v", got)
	}
	if got := cachedShare(nil); got >= 0 {
		t.Errorf("of no file: %v", got)
	}
}
