package hub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scout/downloads/web"
)

const (
	sha1   = "0123456789abcdef0123456789abcdef01234567"
	sumA   = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	sumB   = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	secret = "hf_abcdefghijklmnopqrstuvwxyz012345"
)

// recorded answers paths as a hub did once, and notes what it was asked.
type recorded struct {
	*httptest.Server
	answers map[string]http.HandlerFunc
	asked   []string // paths, with "+token" for those that came with one
}

func newRecorded(t *testing.T) *recorded {
	r := &recorded{answers: map[string]http.HandlerFunc{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		note := q.URL.Path
		if q.Header.Get("Authorization") != "" {
			note += "+token"
		}
		r.asked = append(r.asked, note)
		key := q.URL.Path
		if c := q.URL.Query().Get("cursor"); c != "" {
			key += "?cursor=" + c
		}
		if h := r.answers[key]; h != nil {
			h(w, q)
			return
		}
		w.Header().Set("X-Error-Code", "RepoNotFound")
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(r.Close)
	return r
}

// say is an answer of a body and headers.
func say(body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, line := range header {
			name, value, _ := strings.Cut(line, ": ")
			w.Header().Set(name, value)
		}
		_, _ = w.Write([]byte(body))
	}
}

func status(code int, reason string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Error-Code", reason)
		for _, line := range header {
			name, value, _ := strings.Cut(line, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(code)
	}
}

func (r *recorded) client(t *testing.T, token string) *Client {
	t.Helper()
	u, err := url.Parse(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	c, err := web.New(web.Options{Trusted: []string{u.Host}, Environment: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.DropConnections)
	client, err := NewClient(c, Settings{Endpoint: r.URL, Registry: r.URL, Token: token, TokenForMirror: true})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func mustParse(t *testing.T, name string) Ref {
	t.Helper()
	ref, err := ParseRef(name)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// file is a line of a listing.
func file(path, sum string, size int64) string {
	return fmt.Sprintf(`{"type":"file","oid":"x","size":%d,"path":%q,"lfs":{"oid":%q,"size":%d,"pointerSize":134},"xetHash":"y"}`, size, path, sum, size)
}

// repository is one that the API describes, with those lines on one page.
func (r *recorded) repository(name string, lines ...string) {
	r.answers["/api/models/"+name+"/revision/main"] = say(`{"_id":"1","id":"` + name + `","sha":"` + sha1 + `","gated":false,"tags":["gguf","license:llama4"],"cardData":{"license":"other","license_name":"llama4","license_link":"https://example.com/LICENSE"}}`)
	r.answers["/api/models/"+name+"/tree/"+sha1] = say("[" + strings.Join(lines, ",") + "]")
}

// A listing as the hub gave it for a repository of split sets, in two pages.
func TestShardedRepository(t *testing.T) {
	r := newRecorded(t)
	r.repository("unsloth/Scout-GGUF")
	tree := "/api/models/unsloth/Scout-GGUF/tree/" + sha1
	r.answers[tree] = say("["+strings.Join([]string{
		`{"type":"directory","oid":"x","size":0,"path":"Q4_K_M"}`,
		`{"type":"file","oid":"x","size":3000,"path":"README.md"}`,
		file("Q4_K_M/Scout-Q4_K_M-00002-of-00002.gguf", sumB, 20),
		file("UD-Q2_K_XL/Scout-UD-Q2_K_XL-00001-of-00003.gguf", sumA, 5), // not whole
		file("imatrix_unsloth.gguf", sumA, 7),
	}, ",")+"]", `Link: <`+r.URL+tree+`?recursive=true&cursor=two>; rel="next"`)
	r.answers[tree+"?cursor=two"] = say("[" + strings.Join([]string{
		file("Q4_K_M/Scout-Q4_K_M-00001-of-00002.gguf", sumA, 40),
		file("Scout-IQ1_S.gguf", sumB, 9),
		file("mmproj-F16.gguf", sumA, 3),
		file("mmproj-F32.gguf", sumB, 6),
		file("draft/mmproj-F16.gguf", sumB, 6), // another model's
	}, ",") + "]")
	l, err := r.client(t, "").Look(t.Context(), mustParse(t, "unsloth/Scout-GGUF:q4_k_m"))
	if err != nil {
		t.Fatal(err)
	}
	if l.Revision != sha1 || l.License.Name != "llama4" || l.License.Link != "https://example.com/LICENSE" || !l.License.HasClauses() || len(l.Variants) != 2 {
		t.Errorf("the listing is %+v", l)
	}
	if len(l.Warnings) == 0 || !strings.Contains(l.Warnings[0], "is not whole on the hub: part 2 is missing") {
		t.Errorf("warnings %q, want one of the set that is not whole", l.Warnings)
	}
	v, err := l.Pick()
	if err != nil {
		t.Fatal(err)
	}
	if v.Quant != "Q4_K_M" || len(v.Files) != 2 || v.Files[0].SHA256 != sumA || v.Files[1].SHA256 != sumB || v.Size() != 63 || v.Projector == nil || v.Projector.Path != "mmproj-F16.gguf" {
		t.Errorf("the variant is %+v", v)
	}
	if got := l.Named(v).Name(); got != "hf.co/unsloth/Scout-GGUF:Q4_K_M" {
		t.Errorf("it is named %s", got)
	}
}

func TestErrorsOfTheHub(t *testing.T) {
	tests := []struct {
		name   string
		token  string
		answer http.HandlerFunc
		want   []string
	}{
		{"gated, no token", "", status(403, "GatedRepo"), []string{"needs you to accept its licence", "/meta/Scout", "settings/tokens", "HF_TOKEN"}},
		{"gated, as 401", "", status(401, "GatedRepo"), []string{"needs you to accept its licence"}},
		{"gated, with token", secret, status(403, "GatedRepo"), []string{"needs you to accept its licence", "with the account that your token is of"}},
		{"missing or private", "", status(401, "RepoNotFound"), []string{"there is no repository meta/Scout", "private"}},
		{"revision", "", status(404, "RevisionNotFound"), []string{"there is no revision main of meta/Scout"}},
		{"401 without a reason", "", status(401, ""), []string{"set HF_TOKEN if it is private"}},
		{"token refused", secret, status(401, ""), []string{"does not accept the token"}},
		{"disabled", "", status(403, "", "X-Error-Message: Access to this resource is disabled."), []string{"Access to this resource is disabled."}},
		{"a login page", "", say("<html>", "Content-Type: text/html; charset=utf-8"), []string{"web page"}},
		{"bad JSON", "", say("{"), []string{"bad listing", "no JSON"}},
		{"no commit", "", say(`{"sha":"main\u001b[31m"}`), []string{"is no commit"}},
		{"longer than anything", "", func(w http.ResponseWriter, _ *http.Request) {
			for range maxPage/4096 + 1 {
				_, _ = w.Write(make([]byte, 4096))
			}
		}, []string{"longer than"}},
		{"gzip", "", say("x", "Content-Encoding: gzip"), []string{"encoded"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRecorded(t)
			r.answers["/api/models/meta/Scout/revision/main"] = test.answer
			_, err := r.client(t, test.token).Look(t.Context(), mustParse(t, "meta/Scout"))
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range test.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q, want it to say %q", err, w)
				}
			}
			if strings.Contains(err.Error(), secret) || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("error %q says what it must not", err)
			}
		})
	}
}

// A mirror that is not shown the token cannot let anybody in.
func TestGatedAtAMirror(t *testing.T) {
	r := newRecorded(t)
	r.answers["/api/models/meta/Scout/revision/main"] = status(401, "GatedRepo")
	c := r.client(t, "")
	c.hub.withheld = true
	_, err := c.Look(t.Context(), mustParse(t, "meta/Scout"))
	if err == nil || !strings.Contains(err.Error(), "https://huggingface.co/meta/Scout, and set SCOUT_TRUST_MIRROR=1, so that the mirror 127.0.0.1:") {
		t.Errorf("Look = %v", err)
	}
}

// An expired token does not keep public things from being had.
func TestExpiredToken(t *testing.T) {
	r := newRecorded(t)
	r.repository("a/b", file("m-Q8_0.gguf", sumA, 5))
	for path, h := range r.answers {
		r.answers[path] = func(w http.ResponseWriter, q *http.Request) {
			if q.Header.Get("Authorization") != "" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			h(w, q)
		}
	}
	l, err := r.client(t, secret).Look(t.Context(), mustParse(t, "a/b"))
	if err != nil || len(l.Variants) != 1 {
		t.Fatalf("Look = %+v, %v", l, err)
	}
	if !strings.Contains(strings.Join(l.Warnings, ""), "rejected the stored token") {
		t.Errorf("warnings %q", l.Warnings)
	}
	if got := strings.Join(r.asked, " "); strings.Count(got, "+token") != 1 {
		t.Errorf("asked %s, want the token tried once", got)
	}
}

// Lines of a listing that cannot be are refused: none may name a file outside
// the hub, or a size that overflows.
func TestBadListings(t *testing.T) {
	tests := map[string]string{
		"up":               file("../m-Q8_0.gguf", sumA, 5),
		"up inside":        file("a/../../m-Q8_0.gguf", sumA, 5),
		"absolute":         file("/etc/m.gguf", sumA, 5),
		"drive":            file(`C:\m.gguf`, sumA, 5),
		"line end":         file("m\r\n-Q8_0.gguf", sumA, 5),
		"escape, long":     file(strings.Repeat("m", 400)+"\x1b.gguf", sumA, 5),
		"right to left":    file("m\u202e-Q8_0.gguf", sumA, 5),
		"10,000 letters":   file(strings.Repeat("m", 10_000)+".gguf", sumA, 5),
		"negative":         file("m.gguf", sumA, -1),
		"too large":        file("m.gguf", sumA, 1<<62),
		"no sum":           file("m.gguf", "", 5),
		"a path for a sum": file("m.gguf", "../../../../../../../../../../../../../../../../../../../../../etc", 5),
		"capitals":         file("m.gguf", strings.ToUpper(sumA), 5),
		"two sizes":        strings.Replace(file("m.gguf", sumA, 5), `"size":5`, `"size":6`, 1),
		"no list":          `{"error":"x"}],[`,
		"a number":         `{"type":"file","path":"m.gguf","size":1e400}`,
		"deep":             strings.Repeat("[", 100_000),
	}
	for name, line := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRecorded(t)
			r.repository("a/b", line)
			l, err := r.client(t, "").Look(t.Context(), mustParse(t, "a/b"))
			var bad *ListingError
			if !errors.As(err, &bad) || len(err.Error()) > 400 || strings.ContainsAny(err.Error(), "\r\n\x1b\u202e") {
				t.Errorf("Look = %+v, %.500v, want a *ListingError of one line", l, err)
			}
		})
	}
}

