package faultserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"scout/downloads/web"
)

// Addresses of the servers on pipes.
const (
	HubAddress   = "127.0.0.1:1001"
	StoreAddress = "127.0.0.1:1002"
)

// Role is which of the two servers is asked.
type Role int

// The roles.
const (
	Hub Role = iota
	Store
)

// Server is a hub and its storage.
type Server struct {
	// Hub and Store are the base addresses, "http://127.0.0.1:1001".
	Hub, Store string

	network *network // nil on real sockets
	hub     *http.Server
	store   *http.Server

	mu        sync.Mutex
	files     map[string]Content
	rules     []*Rule
	requests  []*Request
	signature int
	valid     int // signatures below are expired
	dialFails func(address string) error
	routes    *http.ServeMux // more paths of the hub
	open      map[net.Conn]bool
	closing   sync.Once
	closed    chan struct{}
}

// Request is a request that was made.
type Request struct {
	Role          Role
	Method        string
	Path          string
	Range         string
	From, To      int64 // of the range, To exclusive; 0, 0 if there was none
	Authorization string
	Sent          int64 // bytes of the body that were written
}

// New starts a server on pipes, for use inside a testing/synctest bubble or
// outside. It ends with the test, or with Close.
func New(t testing.TB) *Server {
	n := &network{}
	s := &Server{Hub: "http://" + HubAddress, Store: "http://" + StoreAddress, network: n, files: map[string]Content{}, routes: http.NewServeMux()}
	s.start(n.listen(HubAddress), n.listen(StoreAddress))
	t.Cleanup(s.Close)
	return s
}

// NewOnSockets starts a server on the loopback interface.
func NewOnSockets(t testing.TB) *Server {
	t.Helper()
	s := &Server{files: map[string]Content{}, routes: http.NewServeMux()}
	var listeners [2]net.Listener
	for i := range listeners {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners[i] = l
	}
	s.Hub = "http://" + listeners[0].Addr().String()
	s.Store = "http://" + listeners[1].Addr().String()
	s.start(listeners[0], listeners[1])
	t.Cleanup(s.Close)
	return s
}

func (s *Server) start(hub, store net.Listener) {
	s.open, s.closed = map[net.Conn]bool{}, make(chan struct{})
	s.hub = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(Hub, w, r) })}
	s.store = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(Store, w, r) }), ConnState: s.track}
	go s.hub.Serve(hub)
	go s.store.Serve(store)
}

// Close ends the servers and their connections.
func (s *Server) Close() {
	s.closing.Do(func() { close(s.closed) })
	_ = s.hub.Close()
	_ = s.store.Close()
}

// Dial is for web.Options.Dial: it reaches the servers on pipes, and fails as
// FailDial says.
func (s *Server) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	s.mu.Lock()
	fails := s.dialFails
	s.mu.Unlock()
	if fails != nil {
		if err := fails(address); err != nil {
			return nil, err
		}
	}
	if s.network == nil {
		var d net.Dialer
		return d.DialContext(ctx, network, address)
	}
	return s.network.dial(ctx, address)
}

// Listen serves another host on the pipes, until the server is closed.
func (s *Server) Listen(address string, h http.Handler) {
	server := &http.Server{Handler: h}
	l := s.network.listen(address)
	go server.Serve(l)
	s.hub.RegisterOnShutdown(func() { server.Close() })
}

// FailDial makes connecting fail where f says so; nil ends that.
func (s *Server) FailDial(f func(address string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dialFails = f
}

// Client is a web client that reaches this server and trusts its hosts.
func (s *Server) Client(t testing.TB) *web.Client {
	t.Helper()
	trim := func(u string) string { return strings.TrimPrefix(u, "http://") }
	c, err := web.New(web.Options{
		UserAgent:   "scout-test",
		Trusted:     []string{trim(s.Hub), trim(s.Store)},
		Dial:        s.Dial,
		Environment: func(string) string { return "" },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.DropConnections)
	return c
}

// Add publishes a file.
func (s *Server) Add(name string, c Content) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[name] = c
}

// Handle adds a path to the hub, as http.ServeMux.
func (s *Server) Handle(pattern string, h http.HandlerFunc) { s.routes.HandleFunc(pattern, h) }

// ExpireSignatures makes all addresses given out so far answer 403.
func (s *Server) ExpireSignatures() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.valid = s.signature + 1
}

// Source locates the file of that name, as the transfer's Source.
type Source struct {
	Client *web.Client
	URL    string
	Token  web.Token
}

// Source is where the hub has a file.
func (s *Server) Source(c *web.Client, name string) *Source {
	return &Source{Client: c, URL: s.Hub + "/file/" + name}
}

// Locate asks the hub.
func (s *Source) Locate(ctx context.Context) (web.Place, error) {
	return s.Client.Locate(ctx, s.URL, nil, s.Token)
}

// Requests are those made so far to one of the servers.
func (s *Server) Requests(role Role) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Request
	for _, r := range s.requests {
		if r.Role == role {
			all = append(all, *r)
		}
	}
	return all
}

// Forget forgets the requests so far.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// Sent is how many bytes of files the storage has sent.
func (s *Server) Sent() int64 {
	var sum int64
	for _, r := range s.Requests(Store) {
		sum += r.Sent
	}
	return sum
}

// record notes a request.
func (s *Server) record(role Role, r *http.Request) *Request {
	request := &Request{Role: role, Method: r.Method, Path: r.URL.Path, Range: r.Header.Get("Range"), Authorization: r.Header.Get("Authorization")}
	if _, err := fmt.Sscanf(request.Range, "bytes=%d-%d", &request.From, &request.To); err == nil {
		request.To++
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, request)
	return request
}

// serve answers a request: with the first rule that wants it, or rightly.
func (s *Server) serve(role Role, w http.ResponseWriter, r *http.Request) {
	call := &Call{Server: s, Role: role, Writer: w, HTTP: r, Request: s.record(role, r)}
	s.mu.Lock()
	if name, ok := strings.CutPrefix(r.URL.Path, "/blob/"); ok {
		call.Content, call.Known = s.files[name]
		call.Name = name
	}
	if name, ok := strings.CutPrefix(r.URL.Path, "/file/"); ok {
		call.Content, call.Known = s.files[name]
		call.Name = name
	}
	var action Action
	for _, rule := range slices.Clone(s.rules) {
		if rule.take(call) {
			action = rule.Act
			break
		}
	}
	s.mu.Unlock()
	if action == nil {
		action = Right
	}
	action(call)
}

// errGone is a client that has gone away.
var errGone = errors.New("the client has gone")

// Break closes all connections of the storage, in the middle of whatever.
func (s *Server) Break() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		_ = c.Close()
	}
}

// track notes connections of the storage, for Break.
func (s *Server) track(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew:
		s.open[c] = true
	case http.StateClosed, http.StateHijacked:
		delete(s.open, c)
	}
}
