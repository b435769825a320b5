package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
)

// towerNumbers is part of every identity. Add one where a change of this program
// makes the embeddings of the same tower other ones, so that none made before is
// taken for the same.
const towerNumbers = 1

// identitySample is how many bytes at the beginning, in the middle and at the end
// of a tensor go into an identity: training or rounding a tower anew changes every
// one of its matrices nearly everywhere, and a few MB are read in no time where
// all would take seconds.
const identitySample = 4 << 10

// Identity is a key for what the tower computes: equal for equal towers, wherever
// their file lies, and different for any other. It is meant for caches of
// embeddings. The first call reads a few MB of the file.
func (t *Tower) Identity() (string, error) { return t.identity() }

func (t *Tower) identify() (string, error) {
	t.mu.Lock() // against Close
	defer t.mu.Unlock()
	if t.file == nil {
		return "", ErrClosed
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "scout tower %d\n%+v\n", towerNumbers, t.tower.TowerConfig)
	err := t.file.Guard(func() error {
		for _, w := range t.weights {
			fmt.Fprintf(sum, "%s %v %v\n", w.Name, w.Type, w.Shape)
			addSamples(sum, w.Data)
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("engine: reading the tower: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// addSamples adds all of b, or three parts of it.
func addSamples(sum hash.Hash, b []byte) {
	if len(b) <= 3*identitySample {
		sum.Write(b)
		return
	}
	middle := (len(b) - identitySample) / 2
	sum.Write(b[:identitySample])
	sum.Write(b[middle : middle+identitySample])
	sum.Write(b[len(b)-identitySample:])
}
