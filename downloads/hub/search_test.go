package hub

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"scout/downloads/web"
)

func TestSearch(t *testing.T) {
	r := newRecorded(t)
	var asked url.Values
	answer := say(`[
		{"_id":"67f3","id":"a/b-GGUF","downloads":12,"likes":3,"gated":"manual","lastModified":"2025-04-08T00:00:00.000Z","tags":["gguf","license:llama4"],
			"gguf":{"total":107769855040,"architecture":"llama4","context_length":10485760},
			"siblings":[{"rfilename":"README.md"},{"rfilename":"Q8_0/m-Q8_0-00001-of-00002.gguf"},{"rfilename":"Q8_0/m-Q8_0-00002-of-00002.gguf"},
				{"rfilename":"m-Q4_K_M.gguf"},{"rfilename":"m-UD-IQ1_S.gguf"},{"rfilename":"mmproj-F16.gguf"},{"rfilename":"BF16/m-BF16-00001-of-00005.gguf"},{"rfilename":"../m-Q2_K.gguf"}]},
		{"id":"no repository"},{"id":"../x"},
		{"id":"c/d","gated":false,"downloads":-5,"gguf":{"total":"many","architecture":"\u001b[31mx"},"lastModified":"yesterday"},
		{"id":"e/f"}]`,
		`Link: <`+r.URL+`/api/models?cursor=two&limit=4>; rel="next"`)
	r.answers["/api/models"] = func(w http.ResponseWriter, q *http.Request) { asked = q.URL.Query(); answer(w, q) }
	r.answers["/api/models?cursor=two"] = say(`[{"id":"g/h"}]`)
	c := r.client(t, "")
	found, err := c.Search(t.Context(), Query{Text: "scout 17b", Limit: 4})
	if err != nil || len(found.Results) != 2 {
		t.Fatalf("Search = %+v, %v", found, err)
	}
	if asked.Get("search") != "scout 17b" || asked.Get("filter") != "gguf" || asked.Get("sort") != "downloads" || asked.Get("limit") != "4" || !slices.Contains(asked["expand"], "siblings") {
		t.Errorf("it asked for %v", asked)
	}
	want := Result{
		Repo: "a/b-GGUF", Downloads: 12, Likes: 3, Gated: true, Updated: "2025-04-08", License: "llama4",
		Parameters: 107769855040, Architecture: "llama4", Context: 10485760, Quants: []string{"UD-IQ1_S", "Q4_K_M", "Q8_0"}, Tower: true,
	}
	if got := found.Results[0]; fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("the first is %+v\nwant %+v", got, want)
	}
	if got := found.Results[1]; got.Repo != "c/d" || got.Gated || got.Downloads != 0 || got.Parameters != 0 || strings.Contains(got.Architecture, "\x1b") || got.Quants != nil {
		t.Errorf("the second is %+v", got)
	}
	next, err := c.Search(t.Context(), Query{Text: "scout 17b", Limit: 4, After: found.Next})
	if err != nil || len(next.Results) != 1 || next.Results[0].Repo != "g/h" || next.Next != "" {
		t.Errorf("the next page is %+v, %v", next, err)
	}
	if _, err := c.Search(t.Context(), Query{After: "/api/datasets?x"}); err == nil {
		t.Error("a page of something else was asked for")
	}
}

func TestBadSearches(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"no list":        say(`{"error":"x"}`),
		"no JSON":        say(`[{"id":`),
		"a web page":     say("<html>", "Content-Type: text/html"),
		"another host":   say(`[]`, `Link: <https://example.com/api/models?cursor=x>; rel="next"`),
		"another schema": say(`[{"id":5}]`),
	} {
		r := newRecorded(t)
		r.answers["/api/models"] = answer
		if found, err := r.client(t, "").Search(t.Context(), Query{Text: "x"}); err == nil {
			t.Errorf("%s: %+v, want an error", name, found)
		}
	}
	// A page that leads to itself is the last.
	r := newRecorded(t)
	r.answers["/api/models?cursor=x"] = func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Link", "<"+r.URL+q.URL.String()+`>; rel="next"`)
		_, _ = w.Write([]byte("[]"))
	}
	if found, err := r.client(t, "").Search(t.Context(), Query{After: "/api/models?cursor=x"}); err != nil || found.Next != "" {
		t.Errorf("Search = %+v, %v", found, err)
	}
}

// About is within a tenth of what is published.
func TestAbout(t *testing.T) {
	scout := Result{Parameters: 107769855040}
	for quant, want := range map[string]float64{ // bytes, as unsloth's repository of Llama 4 Scout has them
		"UD-IQ1_S": 33.8e9, "Q2_K": 39.6e9, "UD-Q2_K_XL": 42.2e9, "Q4_K_M": 65.4e9, "Q5_K_M": 76.5e9, "Q6_K": 88.4e9, "Q8_0": 114.5e9, "BF16": 215.6e9,
	} {
		if got := float64(scout.About(quant)); got < 0.85*want || got > 1.15*want {
			t.Errorf("%s is about %.1f GB, want about %.1f", quant, got/1e9, want/1e9)
		}
	}
	if (Result{}).About("Q4_K_M") != 0 {
		t.Error("the size of an unknown model is known")
	}
}

// FuzzSearch: whatever a hub says it found, what comes out of it can be asked
// for and shown.
func FuzzSearch(f *testing.F) {
	for _, seed := range []string{
		`{"id":"a/b-GGUF","downloads":12,"gated":"manual","lastModified":"2025-04-08T00:00:00.000Z","tags":["license:llama4"],"gguf":{"total":107769855040,"architecture":"llama4","context_length":10},"siblings":[{"rfilename":"m-Q4_K_M.gguf"}]}`,
		`{"id":"a/../b"}`, `{"id":"a/b","gguf":{"total":9223372036854775807},"siblings":[{"rfilename":"m-Q8_0.gguf"}]}`, `{"id":"a/b","gguf":{"total":1e300},"siblings":[{"rfilename":"x-00001-of-99999.gguf"}]}`, `{"id":"a/b","lastModified":"\u001b[31m\u001b[31m"}`, `{`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var l foundLine
		if json.Unmarshal(data, &l) != nil {
			return
		}
		r, ok := l.result()
		if !ok {
			return
		}
		if ref, err := ParseRef(r.Repo); err != nil || ref.Repo != r.Repo {
			t.Fatalf("%q cannot be asked for: %v", r.Repo, err)
		}
		for _, shown := range append([]string{r.License, r.Architecture, r.Updated}, r.Quants...) {
			if shown != web.Printable(shown) {
				t.Fatalf("%q cannot be shown", shown)
			}
		}
		for _, q := range r.Quants {
			if _, err := ParseRef(r.Repo + ":" + q); err != nil || r.About(q) < 0 {
				t.Fatalf("%s:%s cannot be asked for: %v, about %d bytes", r.Repo, q, err, r.About(q))
			}
		}
		if r.Downloads < 0 || r.Likes < 0 || r.Parameters < 0 || r.Context < 0 {
			t.Fatalf("a number is negative: %+v", r)
		}
	})
}
