package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func noEnvironment(string) string { return "" }

func newClient(t *testing.T, trusted ...string) *Client {
	t.Helper()
	c, err := New(Options{UserAgent: "scout-test", Trusted: trusted, Environment: noEnvironment})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.DropConnections)
	return c
}

func TestInside(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1": true, "127.8.8.8": true, "0.0.0.0": true, "0.1.2.3": true, "10.0.0.1": true, "172.16.0.1": true,
		"172.32.0.1": false, "192.168.1.1": true, "169.254.169.254": true, "100.64.0.1": true, "100.128.0.1": false,
		"224.0.0.1": true, "255.255.255.255": true, "8.8.8.8": false, "::1": true, "::": true, "fe80::1": true, "fe80::1%eth0": true,
		"fd00::1": true, "ff02::1": true, "2606:4700::1111": false, "::ffff:10.0.0.1": true, "::ffff:8.8.8.8": false,
		"64:ff9b::7f00:1": true, "64:ff9b::808:808": false, "2002:c0a8:0101::1": true, "2002:808:808::1": false,
	} {
		if got := inside(netip.MustParseAddr(address)) != ""; got != want {
			t.Errorf("inside(%s) = %v, want %v", address, got, want)
		}
	}
}

func TestResolvedAddressesAreLookedAt(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	address := s.Listener.Addr().String()
	// The name is harmless, what it resolved to is not: as with DNS rebinding.
	g := &guard{trusts: func(string) bool { return false }}
	_, err := g.dial(t.Context(), "tcp", address)
	var refused *AddressError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "this machine") {
		t.Errorf("dialling %s: %v, want it refused", address, err)
	}
	g.trusts = func(a string) bool { return a == address }
	conn, err := g.dial(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	for _, resolved := range []string{"169.254.169.254:80", "[::ffff:10.0.0.1]:443", "[fe80::1%lo]:443", "junk"} {
		if err := refuseInside("models.example:443", resolved); err == nil {
			t.Errorf("a name that resolves to %s is asked", resolved)
		}
	}
	if err := refuseInside("models.example:443", "8.8.8.8:443"); err != nil {
		t.Error(err)
	}
}

func TestAddresses(t *testing.T) {
	c := newClient(t, "127.0.0.1:5000", "models.lan")
	for address, ok := range map[string]bool{
		"https://example.com/x":    true,
		"http://example.com/x":     false,
		"https://127.0.0.1/x":      false,
		"http://127.0.0.1:5000/x":  true,
		"http://127.0.0.1:5001/x":  false,
		"https://models.lan/x":     true,
		"https://models.lan:99/x":  true,
		"http://models.lan/x":      false,
		"https://a@example.com/x":  false,
		"https://localhost/":       false,
		"https://x.localhost/":     false,
		"ftp://example.com/":       false,
		"file:///etc/passwd":       false,
		"https:///x":               false,
		"https://[::1]/":           false,
		"https://[::ffff:a00:1]/x": false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.check(u, ""); (err == nil) != ok {
			t.Errorf("check(%s) = %v, want ok %v", address, err, ok)
		}
	}
}

func TestTokensDoNotLeak(t *testing.T) {
	var seen []string
	record := func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			seen = append(seen, name+" "+r.Header.Get("Authorization"))
			if to := r.URL.Query().Get("to"); to != "" {
				http.Redirect(w, r, to, http.StatusFound)
			}
		}
	}
	hub := httptest.NewServer(record("hub"))
	defer hub.Close()
	other := httptest.NewServer(record("other"))
	defer other.Close()
	c := newClient(t, "127.0.0.1")
	token, err := NewToken(hub.URL, "hf_verysecret")
	if err != nil {
		t.Fatal(err)
	}
	// There, to another port of the same host, and back.
	back := other.URL + "?to=" + url.QueryEscape(hub.URL)
	r, err := c.Get(t.Context(), hub.URL+"?to="+url.QueryEscape(back), http.Header{"authorization": {"Bearer smuggled"}}, token)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if want := []string{"hub Bearer hf_verysecret", "other ", "hub Bearer hf_verysecret"}; fmt.Sprint(seen) != fmt.Sprint(want) {
		t.Errorf("seen %q, want %q", seen, want)
	}
	for _, shown := range []string{fmt.Sprint(token), fmt.Sprintf("%v %+v %#v", token, token, &token)} {
		if strings.Contains(shown, "verysecret") {
			t.Errorf("printing a token shows %q", shown)
		}
	}
	for address, want := range map[string]bool{"https://huggingface.co/x": true, "https://HuggingFace.co:443/": true,
		"http://huggingface.co/": false, "https://huggingface.co:444/": false, "https://cdn.huggingface.co/": false, "https://huggingface.co.evil.com/": false} {
		token, _ := NewToken("https://huggingface.co", "s")
		u, _ := url.Parse(address)
		if token.allowed(u) != want {
			t.Errorf("a token for huggingface.co goes to %s: %v", address, !want)
		}
	}
}

