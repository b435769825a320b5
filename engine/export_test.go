package engine

import (
	"context"

	"scout/engine/gguf"
	"scout/engine/tensor"
)

// OpenOn is OpenEmbedded with devices beside the CPU, for tests from outside.
func OpenOn(ctx context.Context, name string, data []byte, o Options, backends map[tensor.Device]tensor.Backend) (*Model, error) {
	f, err := gguf.Parse(name, data)
	if err != nil {
		return nil, err
	}
	return open(ctx, f, o, backends)
}
