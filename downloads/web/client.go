package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	dialTimeout   = 10 * time.Second
	tlsTimeout    = 10 * time.Second
	headerTimeout = 30 * time.Second
	maxHeader     = 64 << 10
	maxRedirects  = 5
	idleConns     = 16
	readBuffer    = 64 << 10
)

// Options is what a client can be told. The zero value suits.
type Options struct {
	// UserAgent names the program to the servers.
	UserAgent string
	// CAFile holds further root certificates, as PEM; empty for none.
	CAFile string
	// Trusted are the hosts, or hosts with a port, that the person named. They
	// may lie on this machine or network, and on this machine do without TLS.
	Trusted []string

	// Dial takes the place of the network, for tests.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Environment takes the place of os.Getenv, for tests.
	Environment func(name string) string
}

// Client makes requests. It may be used by many goroutines.
type Client struct {
	http      *http.Client
	transport *http.Transport
	trusted   map[string]bool // by host and by host:port
	userAgent string
}

// New makes a client. It fails if the file of certificates cannot be used or
// the environment names a proxy that makes no sense.
func New(o Options) (*Client, error) {
	c := &Client{trusted: map[string]bool{}, userAgent: o.UserAgent}
	for _, host := range o.Trusted {
		c.trusted[strings.ToLower(host)] = true
	}
	env := o.Environment
	if env == nil {
		env = os.Getenv
	}
	proxies, err := proxiesFrom(env)
	if err != nil {
		return nil, err
	}
	roots, err := rootsWith(o.CAFile)
	if err != nil {
		return nil, err
	}
	dial := o.Dial
	if dial == nil {
		dial = (&guard{trusts: func(address string) bool { return c.trusts(address) || proxies.isProxy(address) }}).dial
	}
	c.transport = &http.Transport{
		Proxy:                  proxies.forRequest,
		DialContext:            dial,
		TLSClientConfig:        &tls.Config{RootCAs: roots},
		TLSHandshakeTimeout:    tlsTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    idleConns,
		IdleConnTimeout:        headerTimeout,
		ReadBufferSize:         readBuffer,
		Protocols:              onlyHTTP1(),
		OnProxyConnectResponse: func(_ context.Context, proxy *url.URL, _ *http.Request, r *http.Response) error {
			if r.StatusCode != http.StatusOK {
				return &ProxyError{Proxy: proxy.Host, Code: r.StatusCode}
			}
			return nil
		},
	}
	c.http = &http.Client{
		Transport:     c.transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

func onlyHTTP1() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	return p
}

// rootsWith is the system's root certificates and those of a file.
func rootsWith(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil // the system's
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("web: reading root certificates: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("web: reading root certificates: %s has none: want PEM, \"-----BEGIN CERTIFICATE-----\"", file)
	}
	return roots, nil
}

// DropConnections closes the connections that wait for a request: after the
// machine slept they are dead without knowing it.
func (c *Client) DropConnections() { c.transport.CloseIdleConnections() }

// trusts tells whether the person named the host of an address.
func (c *Client) trusts(address string) bool {
	address = strings.ToLower(address)
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	return c.trusted[address] || c.trusted[host]
}

// Token is a secret for one host. It shows itself to nobody.
type Token struct {
	host   string // with its port
	secret string
}

// NewToken binds a secret to the host and port of a base address.
func NewToken(base, secret string) (Token, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return Token{}, fmt.Errorf("web: binding a token: %q is no address of a server", base)
	}
	return Token{host: hostPort(u), secret: secret}, nil
}

// String hides the secret.
func (t Token) String() string {
	if t.secret == "" {
		return "no token"
	}
	return "a token for " + t.host
}

// GoString hides the secret.
func (t Token) GoString() string { return t.String() }

// IsZero tells whether there is no token.
func (t Token) IsZero() bool { return t.secret == "" }

// hostPort is the host of an address with its port, in small letters.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// Response is the answer to a request, and how it was come by.
type Response struct {
	*http.Response
	URL  *url.URL    // that answered in the end
	Hops []*Redirect // the redirects before it
}

// Redirect is one redirect that was followed.
type Redirect struct {
	From   *url.URL
	Header http.Header
}

