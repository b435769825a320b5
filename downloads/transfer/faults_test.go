package transfer

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"scout/downloads/faultserver"
	"scout/downloads/web"
)

// The numbers of the tests here are those of the table in
// docs/downloads-faults.md.

const (
	manyPieces = 60*testPiece + 123
	onStore    = faultserver.Store
	onHub      = faultserver.Hub
)

type rule = faultserver.Rule

// overhead fails the test if more was sent than the file and some.
func (b *bench) overhead(most int64) {
	b.t.Helper()
	if extra := b.Sent() - b.blob.Size; extra > most {
		b.t.Errorf("the server sent %d bytes more than the file has, want at most %d", extra, most)
	}
}

// recovers expects a transfer to succeed under a script.
func recovers(t *testing.T, o Options, check func(t *testing.T, b *bench, tr *Transfer), rules ...rule) {
	t.Helper()
	inBubble(t, manyPieces, func(t *testing.T, b *bench) {
		b.Script(rules...)
		tr, err := b.pull(o)
		if err != nil {
			t.Fatal(err)
		}
		b.mustBeRight()
		if check != nil {
			check(t, b, tr)
		}
	})
}

// stops expects a transfer to end with an error, and to keep what it has: with
// the server well again, it goes on and fetches no more than the rest.
func stops(t *testing.T, want []string, rules ...rule) {
	t.Helper()
	inBubble(t, manyPieces, func(t *testing.T, b *bench) {
		b.Script(rules...)
		_, err := b.pull(Options{})
		mustFail(t, err, want...)
		b.mustNotBeThere()
		b.Clear()
		if _, err := b.pull(Options{}); err != nil {
			t.Fatal(err)
		}
		b.mustBeRight()
	})
}

func TestConnectionBreaks(t *testing.T) { // 1
	for name, act := range map[string]faultserver.Action{
		"closed":             faultserver.Cut(testPiece + 100),
		"reset":              faultserver.Reset(3*testPiece - 5),
		"closed at once":     faultserver.Cut(0),
		"one byte at a time": faultserver.Cut(1),
	} {
		t.Run(name, func(t *testing.T) {
			recovers(t, Options{}, func(t *testing.T, b *bench, _ *Transfer) {
				b.overhead(0) // a broken request goes on at its byte
			}, rule{Role: onStore, Times: 20, Act: act})
		})
	}
}

func TestOnlyShortConnections(t *testing.T) { // 1, for good: no connection lasts longer than half a piece
	inBubble(t, 6*testPiece, func(t *testing.T, b *bench) {
		b.Script(rule{Role: onStore, Act: faultserver.Cut(testPiece / 2)})
		if _, err := b.pull(Options{Connections: 2}); err != nil {
			t.Fatal(err)
		}
		b.mustBeRight()
		b.overhead(0)
	})
}