func TestPaging(t *testing.T) {
	r := newRecorded(t)
	r.repository("a/b")
	tree := "/api/models/a/b/tree/" + sha1
	r.answers[tree] = say("[]", "Link: <http://example.com"+tree+`?cursor=2>; rel="next"`)
	if _, err := r.client(t, secret).Look(t.Context(), mustParse(t, "a/b")); err == nil || !strings.Contains(err.Error(), "another host") {
		t.Errorf("a next page at another host: %v", err)
	}
	r.answers[tree] = say("[]", "Link: <"+r.URL+tree+`>; rel="next"`) // without an end
	if _, err := r.client(t, "").Look(t.Context(), mustParse(t, "a/b")); err == nil || !strings.Contains(err.Error(), "more than 1000 pages") {
		t.Errorf("pages without an end: %v", err)
	}
	if len(r.asked) > maxPages+5 {
		t.Errorf("%d pages were asked for", len(r.asked))
	}
}

// What is at the address must be what the listing said.
func TestLocate(t *testing.T) {
	f := File{Path: "dir with space/m#1-Q8_0.gguf", SHA256: sumA, Size: 5}
	tests := []struct {
		name   string
		header []string
		want   string
	}{
		{"right", []string{`X-Linked-Etag: "` + sumA + `"`, "X-Linked-Size: 5"}, ""},
		{"weak", []string{`X-Linked-Etag: W/"` + sumA + `"`}, ""},
		{"nothing said", nil, ""},
		{"another sum", []string{`X-Linked-Etag: "` + sumB + `"`}, "another checksum"},
		{"another size", []string{"X-Linked-Size: 6"}, "has 6 bytes, and 5 in the listing"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRecorded(t)
			r.answers["/a/b/resolve/"+sha1+"/"+f.Path] = say("x", test.header...)
			l, err := Pinned(mustParse(t, "a/b"), sha1, []File{f})
			if err != nil {
				t.Fatal(err)
			}
			_, err = r.client(t, "").Source(l, f).Locate(t.Context())
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
	for _, bad := range []File{{Path: "../m", SHA256: sumA}, {Path: "m", SHA256: "x"}, {Path: "m", SHA256: sumA, Size: -1}} {
		if _, err := Pinned(mustParse(t, "a/b"), sha1, []File{bad}); err == nil {
			t.Errorf("%+v was pinned", bad)
		}
	}
	if _, err := Pinned(mustParse(t, "a/b"), "main", []File{f}); err == nil {
		t.Error("a branch was pinned")
	}
}

// The catalogue's own model, as the registry gave it: vision inside, licences
// as layers, kinds that nobody knows.
func TestRegistry(t *testing.T) {
	r := newRecorded(t)
	layer := func(kind, sum string, size int64) string {
		return fmt.Sprintf(`{"mediaType":"application/vnd.ollama.image.%s","digest":"sha256:%s","size":%d}`, kind, sum, size)
	}
	manifest := func(layers ...string) http.HandlerFunc {
		return say(`{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{"digest":"sha256:` + sumB + `","size":400},"layers":[` + strings.Join(layers, ",") + `]}`)
	}
	const license = "\nLLAMA 4 COMMUNITY LICENSE AGREEMENT\nmore\n"
	const licenseSum = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
	r.answers["/v2/library/llama4/manifests/scout"] = manifest(layer("model", sumA, 67), layer("projector", sumB, 3),
		layer("license", licenseSum, int64(len(license))), layer("params", sumB, 2), layer("news", sumB, 1), `{"mediaType":"text/x","digest":"nothing","size":-4}`)
	r.answers["/v2/library/llama4/blobs/sha256:"+licenseSum] = say(license)
	c := r.client(t, secret)
	ref := mustParse(t, "llama4:scout")
	l, err := c.Look(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	v, err := l.Pick()
	if err != nil || len(v.Files) != 1 || v.Files[0].SHA256 != sumA || v.Files[0].Size != 67 || v.Projector == nil || v.Projector.SHA256 != sumB || v.Size() != 70 {
		t.Errorf("Pick = %+v, %v", v, err)
	}
	if len(l.Revision) != 64 || l.Named(v).Name() != "llama4:scout" {
		t.Errorf("the listing is %+v", l)
	}
	if l.License.Text != "" {
		t.Error("a licence with another sum than its digest was believed")
	}
	if got := strings.Join(r.asked, " "); strings.Contains(got, "+token") {
		t.Errorf("the registry was told the token: %s", got)
	}
	sum := sha256.Sum256([]byte(license))
	right := hex.EncodeToString(sum[:])
	r.answers["/v2/library/llama4/manifests/other"] = manifest(layer("model", sumA, 67), layer("license", right, int64(len(license))))
	r.answers["/v2/library/llama4/blobs/sha256:"+right] = say(license)
	if l, err := c.Look(t.Context(), mustParse(t, "llama4:other")); err != nil || l.License.Name != "LLAMA 4 COMMUNITY LICENSE AGREEMENT" || !l.License.HasClauses() {
		t.Errorf("the licence is %+v, %v", l.License, err)
	}
	r.answers["/v2/library/llama4/blobs/sha256:"+sumA] = say("x")
	place, err := c.Source(l, v.Files[0]).Locate(t.Context())
	if err != nil || !strings.HasSuffix(place.URL, "/v2/library/llama4/blobs/sha256:"+sumA) {
		t.Errorf("Locate = %+v, %v", place, err)
	}
	bad := map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"no JSON":         {say("<html>"), "no JSON"},
		"no weights":      {manifest(layer("license", sumA, 1)), "0 layers of weights"},
		"two weights":     {manifest(layer("model", sumA, 1), layer("model", sumB, 1)), "2 layers of weights"},
		"a path":          {manifest(layer("model", "../../etc/passwd", 1)), "digest"},
		"size -1":         {manifest(layer("model", sumA, -1)), "digest"},
		"size 2^62":       {manifest(layer("model", sumA, 1<<62)), "digest"},
		"tensors":         {manifest(layer("tensor", sumA, 1)), "not one GGUF file"},
		"adapter":         {manifest(layer("model", sumA, 1), layer("adapter", sumB, 1)), "not one GGUF file"},
		"too many layers": {manifest(strings.TrimSuffix(strings.Repeat(layer("params", sumA, 1)+",", maxLayers+1), ",")), "layers"},
		"missing":         {status(404, ""), "there is no model llama4:scout"},
		"busy":            {status(503, ""), "503"},
	}
	for name, test := range bad {
		t.Run(name, func(t *testing.T) {
			r.answers["/v2/library/llama4/manifests/scout"] = test.answer
			if _, err := c.Look(t.Context(), ref); err == nil || !strings.Contains(err.Error(), test.want) || len(err.Error()) > 400 {
				t.Errorf("error %.500v, want %q", err, test.want)
			}
		})
	}
}

// A registry that wants a login at another host is refused, and that host is
// not asked for anything (CVE-2025-51471).
func TestForeignRealm(t *testing.T) {
	realm := newRecorded(t)
	r := newRecorded(t)
	r.answers["/v2/library/llama4/manifests/scout"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+realm.URL+`/token",service="x",scope="repository:library/llama4:pull"`)
		w.WriteHeader(http.StatusUnauthorized)
	}
	_, err := r.client(t, secret).Look(t.Context(), mustParse(t, "llama4:scout"))
	var access *AccessError
	if !errors.As(err, &access) || !access.Permanent() || !strings.Contains(err.Error(), "logging in there is not supported") {
		t.Errorf("error %v, want an *AccessError", err)
	}
	if len(realm.asked) != 0 {
		t.Errorf("the realm was asked for %q", realm.asked)
	}
}

func TestPick(t *testing.T) {
	files := []File{
		{"a/Scout-Q4_K_M.gguf", sumA, 4}, {"b/Other-Q4_K_M.gguf", sumB, 5},
		{"Scout-UD-Q4_K_XL.gguf", sumA, 6}, {"scout.gguf", sumB, 7}, {"Scout v2 (new).gguf", sumB, 8},
	}
	variants, broken := Group(files)
	if len(broken) > 0 {
		t.Fatal(broken)
	}
	tests := []struct{ asked, file, want, err string }{
		{asked: "Q4_K_XL", want: "Scout-UD-Q4_K_XL.gguf"},
		{asked: "ud-q4_k_xl", want: "Scout-UD-Q4_K_XL.gguf"},
		{asked: "other-q4_k_m", want: "b/Other-Q4_K_M.gguf"},
		{asked: "scout", want: "scout.gguf"},
		{asked: "Scout-v2--new-", want: "Scout v2 (new).gguf"},
		{file: "a/Scout-Q4_K_M.gguf", want: "a/Scout-Q4_K_M.gguf"},
		{asked: "Q4_K_M", err: "has 2 files of Q4_K_M: name one"},
		{err: "has 5 quantizations: name one"},
		{asked: "Q4_K_S", err: "has no Q4_K_S; did you mean Q4_K_M?"},
		{file: "a/none.gguf", err: "has no a/none.gguf"},
	}
	for _, test := range tests {
		l := Listing{Ref: Ref{Repo: "u/r", Quant: test.asked, File: test.file}, Variants: variants}
		v, err := l.Pick()
		switch {
		case test.err != "":
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%q %q: %v, want %q", test.asked, test.file, err, test.err)
			}
		case err != nil || v.Files[0].Path != test.want:
			t.Errorf("%q %q: %+v, %v, want %s", test.asked, test.file, v, err, test.want)
		}
	}
	// The name by which a variant is kept finds it again.
	for _, v := range variants {
		l := Listing{Ref: Ref{Repo: "u/r"}, Variants: variants}
		name := l.Named(v).Name()
		ref, err := ParseRef(name)
		if err != nil {
			t.Errorf("%s is no name: %v", name, err)
			continue
		}
		l.Ref = ref
		if again, err := l.Pick(); err != nil || again.Files[0] != v.Files[0] {
			t.Errorf("%s finds %+v, %v, want %s", name, again, err, v.Files[0].Path)
		}
	}
	if _, err := (Listing{Ref: Ref{Repo: "u/r"}}).Pick(); err == nil || !strings.Contains(err.Error(), "no GGUF files") {
		t.Errorf("nothing: %v", err)
	}
}

