package transfer

import (
	"fmt"
	"testing"
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
