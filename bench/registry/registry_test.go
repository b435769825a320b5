package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/middleware/redirect"
	"github.com/sirupsen/logrus"

	"scout/downloads"
	"scout/downloads/web"
)

const (
	model    = "llama4:scout"
	stored   = "library/llama4" // its repository
	manifest = "application/vnd.docker.distribution.manifest.v2+json"
)

func TestMain(m *testing.M) {
	logrus.SetOutput(io.Discard) // the registry's, one line a request
	os.Exit(m.Run())
}

// site is a registry and, if it redirects, the host that has the bytes.
type site struct {
	*httptest.Server
	t     *testing.T
	bytes *httptest.Server // nil if the registry serves them itself

	mu    sync.Mutex
	cut   int64 // so many bytes of an answer's body go by, then the connection ends; 0 for all
	sent  int64 // of blobs
	asked []string
}

// newSite runs a registry on files in a folder.
func newSite(t *testing.T, redirects bool) *site {
	t.Helper()
	s := &site{t: t}
	root := t.TempDir()
	c := &configuration.Configuration{Storage: configuration.Storage{
		"filesystem": configuration.Parameters{"rootdirectory": root},
	}}
	c.HTTP.Secret = "not one that protects anything"
	c.Log.AccessLog.Disabled = true
	if redirects {
		s.bytes = httptest.NewServer(s.watched(http.FileServer(http.Dir(root))))
		t.Cleanup(s.bytes.Close)
		c.Middleware = map[string][]configuration.Middleware{"storage": {
			{Name: "redirect", Options: configuration.Parameters{"baseurl": s.bytes.URL}},
		}}
	}
	app := handlers.NewApp(context.Background(), c)
	s.Server = httptest.NewServer(s.watched(app))
	t.Cleanup(s.Close)
	return s
}

// watched counts what is sent of blobs, and cuts it.
func (s *site) watched(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		isBlob := r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/")
		s.mu.Lock()
		if isBlob {
			s.asked = append(s.asked, r.Header.Get("Range"))
		}
		s.mu.Unlock()
		if isBlob {
			w = &counting{ResponseWriter: w, s: s}
		}
		h.ServeHTTP(w, r)
	})
}

type counting struct {
	http.ResponseWriter
	s    *site
	sent int64
}