// A vision tower in a folder beside is another model's.
func TestTowerOfAnotherModel(t *testing.T) {
	tower := File{"draft/mmproj-F16.gguf", sumA, 3}
	variants, _ := Group([]File{{"Scout-Q8_0.gguf", sumB, 5}, tower, {"draft/small-Q8_0.gguf", sumB, 4}})
	if len(variants) != 2 || variants[0].Projector != nil || variants[1].Projector == nil || *variants[1].Projector != tower {
		t.Errorf("group = %+v, want the tower with the model of its folder alone", variants)
	}
}

func TestSplitSets(t *testing.T) {
	part := func(i, n int) File { return File{fmt.Sprintf("m-Q8_0-%05d-of-%05d.gguf", i, n), sumA, 1} }
	tests := []struct {
		name  string
		files []File
		want  string
	}{
		{"whole", []File{part(2, 2), part(1, 2)}, ""},
		{"one of one", []File{part(1, 1)}, ""},
		{"first missing", []File{part(2, 2)}, "part 1 is missing"},
		{"last missing", []File{part(1, 3), part(2, 3)}, "part 3 is missing"},
		{"one twice", []File{part(1, 2), part(1, 2), part(2, 2)}, "one too many"},
		{"beyond the end", []File{part(1, 2), part(2, 2), part(3, 2)}, "one too many"},
		{"number 0", []File{part(0, 2), part(1, 2)}, "one too many"},
		{"of none", []File{part(1, 0)}, "is of 0"},
		{"of 99999", []File{part(1, 99999)}, "is of 99999"},
	}
	for _, test := range tests {
		variants, broken := Group(test.files)
		switch {
		case test.want == "":
			if len(variants) != 1 || len(variants[0].Files) != len(test.files) || variants[0].Files[0] != part(1, len(test.files)) {
				t.Errorf("%s: %+v, %v", test.name, variants, broken)
			}
		case len(variants) != 0 || len(broken) == 0 || !strings.Contains(broken[0].Error(), test.want):
			t.Errorf("%s: %+v, %v, want %q", test.name, variants, broken, test.want)
		}
	}
}

