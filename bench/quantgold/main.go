// Command quantgold writes the golden files of package quant: random blocks of
// every weight format with the weights that llama.cpp's own decoders make of
// them, and activations with the blocks that its quantisers make. From bench:
//
//	YZMA_LIB=folder go run ./quantgold -dir ../engine/quant/testdata
//
// YZMA_LIB names a folder with llama.cpp's shared libraries. The files are
// described in testdata/README.md; the same seed gives the same files.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

func main() {
	dir := flag.String("dir", "../engine/quant/testdata", "`folder` for the files")
	blocks := flag.Int("blocks", 8, "random blocks of a format to store with their weights")
	hashed := flag.Int("hashed", 64, "random blocks of a format to store with the hash of their weights; 64 reach every row of the codebooks")
	seed := flag.Uint64("seed", 1, "of the random blocks")
	flag.Parse()
	if err := run(*dir, *blocks, *hashed, *seed); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir string, blocks, hashed int, seed uint64) error {
	p, err := loadPeer()
	if err != nil {
		return err
	}
	for i, f := range formats {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		data, err := p.weights(f, f.examples(rng, blocks), f.sweep(rng, hashed))
		if err != nil {
			return err
		}
		if err := write(dir, f.name, data); err != nil {
			return err
		}
	}
	for _, a := range activations {
		rng := rand.New(rand.NewPCG(seed, uint64(a.block)))
		data, err := p.quantise(a, a.examples(rng))
		if err != nil {
			return err
		}
		if err := write(dir, "activations_"+a.name, data); err != nil {
			return err
		}
	}
	return nil
}

func write(dir, name string, data []byte) error {
	path := filepath.Join(dir, name+".bin")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return fmt.Errorf("quantgold: writing the vectors of %s: %w", name, err)
	}
	fmt.Printf("%s: %d bytes\n", path, len(data))
	return nil
}

// weights is the content of a weight format's file: shown and hidden are
// blocks, of which the first are stored with their weights.
func (p *peer) weights(f format, shown, hidden []byte) ([]byte, error) {
	var out bytes.Buffer
	count(&out, len(shown)/f.bytes)
	out.Write(shown)
	y, err := p.dequantise(f, shown)
	if err != nil {
		return nil, err
	}
	out.Write(floats(y))
	count(&out, len(hidden)/f.bytes)
	out.Write(hidden)
	if y, err = p.dequantise(f, hidden); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(floats(y))
	out.Write(sum[:])
	return out.Bytes(), nil
}

// quantise is the content of an activation format's file.
func (p *peer) quantise(a activation, x []float32) ([]byte, error) {
	blocks, err := p.quantiseRow(a, x)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	count(&out, len(x)/a.block)
	out.Write(floats(x))
	out.Write(blocks)
	return out.Bytes(), nil
}

// count writes a number as four bytes.
func count(out *bytes.Buffer, n int) {
	out.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
}

// floats is y as little-endian float32.
func floats(y []float32) []byte {
	b, _ := binary.Append(nil, binary.LittleEndian, y) // a slice of floats has a size
	return b
}
