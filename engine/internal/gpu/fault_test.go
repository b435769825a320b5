//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package gpu

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"scout/engine/internal/gpu/vk"
	"scout/engine/quant"
	"scout/engine/tensor"
)

func TestWithoutLoader(t *testing.T) {
	t.Setenv(vk.LibraryVariable, "/nowhere/libvulkan.so.1")
	_, err := List()
	if !errors.Is(err, vk.ErrNoLoader) || !strings.Contains(err.Error(), "/nowhere/libvulkan.so.1") {
		t.Errorf("error is %v, want ErrNoLoader and the path", err)
	}
	if _, err := Open(0); !errors.Is(err, vk.ErrNoLoader) {
		t.Errorf("Open: error is %v, want ErrNoLoader", err)
	}
}

func TestWithoutDriver(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("drivers are found by a variable on Linux only")
	}
	testDevice(t)
	t.Setenv("VK_ICD_FILENAMES", "/nowhere/icd.json")
	t.Setenv("VK_DRIVER_FILES", "/nowhere/icd.json")
	if list, err := List(); err == nil || len(list) > 0 || !strings.Contains(err.Error(), "no driver for Vulkan") {
		t.Errorf("got %v, %v, want an error that says that there is no driver", list, err)
	}
}

func TestNoSuchDevice(t *testing.T) {
	testDevice(t)
	for _, i := range []int{-1, 1000} {
		if _, err := Open(i); err == nil || !strings.Contains(err.Error(), "is not there") {
			t.Errorf("device %d: error is %v", i, err)
		}
	}
}

// identity is a graph that multiplies the batch's own rows with one.
func identity(n int) *tensor.Graph {
	w := &tensor.Weight{Name: "identity", Type: quant.F32, Shape: []int{n, n}, Data: make([]byte, 4*n*n)}
	for i := range n {
		copy(w.Data[4*(i*n+i):], []byte{0, 0, 0x80, 0x3f})
	}
	g := &tensor.Graph{}
	g.Result = g.Merge(g.MatMul(g.Input(n), w, nil), 1)
	return g
}

// multiply runs identity for rows tokens and checks that they come out.
func multiply(b *backend, n, rows int) (err error) {
	x, err := tensor.NewExecutor(identity(n), map[tensor.Device]tensor.Backend{0: b}, tensor.Limits{Tokens: 16, Outputs: 16}, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	c, err := x.NewCache(nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	batch := &tensor.Batch{Tokens: make([]int32, rows), Embeds: make([]float32, n*rows)}
	for i := range batch.Embeds {
		batch.Embeds[i] = float32(i)
	}
	for i := range rows {
		batch.Outputs = append(batch.Outputs, int32(i))
	}
	got, err := x.Run(batch, c, nil)
	if err == nil && !slices.Equal(got, batch.Embeds) {
		err = errors.New("other numbers came out")
	}
	return err
}

// failing makes the n-th call of a kind fail, from 1; all later ones too if lasting.
func failing(kind string, n int, lasting bool, with error) func(string) error {
	calls := 0
	return func(what string) error {
		if what != kind {
			return nil
		}
		calls++
		if calls == n || lasting && calls > n {
			return with
		}
		return nil
	}
}

// TestOutOfMemory fails each allocation in turn: nothing stays behind, and the
// device goes on.
func TestOutOfMemory(t *testing.T) {
	b := openTest(t)
	defer b.Close()
	for n := 1; ; n++ {
		b.d.fault = failing("allocate", n, false, vk.ErrOutOfDeviceMemory)
		err := multiply(b, 64, 3)
		b.d.fault = nil
		if err == nil {
			if n < 4 {
				t.Errorf("only %d allocations were made", n-1)
			}
			break
		}
		if !errors.Is(err, ErrMemory) {
			t.Fatalf("allocation %d: error is %v, want ErrMemory", n, err)
		}
		if left := b.Bytes(); left != (Bytes{}) {
			t.Fatalf("allocation %d failed, and %+v stay behind", n, left)
		}
	}
	if err := multiply(b, 64, 3); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestLost loses the device at each submission and each wait: the error says so,
// every later call fails at once, and closing gives everything back.
func TestLost(t *testing.T) {
	for _, kind := range []string{"submit", "wait"} {
		for n := 1; ; n++ {
			b := openTest(t)
			b.d.fault = failing(kind, n, true, vk.ErrDeviceLost)
			err := multiply(b, 64, 3)
			if err == nil {
				b.Close()
				if n == 1 {
					t.Errorf("nothing calls %s", kind)
				}
				break
			}
			if !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), b.Name()) {
				t.Errorf("%s %d: error is %v, want ErrLost and the device's name", kind, n, err)
			}
			b.d.fault = nil
			if err := multiply(b, 64, 3); !errors.Is(err, ErrLost) {
				t.Errorf("%s %d: later: error is %v, want ErrLost", kind, n, err)
			}
			b.d.lost = nil // the device is there after all, and must idle before it is freed
			if err := b.Close(); err != nil {
				t.Errorf("%s %d: closing: %v", kind, n, err)
			}
			if left := b.Bytes(); left != (Bytes{}) {
				t.Errorf("%s %d: %+v stay behind", kind, n, left)
			}
		}
	}
}

// TestUpload brings weights over that are larger than a staging buffer, on a
// device whose memory the host cannot see.
func TestUpload(t *testing.T) {
	b := openTest(t)
	defer b.Close()
	b.d.staged = true
	const n = 2304 // 20.25 MiB of float32
	if err := multiply(b, n, 1); err != nil {
		t.Error(err)
	}
}

// TestNoRoom asks for caches that no device has room for: it is refused before
// anything is taken.
func TestNoRoom(t *testing.T) {
	b := openTest(t)
	defer b.Close()
	layer := tensor.CacheLayer{Cells: 1 << 18, KVHeads: 2, HeadDim: 64, Type: tensor.KVF16} // 128 MiB
	spec := make(tensor.CacheSpec, b.d.info.Free()/uint64(layer.Bytes())+2)
	for i := range spec {
		spec[i] = layer
	}
	c, err := b.NewCache(spec, tensor.CPU)
	if !errors.Is(err, ErrMemory) || c != nil {
		t.Errorf("%d layers: error is %v, want ErrMemory", len(spec), err)
	}
	if left := b.Bytes(); left != (Bytes{}) {
		t.Errorf("%+v stay behind", left)
	}
}
