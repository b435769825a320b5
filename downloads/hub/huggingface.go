package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"scout/downloads/transfer"
	"scout/downloads/web"
)

const (
	maxPage    = 16 << 20 // bytes of a page of a listing
	maxPages   = 1000
	maxEntries = 100_000
	maxPath    = 1024
)

// huggingFace asks the Hugging Face hub, or a mirror with the same API.
type huggingFace struct {
	client *web.Client
	base   string // "https://huggingface.co"

	token    web.Token
	withheld bool // there is a token, which this mirror is not told

	mu       sync.Mutex
	rejected bool // the token was, and public things are asked for without it
}

var commit = regexp.MustCompile(`^[0-9a-f]{40}$`)

// repositoryInfo is what the API says of a repository at a revision. Fields
// whose type varies are left raw.
type repositoryInfo struct {
	SHA      string          `json:"sha"`
	Gated    json.RawMessage `json:"gated"` // false, "auto" or "manual"
	Tags     []string        `json:"tags"`
	CardData struct {
		License     json.RawMessage `json:"license"`
		LicenseName json.RawMessage `json:"license_name"`
		LicenseLink json.RawMessage `json:"license_link"`
	} `json:"cardData"`
}

// text is a raw value if it is a string.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return web.Printable(s)
}

// treeEntry is a line of a listing.
type treeEntry struct {
	Type string `json:"type"`
	Path string `json:"path"`
	Size int64  `json:"size"`
	LFS  *struct {
		OID  string `json:"oid"` // the SHA-256, for files that Xet has too
		Size int64  `json:"size"`
	} `json:"lfs"`
}

// look lists a repository, pinned to the commit that the revision is now.
func (h *huggingFace) look(ctx context.Context, ref Ref) (Listing, error) {
	rev := ref.Rev
	if rev == "" {
		rev = mainRevision
	}
	info, err := h.repository(ctx, ref, rev)
	if err != nil {
		return Listing{}, err
	}
	files, err := h.tree(ctx, ref.Repo, info.SHA)
	if err != nil {
		return Listing{}, h.explain(err, ref.Repo, rev, "")
	}
	l := Listing{Ref: ref, Revision: info.SHA, License: licenseOf(info), Gated: text(info.Gated) != ""}
	var broken []error
	l.Variants, broken = Group(files)
	for _, b := range broken {
		l.Warnings = append(l.Warnings, b.Error())
	}
	if h.wasRejected() {
		l.Warnings = append(l.Warnings, fmt.Sprintf("%s rejected the stored token; going on without it (it has perhaps expired: %s/settings/tokens)", hostOf(h.base), h.base))
	}
	if h.withheld {
		l.Warnings = append(l.Warnings, fmt.Sprintf("the token is not shown to the mirror %s: set %s=1 if it may have it", hostOf(h.base), trustMirror))
	}
	if h.base != officialEndpoint {
		l.Warnings = append(l.Warnings, fmt.Sprintf("checksums are those that the mirror %s lists", hostOf(h.base)))
	}
	return l, nil
}

func hostOf(base string) string {
	if u, err := url.Parse(base); err == nil {
		return u.Host
	}
	return base
}

// repository asks what a revision of a repository is.
func (h *huggingFace) repository(ctx context.Context, ref Ref, rev string) (repositoryInfo, error) {
	data, _, err := h.api(ctx, "/api/models/"+ref.Repo+"/revision/"+url.PathEscape(rev))
	if err != nil {
		err = h.explain(err, ref.Repo, rev, "")
		var missing *NotFoundError
		if errors.As(err, &missing) && strings.HasPrefix(missing.What, "repository") {
			missing.Near = h.similar(ctx, ref.Repo)
		}
		return repositoryInfo{}, err
	}
	var info repositoryInfo
	if err := json.Unmarshal(data, &info); err != nil {
		return repositoryInfo{}, &ListingError{hostOf(h.base), "what it says of " + ref.Repo + " is no JSON of a repository"}
	}
	if !commit.MatchString(info.SHA) {
		return repositoryInfo{}, &ListingError{hostOf(h.base), fmt.Sprintf("%.50q is no commit", info.SHA)}
	}
	return info, nil
}

// similar are names like one that does not exist.
func (h *huggingFace) similar(ctx context.Context, repository string) []string {
	_, name, _ := strings.Cut(repository, "/")
	found, err := h.search(ctx, Query{Text: name, Limit: 3})
	if err != nil {
		return nil // a suggestion is no loss
	}
	var names []string
	for _, f := range found.Results {
		names = append(names, f.Repo)
	}
	return names
}

// licenseOf is what a repository's card says of its licence.
func licenseOf(info repositoryInfo) License {
	l := License{Name: text(info.CardData.License), Link: text(info.CardData.LicenseLink)}
	if name := text(info.CardData.LicenseName); name != "" && (l.Name == "" || l.Name == "other") {
		l.Name = name
	}
	if l.Name == "" {
		for _, tag := range info.Tags {
			if name, ok := strings.CutPrefix(tag, "license:"); ok {
				l.Name = web.Printable(name)
			}
		}
	}
	if !strings.HasPrefix(l.Link, "https://") {
		l.Link = ""
	}
	return l
}

