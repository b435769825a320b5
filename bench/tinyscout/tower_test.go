package main

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// array is numbers as numpy saves them.
func array(x ...float32) []byte {
	header := "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n"
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), 0)
	b = append(b, header...)
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func TestTowerIsKept(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	put := func(name string, b []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(from, name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	put("ref_vision_embeds_hf.npy", array(0.25, -7))
	pixel := func(b byte) float32 { return (float32(b)/255 - 0.5) / 0.5 }
	put("ref_vision_pixels.npy", array(pixel(0), pixel(77), pixel(255)))
	if err := copyTower(from, to); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{
		"tower-pixels.u8": {0, 77, 255}, "tower-embeds.f32": {0, 0, 0x80, 0x3e, 0, 0, 0xe0, 0xc0},
	} {
		if got, err := os.ReadFile(filepath.Join(to, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is % x (%v), want % x", name, got, err, want)
		}
	}
	for want, pixels := range map[string][]byte{
		"pixel 1 is 0.3": array(pixel(3), 0.3), "no array": []byte("\x93NUMPY\x02\x00......"), "no header and whole numbers": array(0)[:60],
	} {
		put("ref_vision_pixels.npy", pixels)
		if err := copyTower(from, to); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}