func (c *counting) Write(p []byte) (int, error) {
	c.s.mu.Lock()
	cut := c.s.cut
	c.s.mu.Unlock()
	over := cut > 0 && c.sent+int64(len(p)) > cut
	if over {
		p = p[:max(cut-c.sent, 0)]
	}
	n, err := c.ResponseWriter.Write(p)
	c.sent += int64(n)
	c.s.mu.Lock()
	c.s.sent += int64(n)
	c.s.mu.Unlock()
	if over {
		_ = http.NewResponseController(c.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, err
}

func (s *site) cutAfter(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = n
}

// forget sets the counts to zero.
func (s *site) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent, s.asked = 0, nil
}

func (s *site) bytesSent() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

// do makes a request that must have that status.
func (s *site) do(method, address, kind string, body []byte, want int) *http.Response {
	s.t.Helper()
	q, err := http.NewRequest(method, address, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if kind != "" {
		q.Header.Set("Content-Type", kind)
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(r.Body)
	if r.StatusCode != want {
		s.t.Fatalf("%s %s answers %d %s, want %d", method, address, r.StatusCode, text, want)
	}
	return r
}

// layer is one layer of a manifest, or its config.
type layer struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int    `json:"size"`
}

// push uploads a blob, as clients of registries do.
func (s *site) push(kind string, data []byte) layer {
	s.t.Helper()
	sum := sha256.Sum256(data)
	digest := "sha256:" + hex.EncodeToString(sum[:])
	r := s.do(http.MethodPost, s.URL+"/v2/"+stored+"/blobs/uploads/", "", nil, http.StatusAccepted)
	to, err := r.Location()
	if err != nil {
		s.t.Fatal(err)
	}
	to.RawQuery += "&digest=" + url.QueryEscape(digest)
	s.do(http.MethodPut, to.String(), "application/octet-stream", data, http.StatusCreated)
	return layer{kind, digest, len(data)}
}

const licence = "LLAMA 4 COMMUNITY LICENSE AGREEMENT\n\nThe terms.\n"

// publish pushes a model with the layers that Ollama's have.
func (s *site) publish(weights, tower []byte) {
	s.t.Helper()
	m := map[string]any{
		"schemaVersion": 2, "mediaType": manifest,
		"config": s.push("application/vnd.docker.container.image.v1+json", []byte(`{"model_format":"gguf","model_family":"llama4"}`)),
		"layers": []layer{
			s.push("application/vnd.ollama.image.model", weights),
			s.push("application/vnd.ollama.image.projector", tower),
			s.push("application/vnd.ollama.image.template", []byte("{{ .Prompt }}")),
			s.push("application/vnd.ollama.image.license", []byte(licence)),
			s.push("application/vnd.ollama.image.params", []byte(`{"stop":["<|eot|>"]}`)),
		},
	}
	data, err := json.Marshal(m)
	if err != nil {
		s.t.Fatal(err)
	}
	s.do(http.MethodPut, s.URL+"/v2/"+stored+"/manifests/scout", manifest, data, http.StatusCreated)
	s.forget()
}

// random are bytes that no two files share.
func random(seed uint64, n int) []byte {
	var key [32]byte
	key[0] = byte(seed)
	data := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(data) // it never fails
	return data
}

// store is a store whose registry is the site.
func (s *site) store(folder string) *downloads.Downloads {
	s.t.Helper()
	hosts := []string{strings.TrimPrefix(s.URL, "http://")}
	if s.bytes != nil {
		hosts = append(hosts, strings.TrimPrefix(s.bytes.URL, "http://"))
	}
	none := func(string) string { return "" }
	client, err := web.New(web.Options{UserAgent: "scout-test", Trusted: hosts, Environment: none})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(client.DropConnections)
	d, err := downloads.Open(downloads.Config{Dir: folder, Client: client, Registry: s.URL, Environment: none, Home: folder})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = d.Close() })
	return d
}

// mustHave expects a model's files to be those that were pushed.
func mustHave(t *testing.T, d *downloads.Downloads, weights, tower []byte) {
	t.Helper()
	m, err := d.Path(model)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]byte{m.Weights: weights, m.Projector: tower} {
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s has %d bytes, %v, want the %d that were pushed", path, len(got), err, len(want))
		}
	}
	if c, err := d.Verify(t.Context(), model, nil); err != nil || !c.Right() {
		t.Errorf("Verify = %+v, %v", c, err)
	}
}

// onBoth runs a test with a registry that serves bytes and with one that
// redirects to another host, as Ollama's does.
func onBoth(t *testing.T, test func(t *testing.T, s *site)) {
	for name, redirects := range map[string]bool{"serves": false, "redirects": true} {
		t.Run(name, func(t *testing.T) { test(t, newSite(t, redirects)) })
	}
}

func TestPull(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		weights, tower := random(1, 5<<20+17), random(2, 300_001)
		s.publish(weights, tower)
		d := s.store(t.TempDir())
		var plan downloads.Plan
		r, err := d.Pull(t.Context(), model, downloads.Options{Before: func(p downloads.Plan) error { plan = p; return nil }})
		if err != nil {
			t.Fatal(err)
		}
		if want := int64(len(weights) + len(tower)); r.Received != want || plan.Size != want || !plan.Tower || r.Already {
			t.Errorf("the plan is %+v and the result %+v, want %d bytes", plan, r, want)
		}
		if plan.License.Text != licence+"\n" || plan.License.Name != "LLAMA 4 COMMUNITY LICENSE AGREEMENT" {
			t.Errorf("the licence is %+v", plan.License)
		}
		mustHave(t, d, weights, tower)
		s.forget()
		if r, err := d.Pull(t.Context(), model, downloads.Options{}); err != nil || !r.Already || r.Received != 0 {
			t.Errorf("again: %+v, %v", r, err)
		}
		if n := s.bytesSent(); n > int64(len(licence)) {
			t.Errorf("again: %d bytes were sent, want the licence at most", n)
		}
	})
}

