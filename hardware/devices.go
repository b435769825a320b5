package hardware

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/BurntSushi/toml"
	"github.com/agnivade/levenshtein"
)

//go:embed devices.toml
var devicesData string

// DeviceKind is what a row of the table is.
type DeviceKind string

// The kinds of rows.
const (
	Card        DeviceKind = "card"    // a graphics card with memory of its own
	Unified     DeviceKind = "unified" // a machine whose GPU and processor share one memory
	MainMemory  DeviceKind = "memory"  // a kind of main memory
	mostTable              = 1 << 12
	nearestRows            = 3
)

// Device is a card, a machine or a kind of memory that one can buy.
type Device struct {
	Name      string
	Kind      DeviceKind
	Memory    float64 // GiB; 0 for main memory
	Bandwidth float64 // GB/s (10^9), by data sheet
	TFLOPS    float64 `toml:"tflops"` // products in half precision; 0: unknown
	Link      float64 // GB/s that copies from main memory reach; 0: there is no link
	Source    string
	Unsure    string // what to know before relying on the row; "" if there is nothing
}

var loadDevices = sync.OnceValues(func() ([]Device, error) { return parseDevices(devicesData) })

// Devices is the table of known cards, machines and kinds of memory. The slice is
// the caller's.
func Devices() ([]Device, error) {
	rows, err := loadDevices()
	return slices.Clone(rows), err
}

// parseDevices reads a table and refuses rows that make no sense.
func parseDevices(text string) ([]Device, error) {
	var file struct {
		Rows []Device `toml:"row"`
	}
	meta, err := toml.Decode(text, &file)
	if err != nil {
		return nil, fmt.Errorf("hardware: reading devices.toml: %w", err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return nil, fmt.Errorf("hardware: devices.toml: key %s is unknown", unknown[0])
	}
	if len(file.Rows) == 0 || len(file.Rows) > mostTable {
		return nil, fmt.Errorf("hardware: devices.toml has %d rows, want 1 to %d", len(file.Rows), mostTable)
	}
	names := map[string]bool{}
	for _, d := range file.Rows {
		if err := d.check(); err != nil {
			return nil, err
		}
		if key := plainName(d.Name); names[key] {
			return nil, fmt.Errorf("hardware: devices.toml: %q is there twice", d.Name)
		} else {
			names[key] = true
		}
	}
	return file.Rows, nil
}

func (d Device) check() error {
	switch {
	case plainName(d.Name) == "" || d.Source == "":
		return fmt.Errorf("hardware: devices.toml: %q has no name or no source", d.Name)
	case d.Kind != Card && d.Kind != Unified && d.Kind != MainMemory:
		return fmt.Errorf("hardware: devices.toml: %q has kind %q, want card, unified or memory", d.Name, d.Kind)
	case !(d.Bandwidth > 0) || d.Bandwidth > 1e5 || d.Memory < 0 || d.Memory > 1e5 || (d.Memory == 0) != (d.Kind == MainMemory):
		return fmt.Errorf("hardware: devices.toml: %q has %v GiB at %v GB/s", d.Name, d.Memory, d.Bandwidth)
	case d.TFLOPS < 0 || d.Link < 0 || (d.Link == 0) == (d.Kind == Card):
		return fmt.Errorf("hardware: devices.toml: %q has %v TFLOPS and a link of %v GB/s", d.Name, d.TFLOPS, d.Link)
	}
	return nil
}

// UnknownDeviceError says that no row has a name, and which ones come near.
type UnknownDeviceError struct {
	Name    string
	Nearest []string // best first
}

func (e *UnknownDeviceError) Error() string {
	return fmt.Sprintf("hardware: no device is called %q; nearest are %s", e.Name, strings.Join(e.Nearest, ", "))
}

// FindDevice gives the row of that name. Case, blanks, punctuation and the maker's
// name do not matter. An unknown name gives an *UnknownDeviceError with the nearest
// of the kinds asked for.
func FindDevice(name string, kinds ...DeviceKind) (Device, error) {
	rows, err := Devices()
	if err != nil {
		return Device{}, err
	}
	rows = slices.DeleteFunc(rows, func(d Device) bool { return !slices.Contains(kinds, d.Kind) })
	if len(rows) == 0 {
		return Device{}, errors.New("hardware: no device of these kinds is known")
	}
	want := plainName(name)
	for _, d := range rows {
		if plainName(d.Name) == want {
			return d, nil
		}
	}
	type near struct {
		name     string
		distance int
	}
	var all []near
	for _, d := range rows {
		all = append(all, near{d.Name, nameDistance(want, plainName(d.Name))})
	}
	slices.SortStableFunc(all, func(a, b near) int { return a.distance - b.distance })
	e := &UnknownDeviceError{Name: name}
	for _, n := range all[:min(nearestRows, len(all))] {
		e.Nearest = append(e.Nearest, n.name)
	}
	return Device{}, e
}

// makers are words that people put before a name or leave out.
var makers = strings.NewReplacer("nvidia", "", "geforce", "", "amd ", "", "radeon", "", "intel", "", "apple", "", "tesla", "", "instinct", "")

// plainName is what of a name counts: letters and digits, without the maker.
func plainName(name string) string {
	name = makers.Replace(strings.ToLower(name))
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, name)
}

// nameDistance is how far apart two plain names are: edits, but a name that
// contains the other, or has the same digits, is near.
func nameDistance(a, b string) int {
	if len(a) > 64 {
		a = a[:64] // no device has such a name
	}
	d := 4 * levenshtein.ComputeDistance(a, b)
	if a != "" && (strings.Contains(b, a) || strings.Contains(a, b)) {
		d /= 4
	}
	if n := digits(a); n != "" && n == digits(b) {
		d /= 2
	}
	return d
}

// digits is the digits of a name, which tell most devices apart.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}
