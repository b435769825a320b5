package vision

import (
	"bufio"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"scout/engine/picture"
)

// scoutTower is the part of Scout's tower that its processor looks at.
var scoutTower = TowerConfig{
	Projector: "llama4", TileSize: 336, PatchSize: 14, Merge: 2,
	Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.5, 0.5, 0.5},
}

func processor(t testing.TB, c TowerConfig, mostTiles int) Processor {
	t.Helper()
	p, err := NewProcessor(c, mostTiles)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestLlama4Plan is the table of section 7.6 of the specification, and the sizes of the
// task, at the default of 16 tiles.
func TestLlama4Plan(t *testing.T) {
	p := processor(t, scoutTower, 0)
	tests := []struct {
		width, height     int
		rows, cols        int
		toWidth, toHeight int
		tiles, tokens     int
		down              bool
	}{
		{200, 150, 1, 1, 336, 252, 1, 147, false},
		{336, 336, 1, 1, 336, 336, 1, 147, false},
		{337, 336, 1, 2, 337, 336, 3, 437, false},
		{512, 512, 2, 2, 512, 512, 5, 727, false},
		{640, 480, 2, 2, 640, 480, 5, 727, false},
		{800, 600, 2, 3, 800, 600, 7, 1017, false},
		{1000, 1000, 3, 3, 1000, 1000, 10, 1452, false},
		{1024, 768, 3, 4, 1024, 768, 13, 1887, false},
		{1024, 1024, 4, 4, 1024, 1024, 17, 2467, false},
		{1280, 720, 3, 4, 1280, 720, 13, 1887, false},
		{1920, 1080, 3, 5, 1680, 945, 16, 2322, true},
		{2048, 2048, 4, 4, 1344, 1344, 17, 2467, true},
		{3840, 2160, 3, 5, 1680, 945, 16, 2322, true},
		{4096, 1024, 2, 8, 2688, 672, 17, 2467, true},
		// A 100 x 3000 picture fits nine tiles in a column, which is 3024 high.
		{100, 3000, 9, 1, 100, 3000, 10, 1452, false},
		{1, 1, 1, 1, 336, 336, 1, 147, false},
		{1, 60000, 16, 1, 1, 5376, 17, 2467, true},
	}
	for _, tt := range tests {
		want := Plan{
			SourceWidth: tt.width, SourceHeight: tt.height, Width: tt.toWidth, Height: tt.toHeight,
			Rows: tt.rows, Cols: tt.cols, Tiles: tt.tiles, Tokens: tt.tokens, Downsampled: tt.down,
		}
		if got := p.Plan(tt.width, tt.height); got != want {
			t.Errorf("%d x %d:\n got %+v\nwant %+v", tt.width, tt.height, got, want)
		}
	}
}

// TestLlama4PlanByLimit is what section 7.6 says of a picture of 1024 x 1024 pixels.
func TestLlama4PlanByLimit(t *testing.T) {
	for most := 1; most <= 16; most++ {
		want := 147
		switch {
		case most == 16:
			want = 2467
		case most >= 9:
			want = 1452
		case most >= 4:
			want = 727
		}
		p := processor(t, scoutTower, most)
		if got := p.Plan(1024, 1024).Tokens; got != want || p.MostTiles() != most {
			t.Errorf("%d tokens with %d tiles at most, want %d", got, most, want)
		}
	}
}

// TestLlama4Goldens holds plans against those that testdata/make_llama4.py made.
func TestLlama4Goldens(t *testing.T) {
	f, err := os.Open("testdata/llama4_plans.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for lines := bufio.NewScanner(f); lines.Scan(); n++ {
		var most, tile, w, h, rows, cols, toWidth, toHeight, tokens int
		if _, err := fmt.Sscan(lines.Text(), &most, &tile, &w, &h, &rows, &cols, &toWidth, &toHeight, &tokens); err != nil {
			t.Fatalf("line %q: %v", lines.Text(), err)
		}
		c := scoutTower
		c.TileSize, c.PatchSize, c.Merge = tile, 1, 1
		c.PatchSize, c.Merge = tile/12, 1 // 144 embeddings, as the file has it
		if c.PatchSize*12 != tile {
			c.PatchSize, c.TileSize = tile/14, tile
		}
		got := processor(t, c, most).Plan(w, h)
		perTile := (tile / c.PatchSize) * (tile / c.PatchSize)
		tokens += (perTile - 144) * got.Tiles
		if got.Rows != rows || got.Cols != cols || got.Width != toWidth || got.Height != toHeight || got.Tokens != tokens {
			t.Errorf("%d x %d, tiles of %d, at most %d: %+v, want %d x %d tiles, %d x %d pixels, %d tokens", w, h, tile, most, got, rows, cols, toWidth, toHeight, tokens)
		}
	}
	if n < 600 {
		t.Errorf("%d cases, want some 600", n)
	}
}

// TestLlama4Grids is the list of section 7.1, rows x columns.
func TestLlama4Grids(t *testing.T) {
	const want = "1x16 2x8 1x4 4x4 3x3 2x2 1x1 8x2 4x1 16x1 1x15 3x5 5x3 15x1 1x14 2x7 7x2 14x1 1x13 13x1 1x12 2x6 1x3 3x4 4x3 6x2 3x1 12x1 " +
		"1x11 11x1 1x10 2x5 5x2 10x1 1x9 9x1 1x8 2x4 1x2 4x2 2x1 8x1 1x7 7x1 1x6 2x3 3x2 6x1 1x5 5x1"
	var got []string
	for _, g := range llama4Grids(16) {
		got = append(got, fmt.Sprintf("%dx%d", g.rows, g.cols))
	}
	if s := strings.Join(got, " "); s != want {
		t.Errorf("grids are\n%s, want\n%s", s, want)
	}
}

// TestLlama4PlanHolds is what is true of every size.
func TestLlama4PlanHolds(t *testing.T) {
	sides := []int{1, 2, 3, 7, 111, 112, 335, 336, 337, 500, 671, 672, 673, 1343, 1344, 1345, 3000, 9999, 60000}
	for _, most := range []int{1, 4, 9, 16} {
		p := processor(t, scoutTower, most)
		for _, w := range sides {
			for _, h := range sides {
				plan := p.Plan(w, h)
				n := plan.Rows * plan.Cols
				switch {
				case n < 1 || n > most:
					t.Errorf("%d x %d: %d tiles, want at most %d", w, h, n, most)
				case plan.Width < 1 || plan.Height < 1 || plan.Width > 336*plan.Cols || plan.Height > 336*plan.Rows:
					t.Errorf("%d x %d: %+v does not fit its grid", w, h, plan)
				case plan.Width > max(w, 336) || plan.Height > max(h, 336):
					t.Errorf("%d x %d: %+v is enlarged", w, h, plan)
				case n == 1 && (plan.Tiles != 1 || plan.Tokens != 147), n > 1 && (plan.Tiles != n+1 || plan.Tokens != 145*n+147):
					t.Errorf("%d x %d: %+v, want %d tokens", w, h, plan, 145*n+147)
				}
			}
		}
	}
}

// tileCase is a case of testdata/resize.json.
type tileCase struct {
	MostTiles, Tile, Width, Height int
	Pix, Want                      []byte // [Height, Width, 3]; [tiles, Tile, Tile, 3]
}

type resizeCase struct {
	Width, Height, ToWidth, ToHeight int
	Pix, Want                        []byte
}

func cases(t *testing.T) (c struct {
	Resize []resizeCase
	Tiles  []tileCase
}) {
	t.Helper()
	data, err := os.ReadFile("testdata/resize.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestLlama4Tiles holds every sample of every tile against Pillow's.
func TestLlama4Tiles(t *testing.T) {
	for _, tt := range cases(t).Tiles {
		c := scoutTower
		c.TileSize, c.PatchSize = tt.Tile, tt.Tile/2
		c.Mean, c.Std = [3]float32{0.5, 0.25, 0.125}, [3]float32{0.5, 0.25, 0.75}
		p := processor(t, c, tt.MostTiles)
		pic := &picture.Picture{Width: tt.Width, Height: tt.Height, Pix: tt.Pix}
		got := collect(t, p, pic, p.Plan(tt.Width, tt.Height))
		size := 3 * tt.Tile * tt.Tile
		if len(got)*size != len(tt.Want) {
			t.Errorf("%d x %d: %d tiles, want %d", tt.Width, tt.Height, len(got), len(tt.Want)/size)
			continue
		}
		for n, tile := range got {
			for i, v := range tt.Want[n*size : (n+1)*size] {
				channel, pixel := i%3, i/3
				want := (float32(v)/255 - c.Mean[channel]) / c.Std[channel]
				if got := tile[channel*tt.Tile*tt.Tile+pixel]; got != want {
					t.Fatalf("%d x %d: tile %d, channel %d, pixel (%d,%d) is %v, want %v", tt.Width, tt.Height, n, channel, pixel%tt.Tile, pixel/tt.Tile, got, want)
				}
			}
		}
	}
}

func collect(t *testing.T, p Processor, pic *picture.Picture, plan Plan) (tiles [][]float32) {
	t.Helper()
	seq, err := p.Tiles(pic, plan)
	if err != nil {
		t.Fatal(err)
	}
	for tile := range seq {
		tiles = append(tiles, slices.Clone(tile))
	}
	if len(tiles) != plan.Tiles {
		t.Errorf("%d tiles, planned %d", len(tiles), plan.Tiles)
	}
	return tiles
}

// TestLlama4TilesShareMemory reads tiles one at a time, and stops in between.
func TestLlama4TilesShareMemory(t *testing.T) {
	p := processor(t, scoutTower, 0)
	pic := &picture.Picture{Width: 400, Height: 400, Pix: make([]byte, 3*400*400)}
	seq, err := p.Tiles(pic, p.Plan(400, 400))
	if err != nil {
		t.Fatal(err)
	}
	var first []float32
	n := 0
	for tile := range seq {
		if first == nil {
			first = tile
		}
		if n++; &tile[0] != &first[0] || len(tile) != 3*336*336 {
			t.Errorf("tile %d has memory of its own, or %d numbers", n, len(tile))
		}
		if n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d tiles before the break, want 3", n)
	}
}

func TestLlama4TilesRefuses(t *testing.T) {
	p := processor(t, scoutTower, 0)
	few := processor(t, scoutTower, 4)
	pic := &picture.Picture{Width: 1000, Height: 500, Pix: make([]byte, 3*1000*500)}
	tests := []struct {
		pic  *picture.Picture
		plan Plan
		want string
	}{
		{pic, p.Plan(500, 1000), "the plan is for 3 x 2 tiles of a picture of 500 x 1000 pixels, want 2 x 3 of 1000 x 500"},
		{pic, few.Plan(1000, 500), "want 2 x 3 of 1000 x 500"},
		{pic, Plan{}, "the plan is for 0 x 0 tiles"},
		{&picture.Picture{Width: 2, Height: 2, Pix: make([]byte, 11)}, p.Plan(2, 2), "picture of 2 x 2 pixels has 11 bytes, want 12"},
		{&picture.Picture{}, p.Plan(0, 0), "picture of 0 x 0 pixels has 0 bytes"},
	}
	for _, tt := range tests {
		if _, err := p.Tiles(tt.pic, tt.plan); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error is %v, want %q", err, tt.want)
		}
	}
}

func TestNewProcessorRefuses(t *testing.T) {
	for _, tt := range []struct {
		projector string
		most      int
		want      string
	}{
		{"llama4", 17, "vision: most tiles is 17, want 1 to 16"},
		{"llama4", -1, "vision: most tiles is -1, want 1 to 16"},
		{"pixtral", 0, `vision: how to cut pictures for a tower of type "pixtral" is not known, want llama4`},
	} {
		c := scoutTower
		c.Projector = tt.projector
		if _, err := NewProcessor(c, tt.most); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("error is %v, want %q", err, tt.want)
		}
	}
	if p := processor(t, scoutTower, 0); p.MostTiles() != 16 || p.Family() != "llama4" {
		t.Errorf("the default is %d tiles of family %q, want 16 of llama4", p.MostTiles(), p.Family())
	}
}

// TestTinyScoutPixels holds a picture of the demo model against the pixels of its
// record.
func TestTinyScoutPixels(t *testing.T) {
	dir := os.Getenv("SCOUT_TINY_SCOUT")
	if dir == "" {
		if os.Getenv("SCOUT_CI") != "" {
			t.Fatal("SCOUT_CI promises the Tiny Scout release, and SCOUT_TINY_SCOUT names no folder")
		}
		t.Skip("SCOUT_TINY_SCOUT names no folder with the Tiny Scout release")
	}
	data, err := os.ReadFile(filepath.Join(dir, "images", "06-red-circle-blue-square.png"))
	if err != nil {
		t.Fatal(err)
	}
	pic, err := picture.Decode(data, picture.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	c := scoutTower
	c.TileSize = 112
	p := processor(t, c, 0)
	tiles := collect(t, p, pic, p.Plan(pic.Width, pic.Height))
	want := readArray(t, filepath.Join(dir, "ref_vision_pixels.npy"))
	if len(tiles) != 1 || !slices.Equal(tiles[0], want) {
		t.Errorf("%d tiles, other pixels than the record's", len(tiles))
	}
	for _, tt := range []struct {
		name string
		want Plan
	}{
		{"08-three-shapes.png", Plan{112, 112, 112, 112, 1, 1, 1, 19, false}},
		{"09-tiled-224-blue-circle.png", Plan{224, 224, 224, 224, 2, 2, 5, 16*5 + 2*1 + 2 + 3, false}},
		{"10-small-64-red-square.png", Plan{64, 64, 112, 112, 1, 1, 1, 19, false}},
	} {
		data, err := os.ReadFile(filepath.Join(dir, "images", tt.name))
		if err != nil {
			t.Fatal(err)
		}
		info, err := picture.Measure(data)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Plan(info.Width, info.Height); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// readArray reads the numbers of a NumPy file of float32.
func readArray(t *testing.T, path string) []float32 {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, body, ok := strings.Cut(string(data), "\n")
	if !ok || !strings.Contains(head, "'<f4'") || !strings.Contains(head, "'fortran_order': False") {
		t.Fatalf("%s is not an array of float32 in row-major order", path)
	}
	out := make([]float32, len(body)/4)
	for i := range out {
		out[i] = math.Float32frombits(uint32(body[4*i]) | uint32(body[4*i+1])<<8 | uint32(body[4*i+2])<<16 | uint32(body[4*i+3])<<24)
	}
	return out
}

// FuzzLlama4Picture takes the bytes of a file all the way to tiles.
func FuzzLlama4Picture(f *testing.F) {
	names, err := filepath.Glob("../picture/testdata/*.png")
	if err != nil || len(names) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, byte(16))
	}
	f.Add([]byte("GIF89a\x01\x00\xff\xff\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"), byte(9))
	c := scoutTower
	c.TileSize = 56
	f.Fuzz(func(t *testing.T, data []byte, most byte) {
		pic, err := picture.Decode(data, picture.Limits{Pixels: 1 << 18, Memory: 16 << 20})
		if err != nil {
			return
		}
		p := processor(t, c, int(most%16)+1)
		plan := p.Plan(pic.Width, pic.Height)
		var seq iter.Seq[[]float32]
		if seq, err = p.Tiles(pic, plan); err != nil {
			t.Fatal(err)
		}
		n := 0
		for tile := range seq {
			n++
			for i, v := range tile {
				if !(v >= -1 && v <= 1) {
					t.Fatalf("number %d of tile %d is %v, want -1 to 1", i, n, v)
				}
			}
		}
		if n != plan.Tiles {
			t.Errorf("%d tiles, planned %+v", n, plan)
		}
	})
}
