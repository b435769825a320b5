package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
)

// copyTower writes what the vision tower was given and what it answered: its
// pixels as the bytes they were made of, tower-pixels.u8 [3, side, side], and the
// embeddings in the order of the model's own processor, tower-embeds.f32.
func copyTower(from, dir string) error {
	pixels, err := readArray(filepath.Join(from, "ref_vision_pixels.npy"))
	if err != nil {
		return err
	}
	raw := make([]byte, len(pixels))
	for i, v := range pixels {
		// A pixel was (byte/255 - 1/2) / (1/2), rounded to float32 at each step.
		b := math.Round((float64(v)/2 + 0.5) * 255)
		if b < 0 || b > 255 || (float32(b)/255-0.5)/0.5 != v {
			return fmt.Errorf("tinyscout: pixel %d is %v, which no byte gives", i, v)
		}
		raw[i] = byte(b)
	}
	if err := os.WriteFile(filepath.Join(dir, "tower-pixels.u8"), raw, 0o666); err != nil {
		return err
	}
	embeds, err := readArray(filepath.Join(from, "ref_vision_embeds_hf.npy"))
	if err != nil {
		return err
	}
	out := make([]byte, 0, 4*len(embeds))
	for _, v := range embeds {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return os.WriteFile(filepath.Join(dir, "tower-embeds.f32"), out, 0o666)
}

// readArray is the numbers of a float32 array in numpy's format, version 1: magic,
// version, the length of a header in text, the header, the numbers.
func readArray(path string) ([]float32, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("tinyscout: %w", err)
	}
	const fixed = 10
	if len(raw) < fixed || string(raw[:8]) != "\x93NUMPY\x01\x00" {
		return nil, fmt.Errorf("tinyscout: %s is no array of numpy's format 1.0", path)
	}
	start := fixed + int(binary.LittleEndian.Uint16(raw[8:]))
	if start > len(raw) || (len(raw)-start)%4 != 0 {
		return nil, fmt.Errorf("tinyscout: %s has %d bytes, which are no header and whole numbers", path, len(raw))
	}
	out := make([]float32, (len(raw)-start)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[start+4*i:]))
	}
	return out, nil
}
