package faultserver

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Call is one request on its way to an answer.
type Call struct {
	*Server
	Role    Role
	Name    string // of the file
	Content Content
	Known   bool // there is such a file
	Writer  http.ResponseWriter
	HTTP    *http.Request
	Request *Request
}

// Action answers a request, rightly or wrongly.
type Action func(c *Call)

// Rule is a line of a script: which requests get which answer.
type Rule struct {
	Role  Role
	When  func(c *Call) bool // nil for all
	Skip  int                // so many requests first go by
	Times int                // so many are answered with it, 0 for all
	Act   Action

	seen, done int
}

// Script adds rules; the first that wants a request gets it.
func (s *Server) Script(rules ...Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range rules {
		s.rules = append(s.rules, &r)
	}
}

// Clear ends all rules.
func (s *Server) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = nil
}

// take tells whether the rule wants a request. The server's lock is held.
func (r *Rule) take(c *Call) bool {
	if r.Role != c.Role || (r.When != nil && !r.When(c)) {
		return false
	}
	r.seen++
	if r.seen <= r.Skip || (r.Times > 0 && r.done >= r.Times) {
		return false
	}
	r.done++
	return true
}

// Sometimes wants a share of the requests, by a seeded random source.
func Sometimes(share float64, seed uint64) func(*Call) bool {
	random := rand.New(rand.NewPCG(seed, seed))
	return func(*Call) bool { return random.Float64() < share } // called with the server's lock
}

// Right answers as a good server does.
func Right(c *Call) {
	if c.Role == Hub {
		c.hub()
		return
	}
	c.blob(c.Content)
}

// hub sends the client on to the storage.
func (c *Call) hub() {
	if !strings.HasPrefix(c.HTTP.URL.Path, "/file/") {
		c.routes.ServeHTTP(c.Writer, c.HTTP)
		return
	}
	if !c.Known {
		http.NotFound(c.Writer, c.HTTP)
		return
	}
	c.mu.Lock()
	c.signature++
	signature := c.signature
	c.mu.Unlock()
	h := c.Writer.Header()
	h.Set("X-Linked-Size", strconv.FormatInt(c.Content.Size, 10))
	h.Set("Location", fmt.Sprintf("%s/blob/%s?sig=%d", c.Store, c.Name, signature))
	c.Writer.WriteHeader(http.StatusFound)
}

// blob serves a range of a file, if the signature is good.
func (c *Call) blob(content Content) {
	if !c.Known {
		http.NotFound(c.Writer, c.HTTP)
		return
	}
	if c.Expired() {
		http.Error(c.Writer, "<Error><Code>AccessDenied</Code></Error>", http.StatusForbidden)
		return
	}
	c.Part(content, nil)
}

// Expired tells whether the address of the request has expired.
func (c *Call) Expired() bool {
	signature, _ := strconv.Atoi(c.HTTP.URL.Query().Get("sig"))
	c.mu.Lock()
	defer c.mu.Unlock()
	return signature < c.valid
}

// bounds is the range that is asked for, or all.
func (c *Call) bounds() (from, to int64, ranged bool) {
	if c.Request.Range == "" {
		return 0, c.Content.Size, false
	}
	return c.Request.From, min(c.Request.To, c.Content.Size), true
}

// Part answers 206 with the range that was asked for; edit may change the
// headers.
func (c *Call) Part(content Content, edit func(h http.Header)) {
	from, to, ranged := c.bounds()
	h := c.Writer.Header()
	h.Set("ETag", fmt.Sprintf("%q", strconv.FormatUint(content.Seed, 16)))
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Accept-Ranges", "bytes")
	status := http.StatusOK
	if ranged {
		if from >= c.Content.Size || from > to {
			h.Set("Content-Range", fmt.Sprintf("bytes */%d", c.Content.Size))
			c.Writer.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return
		}
		status = http.StatusPartialContent
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, c.Content.Size))
	}
	h.Set("Content-Length", strconv.FormatInt(to-from, 10))
	if edit != nil {
		edit(h)
	}
	c.Writer.WriteHeader(status)
	_ = c.Send(content, from, to)
}

const sendChunk = 64 << 10

// Send writes bytes of the file into the body.
func (c *Call) Send(content Content, from, to int64) error {
	buffer := make([]byte, min(sendChunk, max(to-from, 0)))
	for from < to {
		n, _ := content.ReadAt(buffer[:min(int64(len(buffer)), to-from)], from)
		if n == 0 {
			return errors.New("faultserver: the file has no such bytes")
		}
		n, err := c.Writer.Write(buffer[:n])
		c.mu.Lock()
		c.Request.Sent += int64(n)
		c.mu.Unlock()
		if err != nil {
			return errGone
		}
		from += int64(n)
	}
	return nil
}

// Flush sends what has been written.
func (c *Call) Flush() { _ = http.NewResponseController(c.Writer).Flush() }

// Wait waits, or until the client or the server has gone.
func (c *Call) Wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.HTTP.Context().Done():
	case <-c.closed: // net/http does not see a client go that has sent its next request already
	}
}

// Status answers with a status, header lines ("Name: value") and a text.
func Status(code int, text string, header ...string) Action {
	return func(c *Call) {
		for _, line := range header {
			name, value, _ := strings.Cut(line, ": ")
			c.Writer.Header().Add(name, value)
		}
		c.Writer.WriteHeader(code)
		_, _ = c.Writer.Write([]byte(text))
	}
}

