package transfer

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"scout/downloads/faultserver"
)

func TestSizes(t *testing.T) { // case 42
	const p = testPiece
	for _, size := range []int64{0, 1, p - 1, p, p + 1, 3 * p, 3*p - 1, 3*p + 1, 40*p + 17} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			inBubble(t, size, func(t *testing.T, b *bench) {
				tr, err := b.pull(Options{})
				if err != nil {
					t.Fatal(err)
				}
				b.mustBeRight()
				if p := tr.Progress(); p.Done != size || p.Total != size || p.Received != size || p.Phase != Done {
					t.Errorf("progress at the end: %+v", p)
				}
				if sent := b.Sent(); sent != size {
					t.Errorf("the server sent %d bytes of %d", sent, size)
				}
			})
		})
	}
}

func TestThereAlready(t *testing.T) {
	inBubble(t, 5*testPiece, func(t *testing.T, b *bench) {
		if _, err := b.pull(Options{}); err != nil {
			t.Fatal(err)
		}
		sent := b.Sent()
		tr, err := b.pull(Options{})
		if err != nil {
			t.Fatal(err)
		}
		if p := tr.Progress(); b.Sent() != sent || p.Reused != b.blob.Size || p.Done != b.blob.Size {
			t.Errorf("a file that is there was fetched: %d bytes more, %+v", b.Sent()-sent, p)
		}
	})
}

// The file grows from its beginning, so that its sum can follow: three quarters
// through, less than a quarter is left to be hashed. With one span for each
// connection that would be more than half.
func TestSumFollows(t *testing.T) {
	inBubble(t, 400*testPiece, func(t *testing.T, b *bench) {
		b.Script(rule{Role: onStore, Act: faultserver.Trickle(64 << 10)})
		tr := b.start(t.Context(), Options{})
		var at Progress
		for ; at.Done < at.Total*3/4 || at.Total == 0; at = tr.Progress() {
			time.Sleep(100 * time.Millisecond)
		}
		if at.Done > at.Total*7/8 {
			t.Fatalf("the first progress beyond three quarters is %+v: is this test looking?", at)
		}
		if behind := at.Done - at.Checked; behind > at.Total/4 {
			t.Errorf("with %d of %d bytes here, %d are hashed", at.Done, at.Total, at.Checked)
		}
		if err := tr.Wait(); err != nil {
			t.Fatal(err)
		}
	})
}

// Connections leave the processors to a hasher that has fallen behind, for a
// moment and not until it has caught up.
func TestHasherIsLetWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			behind int64
			want   time.Duration
		}{{0, 0}, {hashBehind, 0}, {hashBehind + 1, hashPause}, {2 * hashBehind, hashPause}} {
			tr := &Transfer{blob: Blob{Size: 3 * hashBehind}, table: newTable(3*hashBehind, hashBehind)}
			tr.table.restore(0, 0)
			tr.table.restore(1, 0)
			tr.hashed = 2*hashBehind - c.behind
			began := time.Now()
			tr.letHasherWork(t.Context())
			if took := time.Since(began); took != c.want {
				t.Errorf("%d bytes behind: waited %v, want %v", c.behind, took, c.want)
			}
		}
	})
}

// A transfer that is held to a rate keeps it, in small steps.
func TestLimit(t *testing.T) {
	const limit, burst = 100_000, 1 << 20
	inBubble(t, 80*testPiece, func(t *testing.T, b *bench) {
		b.fetcher.pieceSize = 1 << 20
		began := time.Now()
		tr := b.start(t.Context(), Options{Limiter: rate.NewLimiter(limit, burst)})
		var last, largest int64
		for over := false; !over; {
			select {
			case <-tr.Over():
				over = true
			case <-time.After(time.Second):
				done := tr.Progress().Done
				if last >= burst && done < b.blob.Size { // the burst comes at once
					largest = max(largest, done-last)
				}
				last = done
			}
		}
		if err := tr.Wait(); err != nil {
			t.Fatal(err)
		}
		took, want := time.Since(began), time.Duration(float64(b.blob.Size-burst)/limit*float64(time.Second))
		if took < want-time.Second || took > want+5*time.Second {
			t.Errorf("took %v, want about %v", took, want)
		}
		if n := len(b.Requests(onStore)); n > 40 {
			t.Errorf("%d requests: connections that wait for the limit were taken for slow ones", n)
		}
		if largest == 0 || largest > 4*limit {
			t.Errorf("%d bytes came in one second, want about %d", largest, limit)
		}
	})
}
