package kernel

import (
	"encoding/binary"
	"unsafe"

	"scout/engine/quant"
)

// Packed activations lie as matrix instructions want them: vectors in tiles of
// TileVectors, and for each tile and each block of 256 columns
//
//	Q     [64 columns][4 columns][vector][column] int8
//	sums  [64 columns][vector][2] int16, of 32 columns each
//	D     [vector] float32
//
// so that one vector register has something of every vector of the tile.
const (
	TileVectors = 16
	packSums    = TileVectors * 256
	packD       = packSums + 256
	packBytes   = packD + 4*TileVectors
)

// packer is what packs activations for the machine's matrix instructions; nil where
// there are none.
var packer *struct {
	types map[quant.Type]bool
	pack  func(a *Acts, tile, t0, t1 int)
}

// Fewer vectors than packFrom are not worth it.
const packFrom = 3

// Packs says whether MatMul is faster with packed activations for weights of type
// t and n vectors.
func Packs(t quant.Type, n int) bool { return packer != nil && n >= packFrom && packer.types[t] }

// ReserveTiles makes room for n tiles of packed activations, if there is less.
func (a *Acts) ReserveTiles(n int) {
	// The memory starts at a cache line.
	if size := n*a.Cols/256*packBytes + 64; len(a.packed) < size {
		a.packed = make([]byte, size)
	}
}

// Tiles is how many tiles n vectors are.
func Tiles(n int) int { return (n + TileVectors - 1) / TileVectors }

// PackedBytes is the memory that ReserveTiles took.
func (a *Acts) PackedBytes() int64 { return int64(cap(a.packed)) }

// block is the packed block b of a tile.
func (a *Acts) block(tile, b int) *[packBytes]byte {
	p := unsafe.Pointer(unsafe.SliceData(a.packed))
	p = unsafe.Add(p, -uintptr(p)&63)
	return (*[packBytes]byte)(unsafe.Add(p, (tile*(a.Cols/256)+b)*packBytes))
}

// Pack packs vectors t0 to t1-1, at most 16, as a tile. a is of FormQ8_K and has
// room for the tile. Different tiles may be packed at the same time.
func (a *Acts) Pack(tile, t0, t1 int) {
	_, _ = a.Q[t1*a.Cols-1], a.packed[(tile+1)*a.Cols/256*packBytes+63]
	packer.pack(a, tile, t0, t1)
}

// packSums packs what belongs to a block.
func (a *Acts) packSums(to *[packBytes]byte, b, t0, t1 int) {
	clear(to[packSums:])
	blocks := a.Cols / 256
	for t := t0; t < t1; t++ {
		sums := (*[16]int16)(a.Sums[(t*blocks+b)*16:])
		for i := range 8 {
			at := packSums + i/2*64 + (t-t0)*4 + i%2*2
			binary.LittleEndian.PutUint16(to[at:], uint16(sums[2*i]+sums[2*i+1]))
		}
		*(*float32)(unsafe.Pointer(&to[packD+4*(t-t0)])) = a.D[t*blocks+b]
	}
}
