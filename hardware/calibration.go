package hardware

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Calibration is what was measured on one machine, once. The figures have names, of
// which this package knows RAMRead and DiskRead; other packages' figures are kept
// as they are.
type Calibration struct {
	Machine string            `json:"machine"` // which, as MachineID gives it
	Figures map[string]Figure `json:"figures"`
}

// Figure is one measurement.
type Figure struct {
	Value  float64   `json:"value"`
	Unit   string    `json:"unit"`             // as "B/s"
	Spread float64   `json:"spread,omitempty"` // how far the worst round lay below the best, as a share of it
	Rounds int       `json:"rounds,omitempty"`
	Date   time.Time `json:"date"`
	Note   string    `json:"note,omitempty"` // what the figure is of, in words
}

// RAMRead names the figure of reading main memory with so many threads, in B/s.
func RAMRead(threads int) string { return fmt.Sprintf("ram read, %d threads", threads) }

// DiskRead names the figure of reading a disk's files without the system's cache, in
// B/s. device is a Drive's.
func DiskRead(device string) string { return "disk read, " + device }

// MachineID names a machine by what its speed hangs on: the processor, how many
// there are of it, and the size of main memory in GiB. It says nothing of whose it
// is. total is the machine's memory, whatever part of it this process may have.
func MachineID(c CPU, total int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%d|%d|%d", strings.Join(strings.Fields(c.Model), " "), c.Physical, c.Logical, (total+1<<29)>>30))
	return hex.EncodeToString(sum[:8])
}

// mostCalibration bounds what is read of a file.
const mostCalibration = 1 << 20

// calibrationFile is what is kept on disk: the machines that share a home.
type calibrationFile struct {
	Version  int           `json:"version"`
	Machines []Calibration `json:"machines"`
}

// calibrationVersion is of the file's form. A file of another version is passed over,
// and written anew by the next measurement.
const calibrationVersion = 1

// mostMachines is how many a file keeps; the one measured longest ago gives way.
const mostMachines = 16

// LoadCalibration reads what was measured on a machine. That there is nothing is no
// error, and a file that cannot be understood is one, with an empty calibration that
// can be used and stored.
func LoadCalibration(file, machine string) (Calibration, error) {
	all, err := readCalibrations(file)
	return all.of(machine), err
}

// of is what a file has of one machine, as far as the figures can be ones.
func (all calibrationFile) of(machine string) Calibration {
	c := Calibration{Machine: machine, Figures: map[string]Figure{}}
	for _, m := range all.Machines {
		if m.Machine != machine {
			continue
		}
		for name, f := range m.Figures {
			if f.sane() {
				c.Figures[name] = f
			}
		}
	}
	return c
}

// readCalibrations reads the whole file.
func readCalibrations(file string) (calibrationFile, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return calibrationFile{}, nil
	}
	if err != nil {
		return calibrationFile{}, fmt.Errorf("hardware: reading measurements: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() > mostCalibration || !info.Mode().IsRegular() {
		return calibrationFile{}, fmt.Errorf("hardware: reading measurements: %s is no file of at most %d bytes", file, mostCalibration)
	}
	all, err := decodeCalibrations(f)
	if err != nil {
		return all, fmt.Errorf("hardware: reading measurements of %s: %w; scout fit --measure writes them anew", file, err)
	}
	return all, nil
}

func decodeCalibrations(r io.Reader) (calibrationFile, error) {
	var all calibrationFile
	if err := json.NewDecoder(r).Decode(&all); err != nil {
		return calibrationFile{}, err
	}
	if all.Version != calibrationVersion {
		return calibrationFile{}, nil
	}
	return all, nil
}

// sane says whether a figure can be one.
func (f Figure) sane() bool {
	return f.Value > 0 && !math.IsInf(f.Value, 0) && f.Spread >= 0 && f.Spread <= 1 && f.Unit != ""
}

// Store adds the figures to those in the file: figures of the same name are replaced,
// others stay. The file is replaced as a whole, so that whoever reads it finds the
// old one or the new one.
func (c Calibration) Store(file string) error {
	all, err := readCalibrations(file)
	if err != nil {
		all = calibrationFile{} // cannot be understood: what is written now can
	}
	all.Version = calibrationVersion
	merged := Calibration{Machine: c.Machine, Figures: map[string]Figure{}}
	kept := []Calibration{}
	for _, m := range all.Machines {
		if m.Machine != c.Machine {
			kept = append(kept, m)
			continue
		}
		for name, f := range m.Figures {
			merged.Figures[name] = f
		}
	}
	for name, f := range c.Figures {
		if !f.sane() {
			return fmt.Errorf("hardware: storing measurements: %q is %v %s", name, f.Value, f.Unit)
		}
		merged.Figures[name] = f
	}
	kept = append(kept, merged) // the newest last
	all.Machines = kept[max(0, len(kept)-mostMachines):]
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("hardware: storing measurements: %w", err)
	}
	return replaceFile(file, append(text, '\n'))
}

// replaceFile writes a file beside the old one and puts it in its place.
func replaceFile(file string, text []byte) error {
	fail := func(err error) error { return fmt.Errorf("hardware: storing measurements: %w", err) }
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fail(err)
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".calibration-*")
	if err != nil {
		return fail(err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		os.Remove(f.Name())
		return fail(err)
	}
	return nil
}
