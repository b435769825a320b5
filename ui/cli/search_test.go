package cli

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"scout/downloads/faultserver"
)

// searchable makes the test hub answer a search, with a second page.
func searchable(t *testing.T) (asked *[]string) {
	t.Helper()
	s, _ := hubServer(t)
	asked = &[]string{}
	s.Handle("/api/models", func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.URL.RawQuery)
		switch {
		case r.URL.Query().Get("search") == "nothing":
			_, _ = w.Write([]byte("[]"))
		case r.URL.Query().Get("cursor") == "2":
			_, _ = w.Write([]byte(`[{"id":"second/Page-GGUF","downloads":1}]`))
		default:
			w.Header().Set("Link", "<"+s.Hub+`/api/models?cursor=2>; rel="next"`)
			_, _ = w.Write([]byte(`[{"id":"unsloth/Scout-GGUF","downloads":12345,"likes":9,"gated":"auto","lastModified":"2025-04-08T00:00:00Z","tags":["license:llama4"],
				"gguf":{"total":107769855040,"architecture":"llama4","context_length":10485760},
				"siblings":[{"rfilename":"s-Q2_K.gguf"},{"rfilename":"s-Q3_K_M.gguf"},{"rfilename":"s-Q8_0.gguf"},{"rfilename":"mmproj-F16.gguf"}]},
				{"id":"a/Bare-GGUF"}]`))
		}
	})
	return asked
}

func TestSearch(t *testing.T) {
	asked := searchable(t)
	out, errs := scoutCommand(t, ExitDone, "search", "llama", "4")
	want := "unsloth/Scout-GGUF\t108 B\tQ2_K to Q8_0 (3), about 40.4 GB to 114.5 GB\tQ3_K_M fits\t12345 downloads\tllama4, gated, vision\t2025-04-08\n" +
		"a/Bare-GGUF\t\t\t\t0 downloads\tno licence named\t\n"
	if out != want || errs != "" {
		t.Errorf("search wrote %q and %q\nwant %q", out, errs, want)
	}
	if !strings.Contains((*asked)[0], "search=llama+4") {
		t.Errorf("it asked for %q", *asked)
	}
	out, _ = scoutCommand(t, ExitDone, "search", "x", "--page", "2", "--sort", "updated", "--limit", "5")
	if !strings.HasPrefix(out, "second/Page-GGUF\t") || !strings.Contains((*asked)[1], "sort=lastModified") || !strings.Contains((*asked)[1], "limit=5") {
		t.Errorf("the second page is %q, asked %q", out, *asked)
	}
	_, errs = scoutCommand(t, ExitError, "search", "x", "--page", "3")
	mustContain(t, errs, "the search has 2 pages, and no page 3")
	out, errs = scoutCommand(t, ExitDone, "search", "nothing")
	if mustContain(t, errs, "nothing was found"); out != "" {
		t.Errorf("search wrote %q", out)
	}
	a := newTestApp(t, newFakeModel())
	a.terminal("")
	if code := a.run("search", "x"); code != ExitDone {
		t.Errorf("exit code %d", code)
	}
	mustContain(t, a.out.String(), "unsloth/Scout-GGUF   108 B   Q2_K to Q8_0")
	mustContain(t, a.err.String(), "there is more: --page 2")
}

func TestSearchJSON(t *testing.T) {
	searchable(t)
	out, _ := scoutCommand(t, ExitDone, "search", "x", "--json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines: %q", len(lines), out)
	}
	var got foundRecord
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil || got.Name != "unsloth/Scout-GGUF" || got.Parameters != 107769855040 || len(got.Quants) != 3 || got.Fits != "Q3_K_M" || !got.Gated || !got.Vision || got.License != "llama4" {
		t.Errorf("the first line is %+v, %v", got, err)
	}
	mustContain(t, lines[1], `"name":"a/Bare-GGUF"`, `"quants":[]`)
}

func TestSearchUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"x", "--limit", "0"}, {"x", "--limit", "101"}, {"x", "--page", "0"}, {"x", "--page", "101"}, {"x", "--sort", "size"}} {
		scoutCommand(t, ExitUsage, append([]string{"search"}, args...)...)
	}
}

// A hub that asks to wait is waited for, and that is said.
func TestSearchWaits(t *testing.T) {
	s, _ := hubServer(t)
	answered := 0
	s.Handle("/api/models", func(w http.ResponseWriter, _ *http.Request) {
		if answered++; answered == 1 {
			w.Header().Set("RateLimit", `"api";r=0;t=1`)
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		_, _ = w.Write([]byte("[]"))
	})
	began := time.Now()
	_, errs := scoutCommand(t, ExitDone, "search", "x")
	mustContain(t, errs, "asks to wait", "asking again in", "HF_TOKEN")
	if time.Since(began) < time.Second {
		t.Error("it did not wait")
	}
}

// A short name lists what its repository has.
func TestQuantsOfShortName(t *testing.T) {
	s, _ := hubServer(t)
	r := s.Repository("unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF")
	r.Commit(hubCommit, faultserver.Content{Seed: 1, Size: 2e6}.At("Llama-4-Scout-17B-16E-Instruct-Q4_K_M.gguf"), faultserver.Content{Seed: 2, Size: 1e6}.At("Llama-4-Scout-17B-16E-Instruct-Q2_K.gguf"))
	out, errs := scoutCommand(t, ExitDone, "quants", "llama4:scout")
	if out != "Q2_K\t1.0 MB\tfits\t\nQ4_K_M\t2.0 MB\tfits\t\n" {
		t.Errorf("quants wrote %q", out)
	}
	mustContain(t, errs, "are those of unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF: 'scout pull llama4:scout:QUANT' takes one")
}
