package tensor

import (
	"errors"
	"fmt"

	"scout/engine/quant"
)

// KVType is the element type of a key/value cache.
type KVType uint8

// F16 is the default; F32 exists to hold the engine against references. Q8_0 and
// Q4_0 round the row of each head in blocks of 32, with the scales and integers
// of the weight types of those names, to about half and a quarter of F16's size.
const (
	KVF16 KVType = iota
	KVF32
	KVQ8_0
	KVQ4_0
)

func (t KVType) String() string { return [...]string{"f16", "f32", "q8_0", "q4_0"}[t] }

// Format is the weight type that rounds as a cache of this type does.
func (t KVType) Format() quant.Type {
	return [...]quant.Type{quant.F16, quant.F32, quant.Q8_0, quant.Q4_0}[t]
}

// Block is how many elements of a head's row are stored together: a head
// dimension must be a multiple of it.
func (t KVType) Block() int { return t.Format().BlockSize() }

// RowBytes is the size of one head's key or value of n elements, a multiple of
// Block.
func (t KVType) RowBytes(n int) int { return t.Format().RowBytes(n) }

// CacheLayer is the key/value storage of one layer: K and V, each
// [Cells, KVHeads, HeadDim]. The cell of position p is p mod Cells.
type CacheLayer struct {
	Cells   int
	KVHeads int
	HeadDim int
	Type    KVType
	Device  Device
}

// Bytes is the size of K and V together.
func (l CacheLayer) Bytes() int64 {
	return 2 * int64(l.Cells) * int64(l.KVHeads) * int64(l.Type.RowBytes(l.HeadDim))
}

// CacheSpec is the storage of a whole sequence, a layer per Attend.Layer.
type CacheSpec []CacheLayer

// Cache is the key/value storage of one sequence on one backend. It belongs to
// the backend that made it.
type Cache interface{ Close() error }

// Batch is what one run of a program computes: consecutive tokens of one
// sequence.
type Batch struct {
	Tokens  []int32   // [tokens]; negative means: take the next row of Embeds
	Embeds  []float32 // [negative tokens, width], in order
	Start   int       // position of the first token
	Origin  int       // first position the cache holds, normally 0; earlier ones are invisible
	Outputs []int32   // ascending rows of the batch whose logits are wanted; may be empty

	// Of an encoder's batch, whose tokens are patches:
	Places [][2]int32 // [tokens]: where each lies in its picture, for RoPE2D
	Spans  [][]int32  // by AttendSpan.Spans: the ascending ends of the spans, the last of them tokens
}

// Program is the nodes of a graph that belong to one device, compiled. They
// form segments: maximal runs of consecutive nodes on that device, in graph
// order, as Segments lists them. A program is used by one goroutine at a time.
type Program interface {
	// Run computes one segment for the batch, reading and extending cache. When
	// stop returns true between two operations it gives up with ErrStopped; the
	// cells of this batch are then undefined, also those that held an earlier
	// position (cells wrap), and all others are untouched. stop may be nil. The
	// batch must be within the limits given to Compile; it is the caller's again as
	// soon as Run returns.
	Run(segment int, b *Batch, cache Cache, stop func() bool) error
	// Write sets a value that another device computed: [rows, width], or for a
	// routing value [rows, 2, width], the expert ids as floats and then the weights.
	Write(v Value, data []float32) error
	// Read returns what Write describes. The slice is valid until the next Run.
	Read(v Value) ([]float32, error)
	// Close frees what the program holds on its device.
	Close() error
}

// Limits bounds the batches a program is compiled for.
type Limits struct {
	Tokens  int // rows of a batch
	Outputs int // of these, rows whose logits are wanted
}

// Backend is a device that can run graphs. cpu, gpu and ref satisfy it, and
// internal/backendtest holds them to one behaviour.
type Backend interface {
	// Name is for people and logs.
	Name() string
	// Supports says why op cannot run here, or nil.
	Supports(op Op) error
	// Compile prepares the nodes of g that belong to device d. The values that
	// cross to or from other devices, the graph's result, and those listed in keep
	// can be read after the segment that computes them.
	Compile(g *Graph, d Device, limits Limits, keep []Value) (Program, error)
	// NewCache allocates the layers of spec that belong to device d.
	NewCache(spec CacheSpec, d Device) (Cache, error)
	// Close frees the device.
	Close() error
}

// ErrStopped is returned by Program.Run when its stop function said so.
var ErrStopped = errors.New("tensor: run stopped")

// FaultError reports that reading a mapped weight failed while a program ran:
// the file was cut or its disk went away.
type FaultError struct {
	Addr uintptr // the address that could not be read
}

func (e *FaultError) Error() string {
	return fmt.Sprintf("tensor: reading mapped weights at %#x failed", e.Addr)
}