// Get asks for target, follows redirects and returns the first answer that is
// none, whatever its status. The caller closes the body. The token may be zero.
func (c *Client) Get(ctx context.Context, target string, header http.Header, token Token) (*Response, error) {
	r, next, err := c.walk(ctx, target, header, token, func(*url.URL) bool { return false })
	if err == nil && next != nil {
		err = errors.New("web: a walk without an end stopped") // not reachable: nothing stops it
	}
	return r, err
}

// Place is where bytes can be fetched.
type Place struct {
	URL     string
	Token   Token       // for that host, often none
	Expires time.Time   // when the address stops working; zero if that is not known
	Header  http.Header // of the answer that named the address
}

// Locate asks for one byte of target and follows redirects up to the first
// that leads to another host, which is where the bytes are. That host is not
// asked. An answer that is neither a redirect nor the byte is a *StatusError.
func (c *Client) Locate(ctx context.Context, target string, header http.Header, token Token) (Place, error) {
	first, err := url.Parse(target)
	if err != nil {
		return Place{}, fmt.Errorf("web: %q is no address: %w", target, err)
	}
	header = header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Range", "bytes=0-0")
	r, next, err := c.walk(ctx, target, header, token, func(u *url.URL) bool { return hostPort(u) != hostPort(first) })
	if err != nil {
		return Place{}, err
	}
	defer r.Body.Close()
	switch {
	case next != nil:
		return Place{URL: next.String(), Expires: expiry(next), Header: r.Header}, nil
	case r.StatusCode == http.StatusOK, r.StatusCode == http.StatusPartialContent:
		return Place{URL: r.URL.String(), Token: token, Header: r.Header}, nil
	case r.StatusCode == http.StatusRequestedRangeNotSatisfiable && token.allowed(r.URL):
		return Place{URL: r.URL.String(), Token: token, Header: r.Header}, nil // an empty file
	case r.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		return Place{URL: r.URL.String(), Header: r.Header}, nil
	}
	return Place{}, r.StatusError()
}

// walk follows redirects until an answer is none, or stop says that the next
// address is not to be asked: then that is next.
func (c *Client) walk(ctx context.Context, target string, header http.Header, token Token, stop func(*url.URL) bool) (r *Response, next *url.URL, err error) {
	at, err := url.Parse(target)
	if err != nil {
		return nil, nil, fmt.Errorf("web: %q is no address: %w", target, err)
	}
	if err := c.check(at, ""); err != nil {
		return nil, nil, err
	}
	var hops []*Redirect
	for {
		answer, err := c.ask(ctx, at, header, token)
		if err != nil {
			return nil, nil, err
		}
		r := &Response{Response: answer, URL: at, Hops: hops}
		if !isRedirect(answer.StatusCode) {
			return r, nil, nil
		}
		to, err := c.redirect(at, answer, len(hops))
		if err != nil {
			_ = answer.Body.Close()
			return nil, nil, err
		}
		if stop(to) {
			return r, to, nil
		}
		_ = answer.Body.Close()
		hops = append(hops, &Redirect{From: at, Header: answer.Header})
		at = to
	}
}

// ask makes one request.
func (c *Client) ask(ctx context.Context, at *url.URL, header http.Header, token Token) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("web: asking %s: %w", at.Host, err)
	}
	for name, values := range header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	// Nobody but token decides who is told the secret.
	req.Header.Del("Authorization")
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", c.userAgent)
	if token.allowed(at) {
		req.Header.Set("Authorization", "Bearer "+token.secret)
	}
	answer, err := c.http.Do(req)
	if err != nil {
		return nil, explain(ctx, at, err)
	}
	return answer, nil
}

// allowed tells whether an address may be told the secret: it is the host the
// token belongs to, and nobody on the way reads it.
func (t Token) allowed(u *url.URL) bool {
	if t.secret == "" || hostPort(u) != t.host {
		return false
	}
	return u.Scheme == "https" || isLoopback(u.Hostname())
}

// ReadAll reads a body of at most limit bytes and closes it. A longer one is an
// error, not cut.
func (r *Response) ReadAll(limit int64) ([]byte, error) {
	defer r.Body.Close()
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, fmt.Errorf("web: %s sends its answer encoded as %q, which was not asked for", r.URL.Host, Printable(e))
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("web: reading the answer of %s: %w", r.URL.Host, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("web: reading the answer of %s: it is longer than %d bytes", r.URL.Host, limit)
	}
	return data, nil
}
