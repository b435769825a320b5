package transfer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"syscall"
	"time"

	"scout/downloads/disk"
	"scout/downloads/web"
)

// requestError is a request for bytes that went wrong, at the place of that age.
type requestError struct {
	age int
	err error
}

func (e *requestError) Error() string { return e.err.Error() }
func (e *requestError) Unwrap() error { return e.err }

// locateError is a hub that did not say where the bytes are.
type locateError struct{ err error }

func (e *locateError) Error() string { return e.err.Error() }
func (e *locateError) Unwrap() error { return e.err }

// ChangedError is a server that has another file where ours was.
type ChangedError struct{ Blob Blob }

func (e *ChangedError) Error() string {
	return fmt.Sprintf("the file changed on the server: %v", errOtherFile)
}

// GiveUpError ends a transfer that was told not to wait for ever.
type GiveUpError struct {
	After time.Duration
	Last  error // what went wrong last; nil if nothing was said
}

func (e *GiveUpError) Error() string {
	s := fmt.Sprintf("no byte came for %v", e.After)
	if e.Last != nil {
		s += ": " + e.Last.Error()
	}
	return s + "; what has come is kept, run it again to go on"
}

func (e *GiveUpError) Unwrap() error { return e.Last }

// fault is something that may go wrong a few times in a row, and then ends the
// transfer. Any byte that comes forgives it.
type fault int

const (
	faultRange   fault = iota // another range than was asked for
	faultWhole                // the whole file instead of a range
	faultAccess               // 401, 403, 410
	faultGone                 // 404
	faultHuge                 // 400
	faultBeyond               // 416
	faultRefused              // any other status
	faultSize                 // another size
	faultEncoded              // an encoding
	faultOther                // another entity tag
)

type strike struct {
	count int
	last  time.Time
}

// strikeGap is how far apart two faults must be to count as two: all
// connections see a fault at once.
const strikeGap = time.Second

// strikeOut counts a fault and tells whether it was one too many.
func (t *Transfer) strikeOut(f fault, most int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.strikes[f]
	if now := time.Now(); s.count == 0 || now.Sub(s.last) >= strikeGap {
		s = strike{s.count + 1, now}
		t.strikes[f] = s
	}
	return s.count >= most
}

// verdict is what is to be done after something went wrong.
type verdict struct {
	wait  time.Duration
	words string // what a person is told while nothing comes
	cause error
	fatal error // the end, if not nil
}

func fatally(err error) verdict { return verdict{fatal: err} }

// judge decides what to do after a connection's attempt-th error in a row.
func (t *Transfer) judge(err error, attempt int) verdict {
	v := t.sentence(err, attempt)
	v.cause = err
	return v
}

func (t *Transfer) sentence(err error, attempt int) verdict {
	var (
		permanent   interface{ Permanent() bool }
		onDisk      *disk.Error
		address     *web.AddressError
		certificate *web.CertificateError
		proxy       *web.ProxyError
		status      *web.StatusError
		located     *locateError
		request     *requestError
	)
	switch {
	case errors.As(err, &onDisk), errors.As(err, &address), errors.As(err, &certificate):
		return fatally(unwrapOurs(err))
	case errors.As(err, &permanent) && permanent.Permanent():
		return fatally(unwrapOurs(err))
	case errors.As(err, &proxy) && proxy.Code == http.StatusProxyAuthRequired:
		return fatally(proxy)
	case errors.Is(err, errStalled), errors.Is(err, errSlow), errors.Is(err, errSlept):
		return t.again(err, attempt-1) // the first time at once
	case errors.As(err, &status) && errors.As(err, &located):
		return t.hubStatus(status, attempt)
	case errors.As(err, &status) && errors.As(err, &request):
		return t.status(status, request.age, attempt)
	case errors.As(err, &request):
		return t.badAnswer(request, attempt)
	}
	return t.again(err, attempt)
}

// unwrapOurs takes our marks off an error that is shown to a person.
func unwrapOurs(err error) error {
	var (
		located *locateError
		request *requestError
	)
	switch {
	case errors.As(err, &located):
		return located.err
	case errors.As(err, &request):
		return request.err
	}
	return err
}

// hubStatus judges an answer of the hub that is not an address.
func (t *Transfer) hubStatus(e *web.StatusError, attempt int) verdict {
	switch {
	case e.Code == http.StatusTooManyRequests:
		return t.busy(e, attempt)
	case temporary(e.Code):
		return t.again(e, attempt)
	case t.strikeOut(faultRefused, 3):
		return fatally(e)
	}
	return t.again(e, attempt)
}

// temporary tells the statuses of a server that will be better soon.
func temporary(code int) bool {
	return code >= 500 || code == http.StatusRequestTimeout || code == http.StatusTooEarly
}