// Cut serves n bytes of the range and closes the connection.
func Cut(n int64) Action {
	return func(c *Call) {
		c.begin(n)
		panic(http.ErrAbortHandler)
	}
}

// Reset serves n bytes and resets the connection, as a router that forgot it
// does (a real one on sockets, a closed pipe on pipes).
func Reset(n int64) Action {
	return func(c *Call) {
		c.begin(n)
		conn, _, err := http.NewResponseController(c.Writer).Hijack()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
}

// begin writes the headers and the first n bytes of a right answer.
func (c *Call) begin(n int64) {
	from, to, _ := c.bounds()
	h := c.Writer.Header()
	h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, c.Content.Size))
	h.Set("Content-Length", strconv.FormatInt(to-from, 10))
	c.Writer.WriteHeader(http.StatusPartialContent)
	_ = c.Send(c.Content, from, min(from+n, to))
	c.Flush()
}

// Stall serves n bytes and then nothing, until the client goes.
func Stall(n int64) Action {
	return func(c *Call) {
		if n >= 0 {
			c.begin(n)
		} // else not even headers
		c.Wait(time.Hour)
		panic(http.ErrAbortHandler)
	}
}

// Trickle serves the range at so many bytes a second.
func Trickle(bytesPerSecond int64) Action {
	return func(c *Call) {
		from, to, _ := c.bounds()
		c.begin(0)
		for from < to {
			n := min(bytesPerSecond, to-from)
			if c.Send(c.Content, from, from+n) != nil || c.HTTP.Context().Err() != nil {
				panic(http.ErrAbortHandler)
			}
			c.Flush()
			from += n
			c.Wait(time.Second)
		}
	}
}

// Flip serves the range with one bit wrong at a position, if it is in it.
func Flip(position int64) Action {
	return func(c *Call) {
		from, to, _ := c.bounds()
		if position < from || position >= to {
			Right(c)
			return
		}
		c.begin(position - from)
		var b [1]byte
		_, _ = c.Content.ReadAt(b[:], position)
		b[0] ^= 1
		_, _ = c.Writer.Write(b[:])
		_ = c.Send(c.Content, position+1, to)
	}
}

// WholeFile answers 200 with all of the file, whatever was asked for.
func WholeFile(c *Call) {
	c.Writer.Header().Set("Content-Length", strconv.FormatInt(c.Content.Size, 10))
	c.Writer.WriteHeader(http.StatusOK)
	_ = c.Send(c.Content, 0, c.Content.Size)
}

// WholeFileCut is WholeFile up to n bytes, and then a closed connection.
func WholeFileCut(n int64) Action {
	return func(c *Call) {
		c.Writer.Header().Set("Content-Length", strconv.FormatInt(c.Content.Size, 10))
		c.Writer.WriteHeader(http.StatusOK)
		_ = c.Send(c.Content, 0, min(n, c.Content.Size))
		c.Flush()
		panic(http.ErrAbortHandler)
	}
}

// Header answers rightly but for some headers: "Name: value" sets one, "Name"
// removes it.
func Header(lines ...string) Action {
	return func(c *Call) {
		c.Part(c.Content, func(h http.Header) {
			for _, line := range lines {
				if name, value, set := strings.Cut(line, ": "); set {
					h.Set(name, value)
				} else {
					h.Del(name)
				}
			}
		})
	}
}

// Raw writes bytes to the connection as they are and closes it: answers that
// net/http would not write. The function gets the range that was asked for.
func Raw(write func(w *bufio.Writer, c *Call, from, to int64)) Action {
	return func(c *Call) {
		conn, buffered, err := http.NewResponseController(c.Writer).Hijack()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer conn.Close()
		from, to, _ := c.bounds()
		write(buffered.Writer, c, from, to)
		_ = buffered.Flush()
	}
}

// Bytes are bytes of the file, for Raw.
func (c *Call) Bytes(from, to int64) []byte {
	b := make([]byte, max(to-from, 0))
	_, _ = c.Content.ReadAt(b, from)
	return b
}

// Redirect sends the client elsewhere; an empty address leaves Location out.
func Redirect(code int, location string) Action {
	return func(c *Call) {
		if location != "" {
			c.Writer.Header().Set("Location", location)
		}
		c.Writer.WriteHeader(code)
	}
}

// AtMost answers 503 to connections beyond so many at once.
func AtMost(connections int) Action {
	slots := make(chan struct{}, connections)
	return func(c *Call) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			Trickle(256 << 10)(c)
		default:
			Status(http.StatusServiceUnavailable, "too many connections")(c)
		}
	}
}

// Pace answers rightly, so many bytes at a time with a pause after each.
func (c *Call) Pace(step int64, pause time.Duration) {
	from, to, _ := c.bounds()
	c.begin(0)
	next := time.Now()
	for from < to {
		n := min(step, to-from)
		if c.Send(c.Content, from, from+n) != nil || c.HTTP.Context().Err() != nil {
			panic(http.ErrAbortHandler)
		}
		c.Flush()
		from += n
		next = next.Add(pause)
		c.Wait(time.Until(next))
	}
}