func TestErrorsNameOnlyTheHost(t *testing.T) {
	c := newClient(t, "127.0.0.1")
	_, err := c.Get(t.Context(), "http://127.0.0.1:1/secret/path?Signature=abc", nil, Token{})
	if err == nil || strings.Contains(err.Error(), "Signature") || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("error %v", err)
	}
}

func TestWaits(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        Wait
	}{
		{"RateLimit", `"resolvers";r=0;t=55`, Wait{55 * time.Second, true, true}},
		{"RateLimit", `"api";r=3;t=5, "resolvers";r=0;t=7`, Wait{7 * time.Second, true, true}},
		{"RateLimit", `"resolvers";r=10;t=55`, Wait{}},
		{"RateLimit", `junk;r=;t=x`, Wait{}},
		{"Retry-After", "12", Wait{For: 12 * time.Second, Asked: true}},
		{"Retry-After", "999999999999", Wait{For: time.Hour, Asked: true}},
		{"Retry-After", "-5", Wait{}},
		{"Retry-After", "Sat, 01 Jan 2000 00:00:00 GMT", Wait{Asked: true}},
		{"Retry-After", "soon", Wait{}},
	} {
		if got := waitFrom(http.Header{http.CanonicalHeaderKey(c.name): {c.value}}); got != c.want {
			t.Errorf("%s: %s = %+v, want %+v", c.name, c.value, got, c.want)
		}
	}
}

func TestExpiry(t *testing.T) {
	for query, want := range map[string]int64{
		"Expires=1700000000":                             1700000000,
		"X-Amz-Date=20231114T221320Z&X-Amz-Expires=1200": 1700001200,
		"X-Amz-Expires=1200":                             0,
		"X-Amz-Date=junk&X-Amz-Expires=5":                0,
		"X-Amz-Date=20231114T221320Z&X-Amz-Expires=":     0,
		"": 0,
	} {
		var unix int64
		if e := expiry(&url.URL{RawQuery: query}); !e.IsZero() {
			unix = e.Unix()
		}
		if unix != want {
			t.Errorf("expiry of %q = %d, want %d", query, unix, want)
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "identity" || r.Header.Get("User-Agent") != "scout-test" {
			t.Errorf("request headers %v", r.Header)
		}
		switch r.URL.Path {
		case "/gzip":
			w.Header().Set("Content-Encoding", "gzip")
		case "/endless":
			for range 1000 {
				fmt.Fprint(w, strings.Repeat("x", 1000))
			}
		case "/exact":
			fmt.Fprint(w, "1234567890")
		}
	}))
	defer s.Close()
	c := newClient(t, "127.0.0.1")
	for path, ok := range map[string]bool{"/gzip": false, "/endless": false, "/exact": true} {
		r, err := c.Get(t.Context(), s.URL+path, nil, Token{})
		if err != nil {
			t.Fatal(err)
		}
		data, err := r.ReadAll(10)
		if (err == nil) != ok || (ok && string(data) != "1234567890") {
			t.Errorf("%s: %q, %v, want ok %v", path, data, err, ok)
		}
	}
}