// tree lists a commit's GGUF files, page by page.
func (h *huggingFace) tree(ctx context.Context, repository, sha string) ([]File, error) {
	var files []File
	entries := 0
	next := "/api/models/" + repository + "/tree/" + sha + "?recursive=true"
	for page := 0; next != ""; page++ {
		if page >= maxPages {
			return nil, &ListingError{hostOf(h.base), fmt.Sprintf("%s has more than %d pages", repository, maxPages)}
		}
		data, header, err := h.api(ctx, next)
		if err != nil {
			return nil, err
		}
		var lines []treeEntry
		if err := json.Unmarshal(data, &lines); err != nil {
			return nil, &ListingError{hostOf(h.base), "a page of " + repository + " is no JSON list of files"}
		}
		if entries += len(lines); entries > maxEntries {
			return nil, &ListingError{hostOf(h.base), fmt.Sprintf("%s has more than %d files", repository, maxEntries)}
		}
		for _, line := range lines {
			f, ok, err := h.entry(line)
			if err != nil {
				return nil, err
			}
			if ok {
				files = append(files, f)
			}
		}
		if next, err = h.nextPage(header); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// entry checks a line of a listing; ok is false for what is no GGUF file.
func (h *huggingFace) entry(e treeEntry) (f File, ok bool, err error) {
	if e.Type != "file" || !strings.HasSuffix(strings.ToLower(e.Path), ".gguf") {
		return File{}, false, nil
	}
	bad := func(why string) (File, bool, error) {
		return File{}, false, &ListingError{hostOf(h.base), fmt.Sprintf("the file %.80q %s", web.Printable(e.Path), why)}
	}
	if !isFilePath(e.Path) {
		return bad("has a name that cannot be")
	}
	if e.LFS == nil {
		return File{}, false, nil // a pointer or a scrap: weights are in LFS
	}
	f = File{Path: e.Path, SHA256: e.LFS.OID, Size: e.LFS.Size}
	if err := f.Blob().Check(); err != nil {
		return bad("has a size or a checksum that cannot be")
	}
	if e.Size != e.LFS.Size {
		return bad(fmt.Sprintf("has two sizes, %d and %d", e.Size, e.LFS.Size))
	}
	return f, true, nil
}

// isFilePath tells whether a path can be asked for and shown.
func isFilePath(p string) bool {
	if p == "" || len(p) > maxPath || !utf8.ValidString(p) || strings.Contains(p, "\\") {
		return false
	}
	if strings.ContainsFunc(p, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return false
	}
	for _, part := range strings.Split(p, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}

var nextLink = regexp.MustCompile(`<([^<>]*)>\s*;[^,]*\brel="?next"?`)

// nextPage is the path of a listing's next page, which must be on the same hub.
func (h *huggingFace) nextPage(header http.Header) (string, error) {
	m := nextLink.FindStringSubmatch(header.Get("Link"))
	if m == nil {
		return "", nil
	}
	base, err := url.Parse(h.base)
	if err != nil {
		return "", err
	}
	u, err := base.Parse(m[1])
	if err != nil || u.Scheme != base.Scheme || u.Host != base.Host {
		return "", &ListingError{hostOf(h.base), "the next page of a listing is at another host"}
	}
	return strings.TrimPrefix(u.String(), h.base), nil
}

// api asks the hub's API, without the token if that was rejected.
func (h *huggingFace) api(ctx context.Context, path string) ([]byte, http.Header, error) {
	r, err := h.get(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	data, err := r.ReadAll(maxPage)
	return data, r.Header, err
}

// get asks for a path. An expired token makes even public things fail with
// 401: they are asked for once more without it.
func (h *huggingFace) get(ctx context.Context, path string) (*web.Response, error) {
	token := h.currentToken()
	r, err := h.client.Get(ctx, h.base+path, nil, token)
	if err != nil {
		return nil, err
	}
	if r.StatusCode == http.StatusUnauthorized && !token.IsZero() {
		first := r.StatusError()
		r, err = h.client.Get(ctx, h.base+path, nil, web.Token{})
		if err != nil {
			return nil, err
		}
		if r.StatusCode == http.StatusOK {
			h.reject()
			return r, nil
		}
		_ = r.Body.Close()
		return nil, first
	}
	if r.StatusCode != http.StatusOK {
		return nil, r.StatusError()
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
		_ = r.Body.Close()
		return nil, fmt.Errorf("%s answers with a web page: the network wants a login, or HF_ENDPOINT is no hub", r.URL.Host)
	}
	return r, nil
}

func (h *huggingFace) currentToken() web.Token {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.rejected {
		return web.Token{}
	}
	return h.token
}

func (h *huggingFace) reject() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rejected = true
}

func (h *huggingFace) wasRejected() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rejected
}

// hubFile is where a file of a repository can be fetched.
type hubFile struct {
	hub        *huggingFace
	repository string
	commit     string
	file       File
}

// Locate asks the hub where the file is now, and whether it is still the same.
func (f *hubFile) Locate(ctx context.Context) (web.Place, error) {
	parts := strings.Split(f.file.Path, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	address := f.hub.base + "/" + f.repository + "/resolve/" + f.commit + "/" + strings.Join(parts, "/")
	place, err := f.hub.client.Locate(ctx, address, nil, f.hub.currentToken())
	if err != nil {
		return web.Place{}, f.hub.explain(err, f.repository, f.commit, f.file.Path)
	}
	tag := strings.Trim(strings.TrimPrefix(place.Header.Get("X-Linked-Etag"), "W/"), `"`)
	if tag != "" && (transfer.Blob{SHA256: tag}).Check() == nil && tag != f.file.SHA256 {
		return web.Place{}, &ListingError{hostOf(f.hub.base), fmt.Sprintf("%s has another checksum than in the listing", web.Printable(f.file.Path))}
	}
	size := place.Header.Get("X-Linked-Size")
	if size != "" && size != fmt.Sprint(f.file.Size) {
		return web.Place{}, &ListingError{hostOf(f.hub.base), fmt.Sprintf("%s has %s bytes, and %d in the listing", web.Printable(f.file.Path), web.Printable(size), f.file.Size)}
	}
	return place, nil
}