func TestSettings(t *testing.T) {
	home := t.TempDir()
	place := filepath.Join(home, ".cache", "huggingface")
	if err := os.MkdirAll(place, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(place, "token"), []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(home, "other")
	if err := os.WriteFile(other, []byte("hf_other"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		env   map[string]string
		given string
		want  string
		fails bool
	}{
		{name: "file", want: secret},
		{name: "variable before file", env: map[string]string{"HF_TOKEN": " hf_env\n"}, want: "hf_env"},
		{name: "older variable", env: map[string]string{"HUGGING_FACE_HUB_TOKEN": "hf_old"}, want: "hf_old"},
		{name: "given before all", env: map[string]string{"HF_TOKEN": "hf_env"}, given: "hf_given", want: "hf_given"},
		{name: "path", env: map[string]string{"HF_TOKEN_PATH": other}, want: "hf_other"},
		{name: "home without one", env: map[string]string{"HF_HOME": filepath.Join(home, "none")}, want: ""},
		{name: "not without being asked", env: map[string]string{"HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}, want: ""},
		{name: "a line end inside", env: map[string]string{"HF_TOKEN": "hf_a\r\nHost: x"}, fails: true},
		{name: "a folder", env: map[string]string{"HF_TOKEN_PATH": home}, fails: true},
	}
	for _, test := range tests {
		s, err := FromEnvironment(func(n string) string { return test.env[n] }, home, test.given)
		if (err != nil) != test.fails || err == nil && s.Token != test.want {
			t.Errorf("%s: token %q, %v, want %q", test.name, s.Token, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "hf_a") {
			t.Errorf("%s: the token is in the error: %v", test.name, err)
		}
	}
	s, err := FromEnvironment(func(n string) string { return map[string]string{"HF_ENDPOINT": "https://mirror.example/"}[n] }, home, "")
	if err != nil || s.Endpoint != "https://mirror.example" || len(s.Named()) != 1 || s.Named()[0] != "mirror.example" {
		t.Errorf("a mirror: %+v, %v", s, err)
	}
}

func TestOffline(t *testing.T) {
	r := newRecorded(t)
	c := r.client(t, "")
	c.offline = true
	if _, err := c.Look(context.Background(), mustParse(t, "a/b")); !errors.Is(err, ErrOffline) {
		t.Errorf("Look = %v", err)
	}
	if _, err := c.Search(context.Background(), Query{Text: "x"}); !errors.Is(err, ErrOffline) || len(r.asked) > 0 {
		t.Errorf("Search = %v, asked %q", err, r.asked)
	}
}
