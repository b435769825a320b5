package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"scout/engine"
	"scout/hardware"
	"scout/hardware/ledger"
	"scout/hardware/plan"
	"scout/ui/safetext"
)

// planMachine is a machine to plan for, with where its figures come from.
type planMachine struct {
	plan.Machine
	sources  []string // one line each
	whatIf   bool
	hardware *machineRecord // what was found of this machine; nil for another
	past     ledger.Runs    // what is remembered of runs on it
}

const (
	whatIfMemory  = "dual-channel DDR5-5600" // what new machines have
	thisMemory    = "dual-channel DDR4-3200" // what few machines have less than
	assumedDisk   = "sata"                   // what few machines have less than
	whatIfThreads = 16
	whatIfRAM     = 64 << 30
	measurements  = 5 // of which the best counts: other programs only ever slow one down

	// coreFlops is the products per second of one core with quantized weights, as our
	// kernels reach with AVX2: 71 G multiply-adds on two cores (docs/speed.md), of
	// floats; more where the processor has more.
	coreFlops = 70e9
	// gpuFlopsShare: a GPU in unified memory reaches about this share of its figure.
	gpuFlopsShare = 0.35
)

// What --gpu can say besides a row of the table.
const (
	gpuHere = "here" // this machine, with its cards
	gpuNone = "none" // without one, as by default
)

// namedGPUs is the rows of the table that --gpu asks for.
func (f planFlags) namedGPUs() []string {
	return slices.DeleteFunc(slices.Clone(f.gpus), func(name string) bool { return isWord(name, gpuHere) || isWord(name, gpuNone) })
}

func isWord(s, word string) bool { return strings.EqualFold(strings.TrimSpace(s), word) }

// planMachine is the machine that the flags describe: this one, or another.
func (a *App) planMachine(ctx context.Context, f planFlags) (planMachine, error) {
	here := slices.ContainsFunc(f.gpus, func(name string) bool { return isWord(name, gpuHere) })
	f.gpus = f.namedGPUs()
	m := planMachine{whatIf: f.whatIf()}
	if here && m.whatIf {
		return m, usageErrorf("--gpu %s is about this machine, and --gpu, --ram and --memory ask about another", gpuHere)
	}
	m.Cores = f.threads
	if m.Cores == 0 {
		m.Cores = engine.DefaultThreads()
		if m.whatIf {
			m.Cores = whatIfThreads
		}
	}
	m.CPUFlops = float64(m.Cores) * coreFlops
	if m.whatIf || f.disk != "" {
		if err := m.setDisk(f.disk); err != nil {
			return m, err
		}
	}
	if m.whatIf {
		return m, m.imagine(f)
	}
	return m, a.lookAround(ctx, &m, f, here)
}

func (m *planMachine) source(format string, args ...any) {
	m.sources = append(m.sources, fmt.Sprintf(format, args...))
}

// setDisk chooses the kind of disk.
func (m *planMachine) setDisk(kind string) error {
	name := kind
	if kind == "" {
		name = assumedDisk
	}
	d, err := hardware.FindDisk(name)
	if err != nil {
		return usageErrorf("--disk is %q, want one of %s", kind, strings.Join(hardware.DiskKinds(), ", "))
	}
	m.Disk = plan.Disk{Name: "disk", Bandwidth: d.Bandwidth}
	given := "as asked"
	if kind == "" {
		given = "assumed; --disk says another"
	}
	m.source("disk: %s, %s (%s; %s)", d.Name, formatBandwidth(d.Bandwidth), d.Source, given)
	return nil
}

