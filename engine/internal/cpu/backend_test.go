package cpu

import (
	"fmt"
	"testing"

	"scout/engine/internal/backendtest"
	"scout/engine/tensor"
)

func TestContract(t *testing.T) {
	for _, threads := range []int{1, 2, 5} {
		t.Run(fmt.Sprintf("%d threads", threads), func(t *testing.T) {
			backendtest.Run(t, func() tensor.Backend { return New(threads) })
		})
	}
}
