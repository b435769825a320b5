package cli

import (
	"bufio"
	"encoding/binary"
	"errors"
	"math"
	"os"
)

// logitsFile writes logits as little-endian float32, a row of [vocabulary]
// after the other.
type logitsFile struct {
	file   *os.File
	buffer *bufio.Writer
	row    []byte
}

// createLogits begins a new file, in the place of one that is there.
func createLogits(path string) (*logitsFile, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &logitsFile{file: file, buffer: bufio.NewWriterSize(file, 1<<20)}, nil
}

// write adds a row.
func (l *logitsFile) write(logits []float32) error {
	l.row = l.row[:0]
	for _, x := range logits {
		l.row = binary.LittleEndian.AppendUint32(l.row, math.Float32bits(x))
	}
	_, err := l.buffer.Write(l.row)
	return err
}

// finish completes the file. If err says that the rows are not all there, the
// file is taken away again: half a file looks like a whole one.
func (l *logitsFile) finish(err error) error {
	if err == nil {
		err = l.buffer.Flush()
	}
	if closing := l.file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return errors.Join(err, os.Remove(l.file.Name()))
	}
	return nil
}