// lookAround describes this machine, with its cards or without.
func (a *App) lookAround(ctx context.Context, m *planMachine, f planFlags, cards bool) error {
	ctx, stop := a.interruptible(ctx)
	defer stop()
	m.Name = "this machine"
	memory, err := a.memory()
	if err != nil {
		return fmt.Errorf("this machine's memory is unknown, --ram says it: %w", err)
	}
	m.RAM = plan.RAM{Total: memory.Total, Free: memory.Available}
	m.source("memory: %s, %s of it free (%s)", formatBytes(memory.Total), formatBytes(memory.Available), memorySource(memory))
	seen := a.lookAtMachine(ctx, memory)
	m.hardware = &seen
	if f.measure {
		if err := a.measure(ctx, &seen, m.Cores); err != nil {
			return orInterrupted(ctx, err)
		}
	}
	if ctx.Err() != nil {
		return orInterrupted(ctx, ctx.Err())
	}
	if err := m.setMemorySpeed(seen); err != nil {
		return err
	}
	m.setKernels(seen.Measured, seen.CPU.Features)
	m.past = a.pastRuns(seen.ID)
	if f.disk == "" {
		if err := m.setDriveSpeed(seen); err != nil {
			return err
		}
	}
	m.addGPUs(seen, cards)
	return nil
}

func memorySource(m hardware.Memory) string {
	if m.Source == "" || m.Source == "the system" {
		return "the system, and the limits it sets for this process"
	}
	return m.Source
}

// setMemorySpeed takes what was measured, lately or now, or a careful guess.
func (m *planMachine) setMemorySpeed(seen machineRecord) error {
	if figure, ok := seen.Measured[hardware.RAMRead(m.Cores)]; ok {
		m.RAM.Bandwidth, m.RAM.Measured = figure.Value, true
		m.source("memory speed: %s (%s, with %s)", formatBandwidth(figure.Value), measuredText(figure), plural(m.Cores, "thread"))
		return nil
	}
	kind, err := hardware.FindDevice(thisMemory, hardware.MainMemory)
	if err != nil {
		return err
	}
	m.RAM.Bandwidth = kind.Bandwidth * 1e9
	m.source("memory speed: %s, as of %s (assumed; --measure measures it)", formatBandwidth(m.RAM.Bandwidth), kind.Name)
	return nil
}

// setDriveSpeed takes what was measured of the disk where models are kept, or what
// disks of its kind reach.
func (m *planMachine) setDriveSpeed(seen machineRecord) error {
	d, ok := seen.models()
	if figure, measured := seen.Measured[hardware.DiskRead(d.Device)]; ok && measured && d.Device != "" {
		m.Disk = plan.Disk{Name: "disk", Bandwidth: figure.Value}
		m.source("disk: %s, %s, %s free (%s)", driveName(d), diskRate(figure.Value), formatBytes(d.Free), measuredText(figure))
		return nil
	}
	if !ok || d.Bandwidth <= 0 {
		return m.setDisk("")
	}
	m.Disk = plan.Disk{Name: "disk", Bandwidth: d.Bandwidth}
	m.source("disk: %s, %s, %s free (%s; --measure measures it)", driveName(d), diskRate(d.Bandwidth), formatBytes(d.Free), d.Sources["bandwidth_bytes_s"])
	return nil
}

// diskRate is a rate of reading a disk for people, as its makers give it.
func diskRate(bytesPerSecond float64) string {
	if bytesPerSecond < 1e9 {
		return fmt.Sprintf("%.0f MB/s", bytesPerSecond/1e6)
	}
	return formatBandwidth(bytesPerSecond)
}

// driveName is a disk for people: "nvme0n1p2, nvme4".
func driveName(d hardware.Drive) string {
	return strings.Join(slices.DeleteFunc([]string{d.Device, d.Kind}, func(s string) bool { return s == "" }), ", ")
}

// measuredText says when a figure was measured, and how sure it is.
func measuredText(f hardware.Figure) string {
	s := "measured " + f.Date.Local().Format(time.DateOnly)
	if f.Rounds > 1 {
		s += fmt.Sprintf(", the best of %d rounds, the worst %.0f %% slower", f.Rounds, 100*f.Spread)
	}
	if f.Spread > busySpread {
		s += ": the machine was busy"
	}
	if f.Note != "" {
		s += ", " + f.Note
	}
	return s
}

