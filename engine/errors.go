package engine

import (
	"errors"
	"fmt"

	"scout/engine/gguf"
	"scout/engine/model"
	"scout/engine/tensor"
	"scout/engine/tokenizer"
	"scout/engine/vision"
)

// ErrClosed is returned for a model or sequence that was closed.
var ErrClosed = errors.New("engine: the model is closed")

// errEmptyPrompt is for a prompt without a single token.
var errEmptyPrompt = errors.New("engine: the prompt has no tokens")

// IsUnsupported says whether err means that a file is well formed but of a kind
// this program cannot run: an unknown architecture, tensor type or tokenizer.
func IsUnsupported(err error) bool {
	var m *model.UnsupportedError
	var g *gguf.UnsupportedError
	var t *tokenizer.UnsupportedError
	var v *vision.UnsupportedError
	return errors.As(err, &m) || errors.As(err, &g) || errors.As(err, &t) || errors.As(err, &v)
}

// explain turns a fault at a mapped address into the file, offset and tensor
// that could not be read.
func explain(f *gguf.File, err error) error {
	var fault *tensor.FaultError
	if !errors.As(err, &fault) {
		return err
	}
	path, offset, name, ok := f.Locate(fault.Addr)
	if !ok {
		return err
	}
	if name == "" {
		name = "the header"
	}
	return fmt.Errorf("engine: reading %s at byte %d, in %s: the file was cut or its disk failed while it was in use", path, offset, name)
}
