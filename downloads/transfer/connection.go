package transfer

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"time"

	"golang.org/x/time/rate"
)

const (
	// stallAfter is how long a connection may bring nothing.
	stallAfter = 20 * time.Second
	// bufferSize is how much is written at once: a piece, as a rule. The system
	// takes one large write for much less than many small ones.
	bufferSize = 1 << 20
	// gatherFor is how long bytes are held back to be written together.
	gatherFor = 100 * time.Millisecond
	// limitedRead is how much is read at once where a rate is set: what is read
	// has to be waited for before it is written and seen.
	limitedRead = 64 << 10
)

// What breaks off a request that goes on too badly to wait for it.
var (
	errStalled = errors.New("no data came for 20 s")
	errSlow    = errors.New("the connection was much slower than the others")
	errSlept   = errors.New("the machine slept")
)

// connection is one of the connections of a transfer: it fetches span after
// span until none is left, and waits when it has to.
func (t *Transfer) connection(ctx context.Context, number int, stop context.CancelCauseFunc) {
	buffer := make([]byte, bufferSize)
	attempt := 0
	for {
		s := t.next(ctx, number)
		if s == nil {
			return
		}
		err := t.fetchSpan(ctx, s, buffer)
		t.mu.Lock()
		got := s.received
		t.table.release(s)
		t.changed.Broadcast()
		t.mu.Unlock()
		if ctx.Err() != nil {
			return
		}
		if got > 0 || err == nil {
			attempt = 0
		}
		if err == nil {
			continue
		}
		attempt++
		v := t.judge(err, attempt)
		if v.fatal != nil {
			stop(v.fatal)
			return
		}
		t.setTrouble(number, v, attempt)
		sleep(ctx, v.wait)
	}
}

// sleep waits, or for the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// next waits for work for a connection. It is nil at the end.
func (t *Transfer) next(ctx context.Context, number int) *span {
	t.mu.Lock()
	defer t.mu.Unlock()
	for ctx.Err() == nil && !t.table.complete() {
		if s := t.offer(number); s != nil {
			s.drop = func(error) {}
			return s
		}
		t.changed.Wait() // the governor wakes us every second too
	}
	return nil
}

// offer is work for a connection at this moment, or nil.
func (t *Transfer) offer(number int) *span {
	switch {
	case number >= t.limit, time.Now().Before(t.quietUntil):
		return nil
	case t.streams > 0, t.streaming && len(t.table.spans) > 0:
		return nil // one connection does all
	}
	if s := t.table.take(t.limit, t.longest); s != nil {
		return s
	}
	if t.streaming {
		return nil
	}
	return t.table.steal()
}

// fetchSpan asks for a span and writes what comes.
func (t *Transfer) fetchSpan(ctx context.Context, s *span, buffer []byte) error {
	place, age, err := t.places.get(ctx, t.source)
	if err != nil {
		return &locateError{err}
	}
	ctx, drop := context.WithCancelCause(ctx)
	defer drop(nil)
	t.mu.Lock()
	s.drop = drop
	from, to, streaming := s.pos, s.end, t.streaming
	t.mu.Unlock()

	header := http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", from, to-1)}}
	answer, err := t.fetcher.client.Get(ctx, place.URL, header, place.Token)
	if err != nil {
		return &requestError{age, err}
	}
	defer answer.Body.Close()
	body, err := checkAnswer(answer, wanted{from: from, to: to, size: t.blob.Size, tag: t.places.tag()})
	if errors.Is(err, errWholeFile) && (streaming || from == 0 && to == t.blob.Size) {
		err = t.receiveStream(ctx, s, answer.Body, buffer, drop)
	} else if err == nil {
		t.rangesWork()
		t.places.setTag(age, body.tag)
		err = t.receive(ctx, s, to, answer.Body, buffer, drop)
	}
	if err != nil {
		return &requestError{age, err}
	}
	return nil
}

// rangesWork notes that the server knows ranges after all.
func (t *Transfer) rangesWork() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.streaming = false
}

// receive reads a span's bytes, of which the server sends those before to, and
// writes them, until the span is done or cut short by a thief.
func (t *Transfer) receive(ctx context.Context, s *span, to int64, body io.Reader, buffer []byte, drop context.CancelCauseFunc) error {
	r := t.newReader(ctx, body, drop)
	defer r.stop()
	for {
		t.mu.Lock()
		// Within one piece: what is gathered of it nobody else may take.
		left := t.table.claim(s, min(int64(len(buffer)), t.table.end(t.table.piece(s.pos))-s.pos))
		whole := s.pos == to
		t.mu.Unlock()
		if whole {
			r.drain()
		}
		if left == 0 {
			return nil
		}
		n, err := r.gather(buffer[:left])
		if n > 0 {
			if err := t.accept(s, buffer[:n]); err != nil {
				return err
			}
		}
		if err == nil {
			t.letHasherWork(ctx)
			continue
		}
		t.mu.Lock()
		finished := s.pos >= s.end
		t.mu.Unlock()
		switch {
		case finished && errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, io.EOF): // also where the length was not announced
			return io.ErrUnexpectedEOF
		}
		return err
	}
}

