package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"scout/downloads/web"
)

// Query is what is searched for.
type Query struct {
	Text  string // words; empty finds everything
	Sort  Sort   // empty for Downloads
	Limit int    // results of a page; 0 means 20, at most 100
	After string // Found.Next of the page before; empty for the first
}

// Sort is the order of results.
type Sort string

// The orders, as the API names them. All begin with the most or the latest.
const (
	Downloads Sort = "downloads"
	Likes     Sort = "likes"
	Updated   Sort = "lastModified"
	Trending  Sort = "trendingScore"
)

// Found is a page of results.
type Found struct {
	Results []Result
	Next    string // of Query.After; empty if this was the last page
}

// Result is a repository that a search found. What the hub does not say is
// zero.
type Result struct {
	Repo         string
	Downloads    int64 // in the last month
	Likes        int64
	Gated        bool
	Updated      string // a date, 2025-04-08
	License      string
	Parameters   int64 // weights of the model
	Architecture string
	Context      int64    // positions
	Quants       []string // those that have all their parts, smallest first
	Tower        bool     // there is a vision tower
}

const (
	defaultResults = 20
	maxResults     = 100
)

// search asks for a page of repositories with GGUF files. The fields that it
// wants are those of "expand" (huggingface_hub, ExpandModelProperty_T).
func (h *huggingFace) search(ctx context.Context, q Query) (Found, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = defaultResults
	}
	limit = min(limit, maxResults)
	path := q.After
	if path == "" {
		sort := q.Sort
		if sort == "" {
			sort = Downloads
		}
		values := url.Values{
			"filter": {"gguf"}, "sort": {string(sort)}, "direction": {"-1"}, "limit": {fmt.Sprint(limit)},
			"expand": {"downloads", "gated", "gguf", "lastModified", "likes", "siblings", "tags"},
		}
		if q.Text != "" {
			values.Set("search", q.Text)
		}
		path = "/api/models?" + values.Encode()
	} else if !strings.HasPrefix(path, "/api/models?") {
		return Found{}, fmt.Errorf("hub: %.80q is no page of a search", path)
	}
	data, header, err := h.api(ctx, path)
	if err != nil {
		return Found{}, err
	}
	var lines []foundLine
	if err := json.Unmarshal(data, &lines); err != nil {
		return Found{}, &ListingError{hostOf(h.base), "its answer to a search is no JSON list"}
	}
	var found Found
	if found.Next, err = h.nextPage(header); err != nil {
		return Found{}, err
	}
	if !strings.HasPrefix(found.Next, "/api/models?") || found.Next == path {
		found.Next = ""
	}
	for _, l := range lines[:min(len(lines), limit)] {
		if r, ok := l.result(); ok {
			found.Results = append(found.Results, r)
		}
	}
	return found, nil
}

// foundLine is a repository as the API's search says it.
type foundLine struct {
	ID           string          `json:"id"`
	Downloads    int64           `json:"downloads"`
	Likes        int64           `json:"likes"`
	Gated        json.RawMessage `json:"gated"` // false, "auto" or "manual"
	LastModified string          `json:"lastModified"`
	Tags         []string        `json:"tags"`
	Siblings     []struct {
		Path string `json:"rfilename"`
	} `json:"siblings"`
	GGUF struct {
		Total        json.RawMessage `json:"total"`
		Architecture json.RawMessage `json:"architecture"`
		Context      json.RawMessage `json:"context_length"`
	} `json:"gguf"`
}

// result is the line without what cannot be; ok is false for one whose name
// cannot be asked for.
func (l foundLine) result() (r Result, ok bool) {
	if user, repo, ok := strings.Cut(l.ID, "/"); !ok || !isPart(user) || !isPart(repo) {
		return Result{}, false
	}
	r = Result{
		Repo: l.ID, Downloads: max(l.Downloads, 0), Likes: max(l.Likes, 0), Gated: text(l.Gated) != "",
		Architecture: text(l.GGUF.Architecture), Parameters: positive(l.GGUF.Total), Context: positive(l.GGUF.Context),
	}
	if len(l.LastModified) >= 10 {
		r.Updated = web.Printable(l.LastModified[:10])
	}
	if i := slices.IndexFunc(l.Tags, func(t string) bool { return strings.HasPrefix(t, "license:") }); i >= 0 {
		r.License = web.Printable(strings.TrimPrefix(l.Tags[i], "license:"))
	}
	r.Quants, r.Tower = l.quants()
	return r, true
}

// positive is a raw value if it is a number above 0.
func positive(raw json.RawMessage) int64 {
	var n int64
	if json.Unmarshal(raw, &n) != nil {
		return 0
	}
	return max(n, 0)
}

// quants are the quantizations that the names of a repository's files tell of.
func (l foundLine) quants() (quants []string, tower bool) {
	var files []File
	for _, s := range l.Siblings {
		if isFilePath(s.Path) {
			files = append(files, File{Path: s.Path})
		}
	}
	variants, _ := Group(files) // a set that is not whole is no offer
	slices.SortStableFunc(variants, func(a, b Variant) int { return bitsOf(a.Quant) - bitsOf(b.Quant) })
	for _, v := range variants {
		if label := v.Label(); !slices.Contains(quants, label) {
			quants = append(quants, label)
		}
		tower = tower || v.Projector != nil
	}
	return quants, tower
}

// About is roughly the bytes of the result's model in a quantization, or 0 if
// that cannot be told. The usual mixtures take more bits than their names say,
// for scales and for the layers that are kept finer (the sizes that llama.cpp
// publishes for its quantizations: Q2_K 3.0 bits a weight, Q4_K_M 4.9, Q6_K
// 6.6, Q8_0 8.5; the 1-bit ones of models with experts keep much in 4 bits).
func (r Result) About(quant string) int64 {
	bits := float64(bitsOf(quant))
	switch {
	case bits <= 1:
		bits = 2.5
	case bits <= 2:
		bits = 3
	case bits <= 5:
		bits += 0.8
	case bits < 16:
		bits += 0.5
	}
	bytes := float64(r.Parameters) * bits / 8
	if bytes > 1<<60 { // no disk is that large: the number is not of parameters
		return 0
	}
	return int64(bytes)
}