// busySpread: rounds on a machine that does nothing else differ by less.
const busySpread = 0.25

// addGPUs tells of the GPUs, and plans with the cards whose figures are known, if it
// is asked to.
func (m *planMachine) addGPUs(seen machineRecord, plan bool) {
	for _, g := range seen.GPUs {
		if g.Kind == hardware.Virtual {
			continue
		}
		use := "not planned with; --gpu " + gpuHere + " does"
		card, why := planGPU(g)
		switch {
		case why != "":
			use = "not planned with: " + why
		case plan:
			use = "planned with"
			m.GPUs = append(m.GPUs, card)
		}
		m.source("%s (%s)", describeGPU(g), use)
	}
}

// planGPU is a card to plan with, or why it cannot be one.
func planGPU(g hardware.GPU) (card plan.GPU, why string) {
	switch {
	case g.Kind != hardware.Discrete:
		return card, "it shares main memory"
	case g.Total <= 0:
		return card, "the size of its memory is not known"
	case g.Bandwidth <= 0:
		return card, "the speed of its memory is not known"
	}
	card = plan.GPU{Name: g.Name, Total: g.Total, Free: g.Free, Bandwidth: g.Bandwidth, Flops: g.TFLOPS * 1e12, Link: g.Link.Bandwidth(), Display: g.Display}
	if !g.FreeKnown() {
		card.Free = g.Total - g.Total/10 // the driver and a screen take some
	}
	if card.Link == 0 {
		card.Link = slowLink
	}
	return card, ""
}

// slowLink is what copies to a card reach that says nothing of its link: as PCIe 3.0
// x8 does, which few cards have less than.
const slowLink = 6e9

// describeGPU is a GPU for people, in a line.
func describeGPU(g hardware.GPU) string {
	var s strings.Builder
	fmt.Fprintf(&s, "GPU: %s, %s", safetext.Line(g.Name), g.Kind)
	if g.Total > 0 {
		fmt.Fprintf(&s, ", %s", formatBytes(g.Total))
		if g.FreeKnown() {
			fmt.Fprintf(&s, ", %s of it free", formatBytes(g.Free))
		}
		fmt.Fprintf(&s, " (%s)", g.Sources["total_bytes"])
	}
	if g.Bandwidth > 0 {
		fmt.Fprintf(&s, ", %s (%s)", formatBandwidth(g.Bandwidth), g.Sources["bandwidth_bytes_s"])
	}
	if g.Link.Generation > 0 {
		fmt.Fprintf(&s, ", %s", g.Link)
	}
	if driver := strings.TrimSpace(g.Driver + " " + g.DriverVersion); driver != "" {
		fmt.Fprintf(&s, ", driver %s", safetext.Line(driver))
	}
	return s.String()
}

// imagine describes the machine of the flags.
func (m *planMachine) imagine(f planFlags) error {
	ram := int64(whatIfRAM)
	if f.ram != "" {
		var err error
		if ram, err = parseSize(f.ram); err != nil {
			return usageErrorf("--ram is %q: %w", f.ram, err)
		}
	}
	var names []string
	for _, name := range f.gpus {
		d, err := findDevice("--gpu", name, hardware.Card, hardware.Unified)
		if err != nil {
			return err
		}
		if d.Kind == hardware.Unified {
			if len(f.gpus) > 1 || f.memory != "" {
				return usageErrorf("--gpu %s is a machine with unified memory, which takes no further --gpu and no --memory", d.Name)
			}
			m.unify(d, ram, f.ram != "")
			return nil
		}
		m.addCard(d)
		names = append(names, d.Name)
	}
	kindName := f.memory
	if kindName == "" {
		kindName = whatIfMemory
	}
	kind, err := findDevice("--memory", kindName, hardware.MainMemory)
	if err != nil {
		return err
	}
	m.RAM = plan.RAM{Total: ram, Free: ram - max(ram/12, min(2<<30, ram/4)), Bandwidth: kind.Bandwidth * 1e9}
	names = append(names, formatBytes(ram)+" of "+kind.Name)
	m.Name = strings.Join(names, " + ")
	given := ""
	if f.ram == "" {
		given = ", size assumed; --ram says another"
	}
	m.source("memory: %s, %s of it free, %s (%s%s)", formatBytes(ram), formatBytes(m.RAM.Free), formatBandwidth(m.RAM.Bandwidth), kind.Source, given)
	if f.threads == 0 {
		m.source("processor: %d cores with AVX2 (assumed; --threads says how many)", m.Cores)
	}
	return nil
}