func TestTruncatedWithoutLength(t *testing.T) { // 2
	act := faultserver.Raw(func(w *bufio.Writer, c *faultserver.Call, from, to int64) {
		fmt.Fprintf(w, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %d-%d/%d\r\nConnection: close\r\n\r\n", from, to-1, c.Content.Size)
		w.Write(c.Bytes(from, from+min(to-from, 1000)))
	})
	recovers(t, Options{}, nil, rule{Role: onStore, Times: 5, Act: act})
}

func TestLongerThanAskedFor(t *testing.T) { // 3
	act := faultserver.Raw(func(w *bufio.Writer, c *faultserver.Call, from, to int64) {
		fmt.Fprintf(w, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %d-%d/%d\r\nConnection: close\r\n\r\n", from, to-1, c.Content.Size)
		w.Write(c.Bytes(from, to))
		w.WriteString(strings.Repeat("JUNK", 100))
	})
	recovers(t, Options{}, nil, rule{Role: onStore, Act: act})
}

func TestStall(t *testing.T) { // 4
	for name, after := range map[string]int64{"before headers": -1, "after headers": 0, "in the body": testPiece * 3 / 2} {
		t.Run(name, func(t *testing.T) {
			recovers(t, Options{Connections: 2}, func(t *testing.T, b *bench, _ *Transfer) {
				b.mustShow("no data for 1") // 10 s and more
				b.overhead(0)
			}, rule{Role: onStore, Times: 2, Act: faultserver.Stall(after)})
		})
	}
}

func TestOneSlowConnection(t *testing.T) { // 5
	for name, l := range map[string]*rate.Limiter{"": nil, "a limit that is none": rate.NewLimiter(rate.Inf, 0)} {
		t.Run(name, func(t *testing.T) { oneSlowConnection(t, Options{Limiter: l}) })
	}
}

func oneSlowConnection(t *testing.T, o Options) {
	inBubble(t, 400*testPiece, func(t *testing.T, b *bench) {
		// All others are at 64 KiB/s: the file takes about a minute. The slow
		// one alone would need four minutes for a single piece.
		b.Script(rule{Role: onStore, Skip: 2, Times: 1, Act: faultserver.Trickle(256)},
			rule{Role: onStore, Act: faultserver.Trickle(64 << 10)})
		began := time.Now()
		if _, err := b.pull(o); err != nil {
			t.Fatal(err)
		}
		b.mustBeRight()
		if took := time.Since(began); took > 90*time.Second {
			t.Errorf("took %v, want little more than the 50 s of eight good connections", took)
		}
		b.overhead(b.blob.Size / 50)
	})
}

func TestWorkStealing(t *testing.T) { // 5: no slow tail
	inBubble(t, 400*testPiece, func(t *testing.T, b *bench) {
		// Half the requests have a quarter of the speed.
		n := 0
		b.Script(rule{Role: onStore, When: func(*faultserver.Call) bool { n++; return n%2 == 0 }, Act: faultserver.Trickle(16 << 10)},
			rule{Role: onStore, Act: faultserver.Trickle(64 << 10)})
		began := time.Now()
		if _, err := b.pull(Options{}); err != nil {
			t.Fatal(err)
		}
		b.mustBeRight()
		// Slow requests last four times as long, so four of five connections
		// are slow at any time: 8*(0.8*16+0.2*64) KiB/s need 125 s.
		if took := time.Since(began); took > 150*time.Second {
			t.Errorf("took %v, want near the 125 s of eight connections always at work", took)
		}
		b.overhead(b.blob.Size / 50)
	})
}

func TestAllSlow(t *testing.T) { // 6
	inBubble(t, 40*testPiece, func(t *testing.T, b *bench) {
		b.Script(rule{Role: onStore, Act: faultserver.Trickle(2 << 10)})
		tr := b.start(t.Context(), Options{})
		time.Sleep(60 * time.Second)
		p := tr.Progress()
		if p.Rate < 10<<10 || p.Rate > 18<<10 {
			t.Errorf("rate after a minute is %.0f B/s, want about 16384", p.Rate)
		}
		if want := time.Duration(float64(p.Total-p.Done) / p.Rate * float64(time.Second)); p.Left < want*9/10 || p.Left > want*11/10 {
			t.Errorf("time left %v, want about %v", p.Left, want)
		}
		if p.Trouble != "" {
			t.Errorf("trouble %q while data comes", p.Trouble)
		}
		if err := tr.Wait(); err != nil {
			t.Fatal(err)
		}
		b.mustBeRight()
		if n := len(b.Requests(onStore)); n > 30 {
			t.Errorf("%d requests: slow connections were dropped though all are slow", n)
		}
	})
}

func TestTimeLeftIsHiddenAtFirst(t *testing.T) {
	inBubble(t, 40*testPiece, func(t *testing.T, b *bench) {
		b.Script(rule{Role: onStore, Act: faultserver.Trickle(8 << 10)})
		tr := b.start(t.Context(), Options{})
		time.Sleep(3 * time.Second)
		if p := tr.Progress(); p.Left >= 0 {
			t.Errorf("time left after 3 s is %v, want none yet", p.Left)
		}
		if err := tr.Wait(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAskedToWait(t *testing.T) { // 7
	for name, c := range map[string]struct {
		header []string
		least  time.Duration
		say    string
	}{
		"RateLimit":          {[]string{`RateLimit: "resolvers";r=0;t=55`, `RateLimit-Policy: "fixed window";"resolvers";q=3000;w=300`}, 55 * time.Second, "asks to wait 55 s (a token, HF_TOKEN, raises its limit)"},
		"Retry-After":        {[]string{"Retry-After: 33"}, 33 * time.Second, "asks to wait 33 s"},
		"Retry-After a date": {[]string{"Retry-After: Sat, 01 Jan 2000 00:01:00 GMT"}, 59 * time.Second, "asks to wait"}, // a bubble begins at 2000-01-01
		"nothing":            {nil, 5 * time.Second, "asks to wait 5 s"},
	} {
		for _, role := range []faultserver.Role{onHub, onStore} {
			t.Run(fmt.Sprint(name, role), func(t *testing.T) {
				began := time.Time{}
				inBubble(t, manyPieces, func(t *testing.T, b *bench) {
					began = time.Now()
					b.Script(rule{Role: role, Times: 1, Act: faultserver.Status(429, "slow down", c.header...)})
					if _, err := b.pull(Options{Connections: 1}); err != nil {
						t.Fatal(err)
					}
					b.mustBeRight()
					if took := time.Since(began); took < c.least || took > c.least+3*time.Second {
						t.Errorf("took %v, want %v and a bit", took, c.least)
					}
					b.mustShow(c.say)
				})
			})
		}
	}
}

func TestRateLimitHeaderOnGoodAnswers(t *testing.T) { // 7: the header comes on every answer and means nothing there
	recovers(t, Options{}, func(t *testing.T, b *bench, _ *Transfer) {
		if len(b.trouble) > 0 {
			t.Errorf("troubles %q", b.trouble)
		}
	}, rule{Role: onStore, Act: faultserver.Header(`RateLimit: "resolvers";r=0;t=55`)})
}

func TestServerErrors(t *testing.T) { // 8
	for _, code := range []int{500, 502, 503, 504, 408} {
		for _, role := range []faultserver.Role{onHub, onStore} {
			t.Run(fmt.Sprint(code, role), func(t *testing.T) {
				inBubble(t, 3*testPiece, func(t *testing.T, b *bench) {
					b.Script(rule{Role: role, Times: 12, Act: faultserver.Status(code, "no")})
					if _, err := b.pull(Options{Connections: 1}); err != nil {
						t.Fatal(err)
					}
					b.mustBeRight()
					b.mustShow(fmt.Sprintf("is busy (%d); retry 6 in 30 s", code)[:18])
				})
			})
		}
	}
}

func TestSignatureExpires(t *testing.T) { // 9
	inBubble(t, 100*testPiece, func(t *testing.T, b *bench) {
		b.Script(rule{Role: onStore, Act: trickleUnlessExpired(64 << 10)})
		tr := b.start(t.Context(), Options{})
		for range 3 {
			time.Sleep(3 * time.Second)
			b.ExpireSignatures()
			b.Break()
		}
		if err := tr.Wait(); err != nil {
			t.Fatal(err)
		}
		b.mustBeRight()
		if n := len(b.Requests(onHub)); n != 4 {
			t.Errorf("the hub was asked %d times for an address, want once and once for each that expired", n)
		}
	})
}

// trickleUnlessExpired looks at the signature first.
func trickleUnlessExpired(rate int64) faultserver.Action {
	return func(c *faultserver.Call) {
		if c.Expired() {
			faultserver.Right(c) // says 403
			return
		}
		faultserver.Trickle(rate)(c)
	}
}

func TestNoAccessForGood(t *testing.T) { // 9: not for ever
	for _, code := range []int{401, 403, 410} {
		inBubble(t, manyPieces, func(t *testing.T, b *bench) {
			b.Script(rule{Role: onStore, Act: faultserver.Status(code, "<Error><Code>AccessDenied</Code></Error>")})
			_, err := b.pull(Options{})
			mustFail(t, err, fmt.Sprint(code), faultserver.StoreAddress)
			var status *web.StatusError
			if !errors.As(err, &status) || status.Reason != "AccessDenied" {
				t.Errorf("error %#v, want the storage's reason", err)
			}
			if n := len(b.Requests(onHub)); n > 6 {
				t.Errorf("the hub was asked %d times", n)
			}
		})
	}
}

func TestHugeObjectRefused(t *testing.T) { // 13
	stops(t, []string{"cannot serve this 3.9 MB file over HTTP", faultserver.StoreAddress}, rule{Role: onStore, Act: faultserver.Status(400, "")})
}

func TestHugeRangesRefused(t *testing.T) { // 13: smaller ranges help
	const most = 5 << 20
	tooLong := func(c *faultserver.Call) bool { return c.Request.To-c.Request.From > most }
	inBubble(t, 64<<20, func(t *testing.T, b *bench) {
		b.fetcher.pieceSize = 1 << 20
		b.Script(rule{Role: onStore, When: tooLong, Act: faultserver.Status(400, "")})
		if _, err := b.pull(Options{}); err != nil {
			t.Fatal(err)
		}
		b.mustBeRight()
	})
}

func TestNoRanges(t *testing.T) { // 14
	recovers(t, Options{}, func(t *testing.T, b *bench, tr *Transfer) {
		mustSay(t, tr, "the server cannot resume: downloading in one piece")
	}, rule{Role: onStore, Act: faultserver.WholeFile})
}

func TestNoRangesAndBreaks(t *testing.T) { // 14: begins anew, and still ends
	inBubble(t, manyPieces, func(t *testing.T, b *bench) {
		b.Script(
			rule{Role: onStore, Skip: 2, Times: 4, Act: faultserver.WholeFileCut(manyPieces / 3 * 2)},
			rule{Role: onStore, Act: faultserver.WholeFile},
		)
		tr, err := b.pull(Options{})
		if err != nil {
			t.Fatal(err)
		}
		b.mustBeRight()
		mustSay(t, tr, "the server cannot resume")
	})
}

func TestNoRangesForAWhile(t *testing.T) { // 14: ranges that come back are used
	inBubble(t, manyPieces, func(t *testing.T, b *bench) {
		b.Script(rule{Role: onStore, Times: 10, Act: faultserver.WholeFileCut(100)})
		if _, err := b.pull(Options{}); err != nil {
			t.Fatal(err)
		}
		b.mustBeRight()
	})
}

func TestWrongRanges(t *testing.T) { // 15
	for name, act := range map[string]faultserver.Action{
		"start":       faultserver.Header(fmt.Sprintf("Content-Range: bytes 5-9/%d", manyPieces)),
		"none":        faultserver.Header("Content-Range"),
		"star":        faultserver.Header("Content-Range: bytes */*"),
		"junk":        faultserver.Header("Content-Range: bytes abc"),
		"unknown sum": faultserver.Header("Content-Range: bytes 0-1/*"),
		"multipart":   faultserver.Header("Content-Range", "Content-Type: multipart/byteranges; boundary=x"),
	} {
		t.Run(name, func(t *testing.T) {
			stops(t, []string{"the server sends wrong ranges"}, rule{Role: onStore, Act: act})
		})
		t.Run(name+" twice", func(t *testing.T) {
			recovers(t, Options{Connections: 1}, nil, rule{Role: onStore, Times: 2, Act: act})
		})
	}
}

func TestShortPart(t *testing.T) { // 15: a range that is right and a length that is not
	recovers(t, Options{}, nil, rule{Role: onStore, Times: 3, Act: faultserver.Raw(func(w *bufio.Writer, c *faultserver.Call, from, to int64) {
		fmt.Fprintf(w, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %d-%d/%d\r\nContent-Length: 10\r\n\r\n0123456789", from, to-1, c.Content.Size)
	})})
}

func TestBeyondTheEnd(t *testing.T) { // 16
	beyond := faultserver.Status(416, "", fmt.Sprintf("Content-Range: bytes */%d", manyPieces))
	recovers(t, Options{Connections: 1}, nil, rule{Role: onStore, Times: 2, Act: beyond})
	stops(t, []string{"416"}, rule{Role: onStore, Act: beyond})
}

func TestFileChanges(t *testing.T) { // 17
	changed := faultserver.Header(`ETag: "another"`)
	stops(t, []string{"the file changed on the server"},
		rule{Role: onStore, Skip: 3, Act: changed})
	// One storage server that names it otherwise is asked no more.
	recovers(t, Options{Connections: 1}, nil, rule{Role: onStore, Skip: 2, Times: 1, Act: changed})
}

func TestOddTags(t *testing.T) { // 18
	var n atomic.Int64
	odd := []string{"ETag", `ETag: W/"weak"`, "ETag: bare", `ETag: "`, `ETag: "a`} // none of them is strong
	recovers(t, Options{}, nil, rule{Role: onStore, Act: func(c *faultserver.Call) {
		faultserver.Header(odd[n.Add(1)%int64(len(odd))])(c)
	}})
}

func TestSizesDisagree(t *testing.T) { // 19
	stops(t, []string{"3932283", "3932284"}, rule{Role: onStore, Act: func(c *faultserver.Call) {
		faultserver.Header(fmt.Sprintf("Content-Range: bytes %d-%d/%d", c.Request.From, c.Request.To-1, int64(manyPieces+1)))(c)
	}})
	stops(t, []string{"3932283", "7"}, rule{Role: onStore, Act: faultserver.Status(200, "1234567", "Content-Type: text/plain")})
}

func TestOneWrongBit(t *testing.T) { // 20, over the network
	const position = 10*testPiece + 5
	recovers(t, Options{}, func(t *testing.T, _ *bench, tr *Transfer) {
		mustSay(t, tr, "the checksum differs and the disk is not to blame")
		mustSay(t, tr, "1 of 61 pieces had come wrong the first time")
	}, rule{Role: onStore, Times: 1, Act: faultserver.Flip(position), When: func(c *faultserver.Call) bool {
		return c.Request.From <= position && position < c.Request.To
	}})
}

func TestBadCopy(t *testing.T) { // 20, for good
	inBubble(t, manyPieces, func(t *testing.T, b *bench) {
		b.Script(rule{Role: onStore, Act: faultserver.Flip(manyPieces - 1)})
		_, err := b.pull(Options{})
		var corrupt *CorruptError
		if !errors.As(err, &corrupt) {
			t.Fatalf("error %v, want a CorruptError", err)
		}
		mustFail(t, err, "the server's copy is bad", b.fsys.Path(b.blob.bad()))
		b.mustNotBeThere()
		if _, err := b.fsys.Stat(b.blob.bad()); err != nil {
			t.Error(err)
		}
		b.Clear()
		if _, err := b.pull(Options{}); err != nil {
			t.Fatal(err)
		}
		b.mustHave(b.blob.Name(), b.content)
	})
}

func TestLoginPage(t *testing.T) { // 21
	page := faultserver.Status(200, "<html>Please log in</html>", "Content-Type: text/html; charset=utf-8")
	for _, role := range []faultserver.Role{onHub, onStore} {
		recovers(t, Options{Connections: 1}, func(t *testing.T, b *bench, _ *Transfer) {
			b.mustShow("the network answers with a web page (does it want a login?)")
		}, rule{Role: role, Skip: 0, Times: 6, Act: page})
	}
}

func TestEncoded(t *testing.T) { // 22
	gzip := faultserver.Header("Content-Encoding: gzip")
	stops(t, []string{"encoded"}, rule{Role: onStore, Act: gzip})
	recovers(t, Options{Connections: 1}, nil, rule{Role: onStore, Times: 2, Act: gzip})
}

func TestBadRedirects(t *testing.T) { // 23
	for name, c := range map[string]struct {
		location string
		want     []string
	}{
		"loop":            {"http://" + faultserver.StoreAddress + "/loop", []string{faultserver.StoreAddress, "at most 5"}},
		"private":         {"https://10.0.0.1/x", []string{"10.0.0.1", "private network"}},
		"metadata":        {"https://169.254.169.254/latest", []string{"169.254.169.254", "local link"}},
		"mapped":          {"https://[::ffff:192.168.1.1]/x", []string{"192.168.1.1", "private network"}},
		"unencrypted":     {"http://example.com/x", []string{"example.com", "not encrypted"}},
		"file":            {"file:///etc/passwd", []string{"file:", "only https"}},
		"none":            {"", []string{"nowhere", "has no address"}},
		"this machine":    {"https://localhost/x", []string{"localhost", "this machine"}},
		"name and secret": {"https://user:pw@example.com/", []string{"example.com", "name and a password"}},
	} {
		for _, role := range []faultserver.Role{onHub, onStore} {
			if name == "loop" && role == onHub {
				continue // leads to the storage, which is fine
			}
			t.Run(fmt.Sprint(name, role), func(t *testing.T) {
				stops(t, append(c.want, "127.0.0.1"), rule{Role: role, Act: faultserver.Redirect(302, c.location)})
			})
		}
	}
}

func TestRelativeRedirect(t *testing.T) { // 23: stays on the same host, and is followed
	moved := func(c *faultserver.Call) bool {
		return strings.HasPrefix(c.HTTP.URL.Path, "/file/") && c.HTTP.URL.RawQuery == ""
	}
	recovers(t, Options{}, nil, rule{Role: onHub, When: moved, Act: faultserver.Redirect(307, "/file/"+testName+"?moved")})
}

func TestTokenStaysAtItsHost(t *testing.T) { // 24
	inBubble(t, manyPieces, func(t *testing.T, b *bench) {
		source := b.Source(b.fetcher.client, testName)
		token, err := web.NewToken(b.Hub, "hf_secret")
		if err != nil {
			t.Fatal(err)
		}
		source.Token = token
		// The storage sends some on to itself, and one back to the hub.
		b.Script(rule{Role: onStore, Times: 2, Act: faultserver.Cut(10)})
		tr := b.fetcher.Start(t.Context(), b.blob, source, Options{})
		if err := tr.Wait(); err != nil {
			t.Fatal(err)
		}
		b.mustBeRight()
		for _, r := range b.Requests(onStore) {
			if r.Authorization != "" {
				t.Fatalf("the storage was told %q", r.Authorization)
			}
		}
		for _, r := range b.Requests(onHub) {
			if r.Authorization != "Bearer hf_secret" {
				t.Errorf("the hub was told %q, want the token", r.Authorization)
			}
		}
	})
}

func TestNoNetwork(t *testing.T) { // 25
	inBubble(t, manyPieces, func(t *testing.T, b *bench) {
		b.FailDial(func(address string) error {
			host, _, _ := net.SplitHostPort(address)
			return &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		})
		tr := b.start(t.Context(), Options{})
		time.Sleep(time.Hour)
		if p := tr.Progress(); !strings.Contains(p.Trouble, "no network; it goes on when it is back") {
			t.Errorf("trouble %q", p.Trouble)
		}
		b.FailDial(nil)
		if err := tr.Wait(); err != nil {
			t.Fatal(err)
		}
		b.mustBeRight()
	})
}

func TestGiveUp(t *testing.T) { // 25, in scripts
	inBubble(t, manyPieces, func(t *testing.T, b *bench) {
		b.Script(rule{Role: onStore, Times: 3, Act: faultserver.Cut(testPiece)}, rule{Role: onStore, Act: faultserver.Stall(0)})
		began := time.Now()
		_, err := b.pull(Options{GiveUp: 5 * time.Minute})
		mustFail(t, err, "no byte came for 5m0s", "what has come is kept")
		if took := time.Since(began); took < 5*time.Minute || took > 6*time.Minute {
			t.Errorf("gave up after %v", took)
		}
		partial, err := b.fetcher.ReadPartial(b.blob.SHA256)
		if err != nil || partial.Have < testPiece {
			t.Errorf("kept %+v, %v, want a piece at least", partial, err)
		}
	})
}

func TestSleep(t *testing.T) { // 28
	inBubble(t, 100*testPiece, func(t *testing.T, b *bench) {
		var slept atomic.Int64
		b.fetcher.wall = func() time.Time { return time.Now().Add(time.Duration(slept.Load())) }
		b.Script(rule{Role: onStore, Times: 8, Act: faultserver.Stall(2 * testPiece)})
		tr := b.start(t.Context(), Options{})
		time.Sleep(2500 * time.Millisecond)
		slept.Store(int64(2 * time.Hour)) // between two looks at the clock
		b.ExpireSignatures()
		woke := time.Now()
		if err := tr.Wait(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(woke); took > 5*time.Second {
			t.Errorf("took %v after waking up: the dead connections were waited for", took)
		}
		b.mustBeRight()
		mustSay(t, tr, "going on after the machine slept for 2h0m1s")
		b.overhead(0)
	})
}

func TestConnectionLimit(t *testing.T) { // 30
	inBubble(t, 400*testPiece, func(t *testing.T, b *bench) {
		b.Script(rule{Role: onStore, Act: faultserver.AtMost(4)})
		if _, err := b.pull(Options{Connections: 9}); err != nil {
			t.Fatal(err)
		}
		b.mustBeRight()
		refused := 0
		for _, r := range b.Requests(onStore) {
			if r.Sent == 0 {
				refused++
			}
		}
		if refused > 15 {
			t.Errorf("%d requests were refused: the limit was not learned", refused)
		}
	})
}

func TestOddHTTP(t *testing.T) { // 39
	part := func(w *bufio.Writer, c *faultserver.Call, from, to int64, header string) {
		fmt.Fprintf(w, "HTTP/1.1 206 Partial Content\r\n%sContent-Range: bytes %d-%d/%d\r\nContent-Length: %d\r\n\r\n", header, from, to-1, c.Content.Size, to-from)
		w.Write(c.Bytes(from, to))
	}
	for name, act := range map[string]faultserver.Action{
		"slow headers": faultserver.Raw(func(w *bufio.Writer, c *faultserver.Call, from, to int64) {
			for _, b := range []byte("HTTP/1.1 206 Partial Content\r\nX: yyyyyyyyyyyyyyyyyyyyyyyy\r\n") {
				w.WriteByte(b)
				if w.Flush() != nil {
					return
				}
				time.Sleep(time.Second) // longer in all than headers may take
			}
		}),
		"a flood of 1xx": faultserver.Raw(func(w *bufio.Writer, c *faultserver.Call, from, to int64) {
			for range 5000 {
				w.WriteString("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
			}
		}),
		"1 MB of header": faultserver.Raw(func(w *bufio.Writer, c *faultserver.Call, from, to int64) {
			part(w, c, from, to, "X: "+strings.Repeat("y", 1<<20)+"\r\n")
		}),
		"junk in chunks": faultserver.Raw(func(w *bufio.Writer, c *faultserver.Call, from, to int64) {
			fmt.Fprintf(w, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %d-%d/%d\r\nTransfer-Encoding: chunked\r\n\r\nzz;a=b\r\n", from, to-1, c.Content.Size)
		}),
		"not HTTP": faultserver.Raw(func(w *bufio.Writer, c *faultserver.Call, from, to int64) { w.WriteString("SSH-2.0-OpenSSH\r\n") }),
	} {
		t.Run(name, func(t *testing.T) {
			recovers(t, Options{Connections: 2}, nil, rule{Role: onStore, Times: 3, Act: act})
		})
	}
}

func TestNobodyLooks(t *testing.T) { // 41: progress is asked for, so a reader that never does holds up nothing
	inBubble(t, manyPieces, func(t *testing.T, b *bench) {
		if err := b.start(t.Context(), Options{}).Wait(); err != nil {
			t.Fatal(err)
		}
		b.mustBeRight()
	})
}

func TestStopped(t *testing.T) { // 35
	inBubble(t, 200*testPiece, func(t *testing.T, b *bench) {
		b.Script(rule{Role: onStore, Act: faultserver.Trickle(64 << 10)})
		ctx, cancel := contextWithCause(t)
		tr := b.start(ctx, Options{})
		time.Sleep(7500 * time.Millisecond)
		cancel(errors.New("stopped by the person"))
		began := time.Now()
		mustFail(t, tr.Wait(), "stopped by the person")
		if took := time.Since(began); took > time.Second {
			t.Errorf("stopping took %v", took)
		}
		synctest.Wait() // until the server has noticed
		done := tr.Progress().Done
		partial, err := b.fetcher.ReadPartial(b.blob.SHA256)
		if err != nil || partial.Have < done-8*testPiece || partial.Owner != -1 {
			t.Errorf("kept %+v, %v, want the %d bytes but for pieces that were begun", partial, err, done)
		}
		b.Clear()
		sent := b.Sent()
		if _, err := b.pull(Options{}); err != nil {
			t.Fatal(err)
		}
		b.mustBeRight()
		if again := b.Sent() - sent - (b.blob.Size - partial.Have); again != 0 {
			t.Errorf("%d bytes that were kept were fetched again", again)
		}
	})
}
