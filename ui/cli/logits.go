package cli

import (
	"encoding/binary"
	"math"
)

// logitsFile writes logits as little-endian float32, a row of [vocabulary]
// after the other.
type logitsFile struct {
	*outFile
	row []byte
}

// createLogits begins a file.
func createLogits(path string) (*logitsFile, error) {
	f, err := createOut(path)
	if err != nil {
		return nil, err
	}
	return &logitsFile{outFile: f}, nil
}

// write adds a row.
func (l *logitsFile) write(logits []float32) error {
	l.row = l.row[:0]
	for _, x := range logits {
		l.row = binary.LittleEndian.AppendUint32(l.row, math.Float32bits(x))
	}
	_, err := l.Write(l.row)
	return err
}