// status judges an answer without the bytes.
func (t *Transfer) status(e *web.StatusError, age, attempt int) verdict {
	switch e.Code {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return t.busy(e, attempt)
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusGone:
		return t.elsewhere(e, age, attempt, faultAccess, 5)
	case http.StatusNotFound:
		return t.elsewhere(e, age, attempt, faultGone, 3)
	case http.StatusRequestedRangeNotSatisfiable:
		return t.elsewhere(e, age, attempt, faultBeyond, 3)
	case http.StatusBadRequest:
		t.mu.Lock()
		t.longest = shortestSpan // perhaps it is the length that it does not like
		t.mu.Unlock()
		return t.elsewhere(&HugeError{Host: e.Host, Size: t.blob.Size}, age, attempt, faultHuge, 3)
	}
	if !temporary(e.Code) && t.strikeOut(faultRefused, 3) {
		return fatally(e)
	}
	return t.again(e, attempt)
}

// badAnswer judges an answer that is not what was asked for, or broke off.
func (t *Transfer) badAnswer(e *requestError, attempt int) verdict {
	var (
		ranges *rangeError
		size   *SizeError
	)
	switch {
	case errors.As(e.err, &ranges):
		return t.elsewhere(ranges, e.age, attempt, faultRange, 3)
	case errors.As(e.err, &size):
		return t.elsewhere(size, e.age, attempt, faultSize, 2)
	case errors.Is(e.err, errEncoded):
		return t.elsewhere(e.err, e.age, attempt, faultEncoded, 3)
	case errors.Is(e.err, errOtherFile):
		return t.elsewhere(&ChangedError{t.blob}, e.age, attempt, faultOther, 3)
	case errors.Is(e.err, errWebPage):
		t.places.expire(e.age)
	case errors.Is(e.err, errWholeFile):
		t.places.expire(e.age)
		if t.strikeOut(faultWhole, 2) {
			t.stream()
			return verdict{}
		}
	}
	return t.again(e.err, attempt)
}

// stream makes do with a server that knows no ranges.
func (t *Transfer) stream() {
	t.mu.Lock()
	before := t.streaming
	t.streaming = true
	t.mu.Unlock()
	if !before {
		t.tell("the server cannot resume: downloading in one piece, which begins anew whenever the connection breaks")
	}
}

// elsewhere asks for another address, and ends the transfer with err if that
// has not helped several times.
func (t *Transfer) elsewhere(err error, age, attempt int, f fault, most int) verdict {
	if !t.places.expire(age) {
		return verdict{} // another connection has seen to it
	}
	if t.strikeOut(f, most) {
		return fatally(err)
	}
	return t.again(err, attempt-1)
}

const (
	firstWait = time.Second
	longWait  = 30 * time.Second
	busyWait  = 5 * time.Second
)

// backoff is how long to wait after the n-th failure in a row: 1, 2, 4 ... 30
// seconds and up to a quarter more, so that not all come back at once.
func backoff(n int) time.Duration {
	if n <= 0 {
		return 0
	}
	wait := min(firstWait<<min(n-1, 10), longWait)
	return wait + rand.N(wait/4)
}

// again waits and tries once more.
func (t *Transfer) again(err error, attempt int) verdict {
	return verdict{wait: backoff(attempt), words: words(err)}
}

// words says why nothing comes.
func words(err error) string {
	var (
		dns     *net.DNSError
		status  *web.StatusError
		network *web.NetworkError
		proxy   *web.ProxyError
	)
	switch {
	case errors.Is(err, errStalled):
		return "no data for 20 s"
	case errors.Is(err, errWebPage):
		return errWebPage.Error()
	case errors.As(err, &proxy):
		return proxy.Error()
	case errors.As(err, &dns), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "no network; it goes on when it is back"
	case errors.As(err, &status) && temporary(status.Code):
		return fmt.Sprintf("%s is busy (%d)", status.Host, status.Code)
	case errors.As(err, &network):
		return network.Error()
	}
	return unwrapOurs(err).Error()
}

const (
	// lowerEvery keeps one overload from lowering the limit several times.
	lowerEvery = 10 * time.Second
	raiseEvery = time.Minute
)

// busy keeps away for as long as the server asks, and opens fewer connections.
func (t *Transfer) busy(e *web.StatusError, attempt int) verdict {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if now.Sub(t.lowered) >= lowerEvery {
		t.limit, t.lowered = max(1, t.limit/2), now
	}
	v := verdict{wait: backoff(attempt), words: fmt.Sprintf("%s is busy (%d)", e.Host, e.Code)}
	if e.Code == http.StatusTooManyRequests {
		v.wait = max(v.wait, busyWait)
	}
	switch {
	case e.Wait.Asked:
		v.wait = e.Wait.For + rand.N(firstWait)
	case t.report.received > 0 && now.Sub(t.report.lastByte) < 2*time.Second:
		return v // the other connections do well: only this one was too many
	}
	if e.Wait.Asked || e.Code == http.StatusTooManyRequests {
		v.words = fmt.Sprintf("%s asks to wait %d s", e.Host, int(v.wait.Seconds()))
		if e.Wait.Limited {
			v.words += " (a token, HF_TOKEN, raises its limit)"
		}
		t.quietUntil = now.Add(v.wait)
	}
	return v
}
