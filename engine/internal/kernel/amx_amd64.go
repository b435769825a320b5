//go:build !noasm

package kernel

import (
	"unsafe"

	"scout/engine/quant"
)

// Products by AMX, on Intel's servers since Sapphire Rapids (2023). One
// instruction multiplies 16 rows of 64 bytes with 16 vectors of 64 bytes and adds
// the exact sums up in 32 bits, eight times as fast as VNNI.
//
// Scales would get in the way: they differ from one 32 or 16 weights to the next,
// and sums would have to leave the tiles as often. So each weight is multiplied
// with its scale when it is unpacked. The product needs 16 bits at most; its low
// and its high byte are multiplied with the activations each, and
//
//	isum = sum over weights of low*q + 256 * sum of high*q
//
// is what the definition wants, exactly, with one look at the tile registers for
// each 256 weights.

// An amxPanel is a product of 16 rows and some tiles of packed vectors. The
// assembly knows its offsets.
type amxPanel struct {
	w          unsafe.Pointer // first row
	stride     int            // bytes from a row to the next
	blocks     int            // of a row
	acts       *[packBytes]byte
	tileStride int // bytes from a tile of vectors to the next
	tiles      int
	sums       *float32 // [tiles][16 rows][16 vectors], added to
	scratch    *amxScratch
	ahead      int // bytes from a block to the one to prefetch meanwhile,
	aheadLast  int // near the end of a row, where that is in the next 16 rows,
	aheadFrom  int // which is when so many blocks are left
	blockBytes int
	table      *amxTable
}

// amxScratch is working memory of the product. The assembly knows its offsets.
type amxScratch struct {
	products [4][16][16]int32 // what the tile registers had: [tile of vectors][low, high][row][vector]
	weights  [2]amxWeights    // those that are multiplied and those that are unpacked, in turn
	state    [8]uint64        // the assembly's own
}

// amxWeights is a block of each of 16 rows.
type amxWeights struct {
	low, high [4][16][64]byte // weights times scales: [64 columns][row][column]
	m         [4][16][2]int16 // minima: [64 columns][row][32 columns]
	d, dMin   [16]float32     // by row
	scales    [16][8]byte     // by row, as the format has them
	halves    [32]uint16      // d before it is converted
}

// amxTable is the products of the 16 values of a weight with each of 64 scales:
// low bytes and high bytes.
type amxTable [64][2][16]byte

// An amxFormat is how weights of a type are multiplied.
type amxFormat struct {
	*quantFormat
	table *amxTable
}

//go:noescape
func amxQ4K(p *amxPanel)

//go:noescape
func amxIQ4XS(p *amxPanel)

//go:noescape
func amxQ5K(p *amxPanel)

//go:noescape
func amxQ6K(p *amxPanel)

//go:noescape
func transpose16(dst *byte, dstStride int, src *byte, srcStride int)

// registerAMX adds the products by AMX to those of the other versions.
func registerAMX() {
	if !hasAVX512 || !useAMX() {
		return
	}
	packer = &struct {
		types map[quant.Type]bool
		pack  func(a *Acts, tile, t0, t1 int)
	}{map[quant.Type]bool{}, packTile}
	for t, f := range map[quant.Type]amxFormat{
		quant.Q4_K:  {table: amxTableOf(func(s, q int) int { return s * q })},
		quant.IQ4XS: {table: amxTableOf(func(s, q int) int { return (s - 32) * ladderValue(q) })},
		quant.Q5_K:  {},
		quant.Q6_K:  {},
	} {
		f.quantFormat = quantFormats[t]
		packer.types[t] = true
		k := quantised[t]
		k.packed = f.matMul
		registerQuant("amx", t, k)
	}
}

// amxTableOf is the table of the products that times computes.
func amxTableOf(times func(scale, q int) int) *amxTable {
	t := new(amxTable)
	for s := range t {
		for q := range 16 {
			p := times(s, q)
			t[s][0][q], t[s][1][q] = byte(p), byte(p>>8)
		}
	}
	return t
}

// ladderValue is what nibble q of IQ4_XS stands for, taken from its decoder.
func ladderValue(q int) int {
	var w quant.Super
	block := make([]byte, quant.IQ4XS.BlockBytes())
	block[8] = byte(q)
	quant.UnpackSuper(quant.IQ4XS, &w, block)
	return int(w.Q[0])
}

