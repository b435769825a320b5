package cli

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// outFile is a file that a command writes for the user. It takes its name only
// when it is whole: until then it is a temporary one beside it, so that what was
// there before is lost to no mistake and half a file never looks like a whole one.
// What is not a regular file, such as /dev/stdout, is written to directly and
// never taken away.
type outFile struct {
	*bufio.Writer
	file *os.File
	path string // where it goes in the end; "" when it is there already
}

// createOut begins the file at path.
func createOut(path string) (*outFile, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		if info.IsDir() {
			return nil, fmt.Errorf("writing %s: it is a directory", path)
		}
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return &outFile{bufio.NewWriterSize(f, 1<<20), f, ""}, nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return nil, err
	}
	return &outFile{bufio.NewWriterSize(f, 1<<20), f, path}, nil
}

// finish completes the file, or lets it go when err says that it is not whole.
func (o *outFile) finish(err error) error {
	if err == nil {
		err = o.Flush()
	}
	if o.path == "" {
		return errors.Join(err, o.file.Close())
	}
	if err == nil {
		err = o.file.Chmod(0o644)
	}
	if closing := o.file.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(o.file.Name(), o.path)
	}
	if err != nil {
		os.Remove(o.file.Name()) // the error that matters is err
	}
	return err
}
