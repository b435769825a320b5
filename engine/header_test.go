package engine

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"

	"scout/engine/internal/synth"
)

// TestInspectHeader cuts a file after every byte of its header and expects to be asked
// for more until all of it is there, and then what the whole file says.
func TestInspectHeader(t *testing.T) {
	data := synth.Bytes(small())
	want, err := InspectEmbedded("test.gguf", data)
	if err != nil {
		t.Fatal(err)
	}
	whole := 0
	for n := 0; n < len(data) && whole == 0; n += 1 + n/200 {
		got, short, err := InspectHeader([]Beginning{{Name: "test.gguf", Data: data[:n:n], Size: int64(len(data))}})
		switch {
		case errors.Is(err, ErrMore):
			if short != 0 {
				t.Fatalf("file %d is too short", short)
			}
		case err != nil:
			t.Fatalf("%d bytes: %v", n, err)
		default:
			whole = n
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
		}
	}
	if whole == 0 || whole > len(data)/2 {
		t.Errorf("%d bytes of %d were needed", whole, len(data))
	}
	// A file that is said to be smaller than its tensors is refused, as is nonsense.
	if _, _, err := InspectHeader([]Beginning{{Name: "cut.gguf", Data: data[:whole], Size: int64(len(data)) - 1}}); err == nil || errors.Is(err, ErrMore) {
		t.Errorf("cut: got %v", err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		bad := append([]byte(nil), data[:whole]...)
		for range 3 {
			bad[rng.IntN(len(bad))] = byte(rng.Uint32())
		}
		InspectHeader([]Beginning{{Name: "bad.gguf", Data: bad, Size: int64(len(data))}}) // must return
	}
	if _, _, err := InspectHeader(nil); err == nil {
		t.Error("no file is a model")
	}
}