// packTile is Acts.Pack.
func packTile(a *Acts, tile, t0, t1 int) {
	var few [TileVectors][64]byte // for tiles that are not full
	for b := range a.Cols / 256 {
		to := a.block(tile, b)
		for k := range 4 {
			from, stride := &a.Q[t0*a.Cols+256*b+64*k], a.Cols
			if t1-t0 < TileVectors {
				for t := t0; t < t1; t++ {
					few[t-t0] = *(*[64]byte)(unsafe.Pointer(&a.Q[t*a.Cols+256*b+64*k]))
				}
				from, stride = (*int8)(unsafe.Pointer(&few)), 64
			}
			transpose16(&to[TileVectors*64*k], 64, (*byte)(unsafe.Pointer(from)), stride)
		}
		a.packSums(to, b, t0, t1)
	}
}

// Packed activations of at most amxBytes are multiplied with all rows before
// others are: they stay in the second-level cache.
const amxBytes = 1 << 20

// matMul is MatMul of one type with activations packed from tile on.
func (f *amxFormat) matMul(dst []float32, ldd int, m *Matrix, r0, r1 int, a *Acts, t0, t1, tile int, s *Scratch) {
	if m.Rows < tileRows {
		f.matMulTiles(dst, ldd, m, r0, r1, a, t0, t1, s)
		return
	}
	most := max(amxBytes/(m.Cols/256*packBytes), 2) &^ 1
	for t := t0; t < t1; t += most * TileVectors {
		n := min(most*TileVectors, t1-t)
		sums := unsafe.Slice((*float32)(s.aligned(1, uintptr(4*tileRows*TileVectors*Tiles(n)))), tileRows*TileVectors*Tiles(n))
		for r := r0; r < r1; r += tileRows {
			from := min(r, m.Rows-tileRows) // the last 16 rows again rather than fewer
			clear(sums)
			f.panel(sums, m, from, a, tile+(t-t0)/TileVectors, s)
			for i := 0; i < n; i += TileVectors {
				unpackSums(dst[(t+i)*ldd+r:], ldd, sums[i*tileRows:], r-from, min(tileRows, r1-r), min(TileVectors, n-i))
			}
		}
	}
}

// amxAhead is about how many bytes of a row are prefetched before their use.
const amxAhead = 500

// panel adds the products of 16 rows from r on and the tiles of vectors from tile
// on to sums. It is a call
// that the garbage collector can stop before.
//
//go:noinline
func (f *amxFormat) panel(sums []float32, m *Matrix, r int, a *Acts, tile int, s *Scratch) {
	size := m.Type.RowBytes(m.Cols)
	p := amxPanel{
		w: unsafe.Pointer(&m.Data[r*size]), stride: size, blocks: m.Cols / 256,
		acts: a.block(tile, 0), tileStride: m.Cols / 256 * packBytes, tiles: len(sums) / (tileRows * TileVectors),
		sums: &sums[0], scratch: (*amxScratch)(s.aligned(0, unsafe.Sizeof(amxScratch{}))),
		blockBytes: m.Type.BlockBytes(), table: f.table,
	}
	blocks := amxAhead/p.blockBytes + 1
	p.ahead, p.aheadFrom = blocks*p.blockBytes, blocks
	p.aheadLast = p.ahead + (tileRows-1)*size
	switch m.Type { // and not by a function value, which would put p on the heap
	case quant.Q4_K:
		amxQ4K(&p)
	case quant.Q5_K:
		amxQ5K(&p)
	case quant.Q6_K:
		amxQ6K(&p)
	case quant.IQ4XS:
		amxIQ4XS(&p)
	}
}

// unpackSums stores n vectors' sums [row][16 vectors] of rows, from the given one
// on, to dst, where vectors are ldd apart.
func unpackSums(dst []float32, ldd int, sums []float32, from, rows, n int) {
	at, src := (*byte)(unsafe.Pointer(&dst[0])), (*byte)(unsafe.Pointer(&sums[0]))
	if rows == tileRows && n == TileVectors {
		_ = dst[(n-1)*ldd+rows-1]
		transpose16(at, 4*ldd, src, 4*TileVectors)
		return
	}
	var turned [TileVectors][tileRows]float32
	transpose16((*byte)(unsafe.Pointer(&turned)), 4*tileRows, src, 4*TileVectors)
	for i := range n {
		copy(dst[i*ldd:i*ldd+rows], turned[i][from:])
	}
}
