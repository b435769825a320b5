package hub

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scout/downloads/web"
)

// replayed is a hub that answers as a file of testdata/api says, and refuses
// the test whatever else is asked.
type replayed struct {
	*httptest.Server
	asked []string
}

func replay(t *testing.T, file string) *replayed {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "api", file))
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]string{}
	for part := range strings.SplitSeq("\n"+string(data), "\n### ") {
		if request, answer, ok := strings.Cut(part, "\n"); ok && part != "" {
			answers[request] = strings.TrimSuffix(answer, "\n")
		}
	}
	r := &replayed{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		key := q.Method + " " + q.URL.String()
		if q.Header.Get("Authorization") != "" && answers[key+" +token"] != "" {
			key += " +token"
		}
		r.asked = append(r.asked, key)
		answer, ok := answers[key]
		if !ok {
			t.Errorf("the hub was asked %s, which is not in %s", key, file)
			http.NotFound(w, q)
			return
		}
		r.send(t, w, strings.ReplaceAll(answer, "{HUB}", r.URL))
	}))
	t.Cleanup(r.Close)
	return r
}

// send writes an answer as it is in the file.
func (r *replayed) send(t *testing.T, w http.ResponseWriter, answer string) {
	head, body, _ := strings.Cut(answer, "\n\n")
	in := bufio.NewReader(strings.NewReader(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n"))
	parsed, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Errorf("the answer %.80q is no HTTP: %v", head, err)
		return
	}
	for name, values := range parsed.Header {
		if name != "Content-Length" { // as long as what is sent
			w.Header()[name] = values
		}
	}
	w.WriteHeader(parsed.StatusCode)
	_, _ = io.WriteString(w, body)
}

func (r *replayed) client(t *testing.T, token string) *Client {
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

// A repository with split sets: from its name to the addresses of all files.
func TestReplaySharded(t *testing.T) {
	const repo = "example/Llama-4-Scout-17B-16E-Instruct-GGUF"
	r := replay(t, "sharded.http")
	c := r.client(t, "")
	l, err := c.Look(t.Context(), mustParse(t, repo+":Q4_K_M"))
	if err != nil {
		t.Fatal(err)
	}
	if l.Revision != "5f0d1e2c3b4a59687786958473625140fedcba98" || l.License.Name != "llama4" || !l.License.HasClauses() || l.Gated {
		t.Errorf("the listing is at %s, under %+v, gated %v", l.Revision, l.License, l.Gated)
	}
	var got []string
	for _, v := range l.Variants {
		got = append(got, v.Label())
		if v.Projector == nil {
			t.Errorf("%s has no vision tower", v.Label())
		}
	}
	if want := "UD-Q2_K_XL Q4_K_M Q8_0 BF16"; strings.Join(got, " ") != want {
		t.Errorf("the quantizations are %q, want %s", got, want)
	}
	v, err := l.Pick()
	if err != nil || len(v.Files) != 2 || v.Files[0].Size+v.Files[1].Size != 65_345_509_632 || v.Files[1].Path != "Q4_K_M/Llama-4-Scout-17B-16E-Instruct-Q4_K_M-00002-of-00002.gguf" {
		t.Fatalf("the choice is %+v, %v", v, err)
	}
	for _, f := range append(v.Files, *v.Projector) {
		place, err := c.Source(l, f).Locate(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", f.Path, err)
		}
		if !strings.HasPrefix(place.URL, "https://cas-bridge.xethub.example/") || place.Expires.IsZero() || place.Header.Get("X-Linked-Size") == "" {
			t.Errorf("%s is at %s, until %s", f.Path, place.URL, place.Expires)
		}
	}
	if len(r.asked) != 6 {
		t.Errorf("the hub was asked %q", r.asked)
	}
}

// A gated repository is listed for everybody, and its files are for those who
// have been let in. What to do is said, with and without a token.
func TestReplayGated(t *testing.T) {
	const page = "https://huggingface.co/example-lab/Guarded-8B-GGUF"
	for token, want := range map[string]string{
		"":     "needs you to accept its licence: do that at " + page + ", then make a token at https://huggingface.co/settings/tokens and set HF_TOKEN to it",
		secret: "needs you to accept its licence: do that at " + page + " with the account that your token is of",
	} {
		r := replay(t, "gated.http")
		c := r.client(t, token)
		l, err := c.Look(t.Context(), mustParse(t, "example-lab/Guarded-8B-GGUF"))
		if err != nil || !l.Gated || l.License.Name != "llama3.1" || len(l.Variants) != 1 {
			t.Fatalf("Look = %+v, %v", l, err)
		}
		_, err = c.Source(l, l.Variants[0].Files[0]).Locate(t.Context())
		var access *AccessError
		if !errors.As(err, &access) || !access.Permanent() || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
			t.Errorf("with the token %.5q: %v\nwant %s", token, err, want)
		}
	}
}