func TestProxyVariables(t *testing.T) {
	for _, c := range []struct {
		env         map[string]string
		to, want    string
		isItsOwnToo string
	}{
		{map[string]string{"HTTPS_PROXY": "http://proxy:3128"}, "https://a.com", "http://proxy:3128", "proxy:3128"},
		{map[string]string{"https_proxy": "proxy:3128"}, "https://a.com", "http://proxy:3128", "proxy:3128"},
		{map[string]string{"ALL_PROXY": "socks5://me:pw@proxy"}, "https://a.com", "socks5://me:pw@proxy", "proxy:1080"},
		{map[string]string{"ALL_PROXY": "socks5://proxy", "HTTPS_PROXY": "https://other"}, "https://a.com", "https://other", "other:443"},
		{map[string]string{"HTTPS_PROXY": "http://proxy", "NO_PROXY": ".a.com"}, "https://x.a.com", "", "proxy:80"},
	} {
		p, err := proxiesFrom(func(name string) string { return c.env[name] })
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse(c.to)
		got, err := p.choose(u)
		shown := ""
		if got != nil {
			shown = got.String()
		}
		if err != nil || shown != c.want || !p.isProxy(c.isItsOwnToo) {
			t.Errorf("%v: proxy %q (%v), want %q; hosts %v", c.env, shown, err, c.want, p.hosts)
		}
	}
	if _, err := New(Options{Environment: func(string) string { return "http://user:geheim@:::" }}); err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("a proxy that is none: %v", err)
	}
}

func TestCAFile(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, empty + "missing"} {
		if _, err := New(Options{CAFile: file, Environment: noEnvironment}); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("certificates from %s: %v", file, err)
		}
	}
}

func TestLocateStopsBeforeAnotherHost(t *testing.T) {
	asked := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer other.Close()
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "bytes=0-0" {
			t.Errorf("asked for %q", r.Header.Get("Range"))
		}
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/file", http.StatusTemporaryRedirect)
		case "/file":
			w.Header().Set("X-Linked-Etag", `"abc"`)
			http.Redirect(w, r, other.URL+"/blob?Expires=1700000000", http.StatusFound)
		case "/here":
			w.WriteHeader(http.StatusPartialContent)
		default:
			w.Header().Set("X-Error-Code", "GatedRepo")
			w.Header().Set("X-Error-Message", "not\u202e for you")
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer hub.Close()
	c := newClient(t, "127.0.0.1")
	token, _ := NewToken(hub.URL, "s")
	place, err := c.Locate(t.Context(), hub.URL+"/moved", nil, token)
	if err != nil || place.URL != other.URL+"/blob?Expires=1700000000" || !place.Token.IsZero() || place.Expires.Unix() != 1700000000 || place.Header.Get("X-Linked-Etag") != `"abc"` {
		t.Errorf("Locate = %+v, %v", place, err)
	}
	if asked {
		t.Error("the other host was asked")
	}
	if place, err = c.Locate(t.Context(), hub.URL+"/here", nil, token); err != nil || place.URL != hub.URL+"/here" || place.Token.IsZero() {
		t.Errorf("Locate of what the hub has itself = %+v, %v", place, err)
	}
	_, err = c.Locate(t.Context(), hub.URL+"/gated", nil, token)
	var status *StatusError
	if !errors.As(err, &status) || status.Reason != "GatedRepo" || status.Message != "not for you" {
		t.Errorf("Locate of a gated file: %#v", err)
	}
}

func TestCancelledRequestsSayWhy(t *testing.T) {
	c, err := New(Options{Trusted: []string{"127.0.0.1"}, Environment: noEnvironment, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("because")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if _, err := c.Get(ctx, "http://127.0.0.1/", nil, Token{}); !errors.Is(err, why) {
		t.Errorf("error %v, want %v", err, why)
	}
}

func FuzzPrintable(f *testing.F) {
	for _, s := range []string{"plain", "a\x1b]52;c;aGk=\x07b", "\xe2\x1b[31m", "\u202etxt.exe", strings.Repeat("x", 1000), "\u009b31m", "a\r\nb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p := Printable(s)
		if !utf8.ValidString(p) || utf8.RuneCountInString(p) > maxPrintable+3 || Printable(p) != p && len(p) < maxPrintable {
			t.Fatalf("Printable(%q) = %q", s, p)
		}
		for _, r := range p {
			if !unicode.IsPrint(r) {
				t.Fatalf("Printable(%q) has %U", s, r)
			}
		}
	})
}
