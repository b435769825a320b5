package ref_test

import (
	"testing"

	"scout/engine/internal/backendtest"
	"scout/engine/internal/ref"
	"scout/engine/tensor"
)

// TestContract runs the suite on the reference itself: what it says about
// splits, stops and devices must hold here too.
func TestContract(t *testing.T) {
	backendtest.Run(t, func() tensor.Backend { return ref.Backend{} })
}