// findDevice is a row of the table, or a usage error with the nearest ones.
func findDevice(flag, name string, kinds ...hardware.DeviceKind) (hardware.Device, error) {
	d, err := hardware.FindDevice(name, kinds...)
	var unknown *hardware.UnknownDeviceError
	if errors.As(err, &unknown) {
		if runes := []rune(name); len(runes) > 40 {
			name = string(runes[:40]) + "..."
		}
		return d, usageErrorf("%s %q is not in the table; the nearest are %s", flag, name, strings.Join(unknown.Nearest, ", "))
	}
	return d, err
}

// addCard adds a card. Of its memory 2 % are the driver's from the start: 24,077 of
// 24,564 MiB of an RTX 4090 without a screen are free.
func (m *planMachine) addCard(d hardware.Device) {
	total := int64(d.Memory * (1 << 30))
	m.GPUs = append(m.GPUs, plan.GPU{
		Name: d.Name, Total: total, Free: total - total/50, Bandwidth: d.Bandwidth * 1e9, Flops: d.TFLOPS * 1e12, Link: d.Link * 1e9,
	})
	m.source("%s: %s, %s (%s%s)", d.Name, formatBytes(total), formatBandwidth(d.Bandwidth*1e9), d.Source, unsure(d))
}

func unsure(d hardware.Device) string {
	if d.Unsure == "" {
		return ""
	}
	return "; " + d.Unsure
}

// unify makes it a machine whose GPU computes in main memory. macOS lets a GPU have
// about three quarters of it.
func (m *planMachine) unify(d hardware.Device, ram int64, given bool) {
	if !given {
		ram = int64(d.Memory * (1 << 30))
	}
	m.RAM = plan.RAM{Total: ram, Free: ram - ram/20, Bandwidth: d.Bandwidth * 1e9, Unified: true}
	if strings.HasPrefix(d.Name, "Apple") {
		m.RAM.Share = 0.75
	}
	m.CPUFlops = d.TFLOPS * 1e12 * gpuFlopsShare
	m.Name = d.Name + " with " + formatBytes(ram)
	m.source("%s: %s of unified memory, %s (%s%s)", d.Name, formatBytes(ram), formatBandwidth(d.Bandwidth*1e9), d.Source, unsure(d))
}

// mostRAM and leastRAM bound what is taken for a machine's memory.
const (
	leastRAM = 256 << 20
	mostRAM  = 64 << 40
)

// parseSize reads a size of memory. A GB of memory is 2^30 bytes, as its makers
// count; a number without a unit is GB.
func parseSize(s string) (int64, error) {
	text := strings.ToLower(strings.TrimSpace(s))
	text = strings.TrimSuffix(strings.TrimSuffix(text, "ib"), "b")
	unit := float64(1 << 30)
	if n := len(text); n > 0 {
		switch text[n-1] {
		case 'm':
			unit, text = 1<<20, text[:n-1]
		case 'g':
			text = text[:n-1]
		case 't':
			unit, text = 1<<40, text[:n-1]
		}
	}
	x, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(x) {
		return 0, errors.New("want a size such as 64GB")
	}
	if bytes := x * unit; bytes < leastRAM || bytes > mostRAM {
		return 0, fmt.Errorf("want %s to %s", formatBytes(leastRAM), formatBytes(mostRAM))
	}
	return int64(x * unit), nil
}
