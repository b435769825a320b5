package quant

import "testing"

// TestTypes is the type table of GGUF: number, name, weights and bytes of a
// block.
func TestTypes(t *testing.T) {
	table := []struct {
		number         uint32
		name           string
		weights, bytes int
		decodes        bool
	}{
		{0, "F32", 1, 4, true}, {1, "F16", 1, 2, true}, {2, "Q4_0", 32, 2 + 16, true}, {3, "Q4_1", 32, 2 + 2 + 16, true},
		{6, "Q5_0", 32, 2 + 4 + 16, true}, {7, "Q5_1", 32, 2 + 2 + 4 + 16, true}, {8, "Q8_0", 32, 2 + 32, true},
		{9, "Q8_1", 32, 2 + 2 + 32, false},
		{10, "Q2_K", 256, 16 + 64 + 2 + 2, true}, {11, "Q3_K", 256, 32 + 64 + 12 + 2, true}, {12, "Q4_K", 256, 2 + 2 + 12 + 128, true},
		{13, "Q5_K", 256, 2 + 2 + 12 + 32 + 128, true}, {14, "Q6_K", 256, 128 + 64 + 16 + 2, true}, {15, "Q8_K", 256, 4 + 256 + 32, false},
		{16, "IQ2_XXS", 256, 2 + 8*8, true}, {17, "IQ2_XS", 256, 2 + 64 + 8, true}, {18, "IQ3_XXS", 256, 2 + 64 + 32, true},
		{19, "IQ1_S", 256, 2 + 32 + 16, true}, {20, "IQ4_NL", 32, 2 + 16, true}, {21, "IQ3_S", 256, 2 + 64 + 8 + 32 + 4, true},
		{22, "IQ2_S", 256, 2 + 32 + 32 + 8 + 8, true}, {23, "IQ4_XS", 256, 2 + 2 + 4 + 128, true},
		{24, "I8", 1, 1, false}, {25, "I16", 1, 2, false}, {26, "I32", 1, 4, false}, {27, "I64", 1, 8, false}, {28, "F64", 1, 8, false},
		{29, "IQ1_M", 256, 32 + 16 + 8, true}, {30, "BF16", 1, 2, true},
		{34, "TQ1_0", 256, 48 + 4 + 2, true}, {35, "TQ2_0", 256, 64 + 2, true}, {39, "MXFP4", 32, 1 + 16, true},
		{40, "NVFP4", 64, 36, false}, {41, "Q1_0", 128, 18, false}, {42, "Q2_0", 64, 18, false},
	}
	decode := 0
	for _, c := range table {
		typ := Type(c.number)
		if typ.String() != c.name || typ.BlockSize() != c.weights || typ.BlockBytes() != c.bytes || typ.Decodes() != c.decodes || !typ.Known() {
			t.Errorf("type %d is %v, %d weights in %d bytes, decodes %v; want %s, %d in %d, %v", c.number,
				typ, typ.BlockSize(), typ.BlockBytes(), typ.Decodes(), c.name, c.weights, c.bytes, c.decodes)
		}
		if got, want := typ.RowBytes(5120), 5120/c.weights*c.bytes; got != want {
			t.Errorf("%v: a row of 5120 has %d bytes, want %d", typ, got, want)
		}
		if c.decodes {
			decode++
		}
	}
	if len(layouts) != len(table) || len(Types()) != decode {
		t.Errorf("%d types, %d of them decode; want %d and %d", len(layouts), len(Types()), len(table), decode)
	}
	if typ := Type(4); typ.Known() || typ.Decodes() || typ.String() != "type 4" || typ.BlockSize() != 0 {
		t.Errorf("type 4 is retired and known as %v", typ)
	}
}
