package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMain makes the test binary an engine where a test has started it as one.
func TestMain(m *testing.M) {
	if os.Getenv("COMPARE_TEST_LOG") != "" {
		os.Exit(playEngine(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// playEngine is an engine that measures nothing: it writes its turns into a
// log and reports the rates that are its arguments, behind its name. A rate
// "fail" ends it in the turn of that rate.
func playEngine(args []string) int {
	name, rates := args[0], args[1:]
	log := func(what any) {
		f, err := os.OpenFile(os.Getenv("COMPARE_TEST_LOG"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
		if err == nil {
			_, err = fmt.Fprintf(f, "%s%v ", name, what)
		}
		if err != nil {
			panic(err)
		}
		f.Close()
	}
	in := bufio.NewScanner(os.Stdin)
	log(0)
	fmt.Println(`{"turn":0}`)
	for i, rate := range rates {
		in.Scan()
		log(i + 1)
		if rate == "fail" {
			fmt.Fprintln(os.Stderr, "first\nout of luck")
			return 3
		}
		fmt.Printf("{\"turn\":%d}\n", i+1)
	}
	if in.Scan() {
		return 4 // a turn too many
	}
	log("end")
	fmt.Printf(`{"engine":%q,"machine":"Abacus","cpu":"beads","runs":[{"test":"tg","tokens":4,"depth":7,"tok_s":[%s],"bandwidth_share":0.75}]}`+"\n",
		name, strings.Join(rates, ","))
	return 0
}

var played = testCase{Name: "played", Model: "-layers 4", depth: 7, tests: []test{{"tg", 4, 1.5}}}

// play matches two played engines and returns their log.
func play(t *testing.T, rounds int, a, b []string) (session, string, error) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := func(name string, rates []string) []string { return append([]string{self, name}, rates...) }
	s, err := match(context.Background(), command("A", a), command("B", b), []string{"COMPARE_TEST_LOG=" + log}, rounds)
	text, logErr := os.ReadFile(log)
	if logErr != nil {
		t.Fatal(logErr)
	}
	return s, strings.TrimSpace(string(text)), err
}

func TestRivalsTakeTurns(t *testing.T) {
	first, log, err := play(t, 3, []string{"20", "40", "30"}, []string{"10", "10", "20"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "A0 B0 A1 B1 A2 B2 A3 B3 Aend Bend"; log != want {
		t.Errorf("the order was %s, want %s", log, want)
	}
	second, _, err := play(t, 2, []string{"50", "60"}, []string{"10", "10"})
	if err != nil {
		t.Fatal(err)
	}
	r := result{Sessions: []session{first, second}}
	if err := r.pair(played); err != nil {
		t.Fatal(err)
	}
	f := r.Figures[0]
	if len(r.Figures) != 1 || f.Ratio != 4 || !f.met() || f.Ratios != (spread{4, 1.5, 6}) || f.Scout != (spread{40, 20, 60}) ||
		f.Peer != (spread{10, 10, 20}) || f.Share != (spread{0.75, 0.75, 0.75}) {
		t.Errorf("got %+v", r.Figures)
	}
	if !slices.Equal(f.Rounds, []float64{2, 4, 1.5, 5, 6}) {
		t.Errorf("ratios of the rounds are %v", f.Rounds)
	}
}

func TestRivalThatFails(t *testing.T) {
	_, log, err := play(t, 2, []string{"20", "40"}, []string{"10", "fail"})
	if err == nil || !strings.Contains(err.Error(), "round 2: llama.cpp: exit status 3: out of luck") {
		t.Errorf("got %v, want who failed, where and why", err)
	}
	if want := "A0 B0 A1 B1 A2 B2"; log != want {
		t.Errorf("the order was %s, want %s", log, want)
	}
	if _, _, err := play(t, 3, []string{"1", "2", "3"}, []string{"1", "2"}); err == nil || !strings.Contains(err.Error(), "llama.cpp: ") {
		t.Errorf("an engine with too few turns: got %v", err)
	}
}

func TestPairWantsEveryTest(t *testing.T) {
	ours := record{Runs: []measured{{Test: "tg", Tokens: 4, Depth: 7, Rates: []float64{1, 2}}}}
	for name, theirs := range map[string]record{
		"another length":    {Runs: []measured{{Test: "tg", Tokens: 5, Depth: 7, Rates: []float64{1, 2}}}},
		"another depth":     {Runs: []measured{{Test: "tg", Tokens: 4, Rates: []float64{1, 2}}}},
		"no rates":          {Runs: []measured{{Test: "tg", Tokens: 4, Depth: 7}}},
		"another number":    {Runs: []measured{{Test: "tg", Tokens: 4, Depth: 7, Rates: []float64{1}}}},
		"nothing whatever ": {},
	} {
		r := result{Sessions: []session{{Scout: ours, Peer: theirs}}}
		if err := r.pair(played); err == nil {
			t.Errorf("%s: got %v, want an error", name, r.Figures)
		}
	}
}

// TestCases expects what every case needs: tests with bars that both engines
// can be asked for at once.
func TestCases(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range allCases() {
		if seen[c.Name] || c.gigabytes <= 0 || len(c.tests) == 0 || !strings.HasPrefix(c.Model, "-layers ") {
			t.Errorf("case %+v", c)
		}
		seen[c.Name] = true
		for _, test := range c.tests {
			if test.bar < 1 || test.tokens < 1 || test.kind != "pp" && test.kind != "tg" {
				t.Errorf("%s: test %+v", c.Name, test)
			}
		}
	}
	all, err := options{}.cases()
	if err != nil || len(all) != len(seen) {
		t.Errorf("without flags: %d cases (%v), want %d", len(all), err, len(seen))
	}
	quick, err := options{quick: true}.cases()
	if err != nil || len(quick) == 0 || slices.ContainsFunc(quick, func(c testCase) bool { return c.gigabytes > quickGigabytes }) {
		t.Errorf("quick: %v (%v)", quick, err)
	}
	if got, err := (options{pattern: "no such case"}).cases(); err == nil {
		t.Errorf("cases of no name: %v", got)
	}
	if got, err := (options{pattern: "("}).cases(); err == nil {
		t.Errorf("cases of half an expression: %v", got)
	}
}

func TestCommands(t *testing.T) {
	tools := tools{scout: "/x/scout.exe", peer: "/x/peer.exe"}
	c := testCase{depth: 9, tests: []test{{"pp", 32, 2}, {"tg", 6, 2}, {"pp", 64, 2}}}
	scout, peer := tools.commands(c, "/tmp/m.gguf", options{sessions: 2, rounds: 5, threads: 2, realtime: true})
	if got, want := commandLine(scout), "chrt -r 10 scout bench MODEL --pp 32,64 --tg 6 --depth 9 --reps 5 --threads 2 --turns --json"; got != want {
		t.Errorf("scout: %s, want %s", got, want)
	}
	if got, want := commandLine(peer), "chrt -r 10 peer -m MODEL -pp 32,64 -tg 6 -depth 9 -r 5 -t 2 -turns"; got != want {
		t.Errorf("peer: %s, want %s", got, want)
	}
	c.long = true
	scout, _ = tools.commands(c, "/tmp/m.gguf", options{sessions: 2, rounds: 5, threads: 2})
	if got, want := commandLine(scout), "scout bench MODEL --pp 32,64 --tg 6 --depth 9 --reps 10 --threads 2 --turns --json"; got != want {
		t.Errorf("a long case: %s, want %s", got, want)
	}
	scout, _ = tools.commands(testCase{tests: []test{{"tg", 6, 2}}}, "/tmp/m.gguf", options{rounds: 1, threads: 1})
	if got, want := commandLine(scout), "scout bench MODEL --pp 0 --tg 6 --depth 0 --reps 1 --threads 1 --turns --json"; got != want {
		t.Errorf("scout: %s, want %s", got, want)
	}
}

func TestFreeGigabytes(t *testing.T) {
	got, err := freeGigabytes("Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/x 9000000 1 2000000 1% /some where\n")
	if err != nil || got != 2.048 {
		t.Errorf("got %v and %v, want 2.048", got, err)
	}
	for _, bad := range []string{"", "one line", "names\nfew words", "names\n/dev/x 1 2 many 1% /"} {
		if got, err := freeGigabytes(bad); err == nil {
			t.Errorf("%q: got %v, want an error", bad, got)
		}
	}
}

func TestReport(t *testing.T) {
	match, _, err := play(t, 1, []string{"140"}, []string{"100"})
	if err != nil {
		t.Fatal(err)
	}
	r := report{Date: "2026-01-02", Sessions: 1, Rounds: 1, Machine: machine{Threads: 2, Llama: "package 1.2", Realtime: "chrt -r 10"}}
	got := result{Case: "played", Model: "-layers 4", Sessions: []session{match}}
	if err := got.pair(played); err != nil {
		t.Fatal(err)
	}
	r.add(got)
	o := options{markdown: filepath.Join(t.TempDir(), "md"), json: filepath.Join(t.TempDir(), "json")}
	if err := r.write(o); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(o.markdown)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"2026-01-02, Abacus, ", "llama.cpp from package 1.2, its beads build", "before all other programs of the machine (`chrt -r 10`)",
		"| played | decode 4 after 7 | 140 (140 to 140) | 100 (100 to 100) | **1.40** (1.40 to 1.40) | 1.50 | missed | 0.75 (0.75 to 0.75) |",
		"| played | `synthmodel -layers 4` | ",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	b, err := os.ReadFile(o.json)
	if err != nil {
		t.Fatal(err)
	}
	var back report
	if err := json.Unmarshal(b, &back); err != nil || len(back.Results) != 1 || back.Results[0].Figures[0].Ratio != 1.4 || back.Results[0].Sessions[0].Scout.Engine != "A" {
		t.Errorf("the file says %+v (%v)", back, err)
	}
}

// TestModels writes a model once and finds it again.
func TestModels(t *testing.T) {
	folder := t.TempDir()
	writer := filepath.Join(folder, "writer")
	script := "#!/bin/sh\nfor last; do :; done\necho x >>" + filepath.Join(folder, "calls") + "\necho model >\"$last\"\n"
	if err := os.WriteFile(writer, []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	m := models{folder: filepath.Join(folder, "kept"), keep: true, synth: writer}
	c := testCase{Name: "one", Model: "-layers 4"}
	first, err := m.get(t.Context(), c, false)
	if err != nil {
		t.Fatal(err)
	}
	again, err := m.get(t.Context(), testCase{Name: "same model", Model: c.Model, depth: 5}, false)
	other, err2 := m.get(t.Context(), testCase{Name: "another", Model: "-layers 5"}, false)
	if err != nil || err2 != nil || again != first || other == first {
		t.Errorf("got %s and %s after %s (%v, %v)", again, other, first, err, err2)
	}
	if calls, err := os.ReadFile(filepath.Join(folder, "calls")); err != nil || string(calls) != "x\nx\n" {
		t.Errorf("the writer was called for %q (%v), want twice", calls, err)
	}
	if got, err := m.get(t.Context(), testCase{Model: "-layers 5"}, true); err != nil || got != other {
		t.Errorf("anew: got %s (%v), want %s", got, err, other)
	}
	if calls, err := os.ReadFile(filepath.Join(folder, "calls")); err != nil || string(calls) != "x\nx\nx\n" {
		t.Errorf("the writer was called for %q (%v), want a third time", calls, err)
	}
	if m.drop(); !exists(first) || !exists(other) {
		t.Error("a model that was to be kept is gone")
	}
	m.keep = false
	if m.drop(); exists(other) {
		t.Error("a model that was not to be kept is still there")
	}
	c.gigabytes = 1e9
	c.Model = "-layers 6"
	if _, err := m.get(t.Context(), c, false); err == nil || !strings.Contains(err.Error(), "GB free") {
		t.Errorf("a model larger than any disk: got %v", err)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