// accept writes bytes of a span at its position and moves it on, past what a
// thief may have taken in the meantime.
func (t *Transfer) accept(s *span, b []byte) error {
	for len(b) > 0 {
		t.mu.Lock()
		pos := s.pos
		piece := t.table.piece(pos)
		n := t.table.claim(s, min(int64(len(b)), t.table.end(piece)-pos))
		t.mu.Unlock()
		if n == 0 {
			return nil
		}
		if err := t.write(b[:n], pos); err != nil {
			return t.diskError("writing", t.blob.part(), err)
		}
		crc := crc32.Update(s.crc, castagnoli, b[:n])
		finished := pos+n == t.table.end(piece)
		t.mu.Lock()
		s.crc = crc
		s.pos += n
		s.received += n
		t.received(n)
		if finished {
			t.finishPiece(piece, s.crc)
			s.crc = 0
		}
		t.mu.Unlock()
		if finished {
			t.part.WriteBack(t.table.start(piece), t.table.end(piece)-t.table.start(piece))
		}
		b = b[n:]
	}
	return nil
}

// write writes to the part, one connection at a time. The system would do the same
// with a lock that waits by spinning: a third more time on the processors.
func (t *Transfer) write(b []byte, at int64) error {
	t.writing.Lock()
	defer t.writing.Unlock()
	_, err := t.part.WriteAt(b, at)
	return err
}

// received notes that bytes have come, which makes good all that went wrong
// before. The lock is held.
func (t *Transfer) received(n int64) {
	t.report.received += n
	t.report.lastByte = time.Now()
	t.report.raise(t.table.bytes())
	clear(t.strikes)
}

// finishPiece notes that a piece is written. The lock is held.
func (t *Transfer) finishPiece(i int, crc uint32) {
	if before, again := t.previous[i]; again && before != crc {
		t.differed++
	}
	t.table.finish(i, crc)
	t.changed.Broadcast()
}

// receiveStream reads the file from its beginning, from a server that knows no
// ranges, and writes the pieces that are missing. s was to be fetched; while
// the stream runs no other connection does.
func (t *Transfer) receiveStream(ctx context.Context, s *span, body io.Reader, buffer []byte, drop context.CancelCauseFunc) error {
	t.mu.Lock()
	t.streams++
	t.table.release(s) // the stream takes the pieces as it comes to them
	s.pos, s.end = 0, 0
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		t.streams--
		t.mu.Unlock()
	}()
	r := t.newReader(ctx, body, drop)
	defer r.stop()
	for i := range t.table.state {
		if err := t.streamPiece(i, s, r, buffer); err != nil {
			return err
		}
	}
	return nil
}

// streamPiece reads one piece of a stream and writes it if it is missing.
func (t *Transfer) streamPiece(i int, s *span, r *reader, buffer []byte) error {
	t.mu.Lock()
	needed := t.table.state[i] == missing
	pos, end := t.table.start(i), t.table.end(i)
	if needed {
		delete(t.table.begun, i)
		t.table.state[i] = taken
		t.table.nMissing--
		s.pos, s.end, s.crc = pos, end, 0
		t.table.spans[s] = true
	}
	t.mu.Unlock()
	for pos < end {
		n, err := r.gather(buffer[:min(int64(len(buffer)), end-pos)])
		if n > 0 && needed {
			if err := t.accept(s, buffer[:n]); err != nil {
				return err
			}
		}
		pos += int64(n)
		if pos < end && err != nil {
			if errors.Is(err, io.EOF) {
				return io.ErrUnexpectedEOF
			}
			return err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.table.release(s)
	s.pos, s.end = 0, 0
	t.report.lastByte = time.Now() // bytes came, if only ones that we had
	return nil
}

// reader reads a body, not faster than it may, and breaks off when nothing
// comes.
type reader struct {
	ctx      context.Context
	body     io.Reader
	limiter  limiter
	watchdog *time.Timer
}

// limiter is what is needed of a *rate.Limiter.
type limiter interface {
	WaitN(ctx context.Context, n int) error
	Burst() int
	Limit() rate.Limit
}

// limits tells whether a limiter holds anything back: one that is shared may be
// there only so that a rate can be set later.
func limits(l limiter) bool { return l != nil && l.Limit() != rate.Inf }

func (t *Transfer) newReader(ctx context.Context, body io.Reader, drop context.CancelCauseFunc) *reader {
	r := &reader{ctx: ctx, body: body}
	if t.options.Limiter != nil {
		r.limiter = t.options.Limiter
	}
	r.watchdog = time.AfterFunc(stallAfter, func() { drop(errStalled) })
	return r
}

// read is a Read whose error is the reason why the request was dropped, if it
// was.
func (r *reader) read(b []byte) (int, error) {
	limited := limits(r.limiter)
	if limited {
		b = b[:min(len(b), limitedRead, max(1, r.limiter.Burst()))]
	}
	r.watchdog.Reset(stallAfter)
	n, err := r.body.Read(b)
	r.watchdog.Stop()
	if cause := context.Cause(r.ctx); cause != nil {
		return n, cause
	}
	if n > 0 && limited {
		if err := r.limiter.WaitN(r.ctx, n); err != nil {
			if cause := context.Cause(r.ctx); cause != nil {
				err = cause
			}
			return n, err
		}
	}
	return n, err
}

// gather reads until b is full, for a short while, or to an error. A slow body
// gives what it has with each read.
func (r *reader) gather(b []byte) (n int, err error) {
	began := time.Now()
	for n < len(b) && err == nil {
		var more int
		more, err = r.read(b[n:])
		n += more
		if time.Since(began) >= gatherFor {
			break
		}
	}
	return n, err
}

// drain reads the end of a body that has come whole, so that its connection
// can be used again. If there is more, the connection is dropped with it.
func (r *reader) drain() {
	var b [1]byte
	r.watchdog.Reset(stallAfter)
	_, _ = r.body.Read(b[:])
}

func (r *reader) stop() { r.watchdog.Stop() }
