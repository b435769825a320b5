package picture

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// ReadFile reads the file at path, which may be a pipe too, within the limit on
// bytes. A folder, a missing file and one too large are one-line errors.
func ReadFile(path string, limits Limits) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		var where *fs.PathError
		if errors.As(err, &where) {
			err = where.Err
		}
		return nil, fmt.Errorf("picture: opening %s: %w", path, err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("picture: opening %s: %w", path, err)
	}
	if st.IsDir() {
		return nil, fmt.Errorf("picture: %s is a folder: name a picture in it", path)
	}
	if most := limits.withDefaults().Bytes; st.Size() > most {
		return nil, &LimitError{fmt.Sprintf("%s has %s, want at most %s", path, inMB(st.Size()), inMB(most))}
	}
	data, err := readAll(f, limits)
	if err != nil {
		return nil, fmt.Errorf("picture: reading %s: %w", path, err)
	}
	if data == nil {
		return nil, &LimitError{fmt.Sprintf("%s has more than %s", path, inMB(limits.withDefaults().Bytes))}
	}
	return data, nil
}

// ReadAll reads a stream to its end, within the limit on bytes.
func ReadAll(r io.Reader, limits Limits) ([]byte, error) {
	data, err := readAll(r, limits)
	if err != nil {
		return nil, fmt.Errorf("picture: reading: %w", err)
	}
	if data == nil {
		return nil, &LimitError{fmt.Sprintf("the stream has more than %s", inMB(limits.withDefaults().Bytes))}
	}
	return data, nil
}

// readAll returns nil for a stream that is too long.
func readAll(r io.Reader, limits Limits) ([]byte, error) {
	most := limits.withDefaults().Bytes
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil || int64(len(data)) > most {
		return nil, err
	}
	return data, nil
}