// TestCutConnections pulls over connections that break every megabyte.
func TestCutConnections(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		weights, tower := random(3, 5<<20+1), random(4, 1000)
		s.publish(weights, tower)
		s.cutAfter(1_000_000)
		d := s.store(t.TempDir())
		if _, err := d.Pull(t.Context(), model, downloads.Options{Connections: 2}); err != nil {
			t.Fatal(err)
		}
		mustHave(t, d, weights, tower)
		if n := len(s.asked); n < 5 {
			t.Errorf("there were %d requests: was nothing cut?", n)
		}
	})
}

// TestResume stops a pull in its middle, and goes on with another client that
// knows only the folder.
func TestResume(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		weights, tower := random(5, 12<<20+5), random(6, 1000)
		s.publish(weights, tower)
		folder := t.TempDir()
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		_, err := s.store(folder).Pull(ctx, model, downloads.Options{Connections: 2, Limit: 4 << 20, Each: func(p downloads.Progress) {
			if p.Done > 5<<20 {
				cancel(stop)
			}
		}})
		if !errors.Is(err, stop) {
			t.Fatalf("error %v, want the cause", err)
		}
		s.CloseClientConnections()
		if s.bytes != nil {
			s.bytes.CloseClientConnections()
		}
		s.forget()
		d := s.store(folder)
		var plan downloads.Plan
		r, err := d.Pull(t.Context(), model, downloads.Options{Before: func(p downloads.Plan) error { plan = p; return nil }})
		if err != nil {
			t.Fatal(err)
		}
		if plan.Here < 3<<20 || !plan.Resumed {
			t.Errorf("the plan is %+v, want most of 5 MiB here", plan)
		}
		rest := int64(len(weights)+len(tower)) - plan.Here
		if r.Received != rest || s.bytesSent() > rest*102/100+int64(len(licence)) {
			t.Errorf("%d bytes came and %d were sent, want the rest of %d", r.Received, s.bytesSent(), rest)
		}
		mustHave(t, d, weights, tower)
	})
}

// TestRepair flips a bit of a pulled file: the registry is asked for the piece
// that has it, and for nothing else.
func TestRepair(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		weights, tower := random(7, 5<<20), random(8, 1000)
		s.publish(weights, tower)
		folder := t.TempDir()
		d := s.store(folder)
		if _, err := d.Pull(t.Context(), model, downloads.Options{}); err != nil {
			t.Fatal(err)
		}
		flip(t, folder, weights, 3<<20+77)
		s.forget()
		c, err := d.Verify(t.Context(), model, nil)
		if err != nil || c.Right() {
			t.Fatalf("Verify = %+v, %v, want the flipped bit", c, err)
		}
		c, err = d.Repair(t.Context(), c, downloads.Options{})
		if err != nil || !c.Repaired {
			t.Fatalf("Repair = %+v, %v", c, err)
		}
		if want := fmt.Sprintf("bytes=%d-%d", 3<<20, 4<<20-1); !slices.Contains(s.asked, want) || s.bytesSent() > 1<<20+int64(len(licence)) {
			t.Errorf("%d bytes were sent for %q, want those of %s", s.bytesSent(), s.asked, want)
		}
		mustHave(t, d, weights, tower)
	})
}

// flip changes a bit of the stored file with that content.
func flip(t *testing.T, folder string, data []byte, at int64) {
	t.Helper()
	sum := sha256.Sum256(data)
	path := filepath.Join(folder, "blobs", "sha256-"+hex.EncodeToString(sum[:]))
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{data[at] ^ 1}, at); err != nil {
		t.Fatal(err)
	}
}

// TestNoSuchTag asks for a tag that the registry does not have.
func TestNoSuchTag(t *testing.T) {
	s := newSite(t, false)
	s.publish(random(9, 1000), random(10, 100))
	_, err := s.store(t.TempDir()).Pull(t.Context(), "llama4:maverick", downloads.Options{})
	if err == nil || !strings.Contains(err.Error(), "llama4:maverick") || !strings.Contains(err.Error(), "ollama.com/library") {
		t.Errorf("error %v, want one that names the model and where to look", err)
	}
}
