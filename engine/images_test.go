package engine

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"scout/engine/internal/synth"
)

// demoFiles are the demo model and its tower.
func demoFiles(t testing.TB) (model, tower []byte) {
	t.Helper()
	tower, err := os.ReadFile("../testdata/models/mmproj-tiny-scout.gguf")
	if err != nil {
		t.Fatal(err)
	}
	return tinyScout(t, "Q8_0"), tower
}

// seeing is the demo model with its tower.
func seeing(t testing.TB, o Options) *Model {
	t.Helper()
	model, tower := demoFiles(t)
	if o.TowerData == nil && o.Tower == "" {
		o.Tower, o.TowerData = "mmproj.gguf", tower
	}
	return openModel(t, model, o)
}

// pictureFile is a picture of the record.
func pictureFile(t testing.TB, name string) *Image {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../testdata/tiny-scout/images", name))
	if err != nil {
		t.Fatal(err)
	}
	return &Image{Name: name, Data: data}
}

// drawn is a PNG of this size, unlike that of any other seed.
func drawn(t testing.TB, name string, width, height, seed int) *Image {
	t.Helper()
	pic := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			pic.Set(x, y, color.RGBA{uint8(x * 255 / width), uint8(y * 255 / height), uint8(40 * seed), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, pic); err != nil {
		t.Fatal(err)
	}
	return &Image{Name: name, Data: b.Bytes()}
}

// asking is a conversation of one turn: pictures, then text.
func asking(text string, images ...*Image) []Message {
	var parts []Part
	for _, i := range images {
		parts = append(parts, Part{Image: i})
	}
	return []Message{{Role: User, Parts: append(parts, Part{Text: text})}}
}

// said is everything that a greedy answer to a conversation brought.
type said struct {
	text   string
	ids    []int32
	stats  Stats
	seen   []ImagePlan
	deltas []Delta
}

func answerAll(t testing.TB, s *Sequence, conv []Message) said {
	t.Helper()
	var out said
	for d, err := range s.Generate(context.Background(), conv, Sampling{MaxTokens: 60}) {
		if err != nil {
			t.Fatal(err)
		}
		out.text += d.Text
		for _, token := range d.Tokens {
			out.ids = append(out.ids, token.ID)
		}
		out.stats, out.seen, out.deltas = d.Stats, append(out.seen, d.Seen...), append(out.deltas, d)
	}
	return out
}

// TestRecordedPictures holds questions about pictures to the record: the ids around
// the embeddings, and the answers token for token. 09 and 10 were resized by another
// program there, and answered alike all the same.
func TestRecordedPictures(t *testing.T) {
	r := readRecord(t)
	for _, quantization := range []string{"Q8_0", "F32"} {
		t.Run(quantization, func(t *testing.T) {
			data, tower := tinyScout(t, quantization), "../testdata/models/mmproj-tiny-scout.gguf"
			if quantization == "F32" {
				tower = filepath.Join(os.Getenv("SCOUT_TINY_SCOUT"), "mmproj-tiny-scout-F32.gguf")
			}
			m := openModel(t, data, Options{Tower: tower})
			s := newSequence(t, m)
			for _, c := range r.Pictures {
				conv := asking(c.Question, pictureFile(t, filepath.Base(c.Image)))
				ids, err := m.Encode(conv)
				if err != nil {
					t.Fatal(err)
				}
				patch, _ := m.tok.ID("<|patch|>")
				for i, id := range ids {
					if id < 0 {
						ids[i] = patch
					}
				}
				if !slices.Equal(ids, c.PromptIDs) {
					t.Errorf("%s, %q: prompt is\n     %v\nwant %v", c.Image, c.Question, ids, c.PromptIDs)
				}
				if got := answerAll(t, s, conv); !slices.Equal(got.ids, c.PyTorch.IDs) || got.text != c.PyTorch.Text {
					t.Errorf("%s, %q: answer is %q, want %q", c.Image, c.Question, got.text, c.PyTorch.Text)
				}
			}
		})
	}
}

// TestPicturesInOrder tells two pictures of a turn apart by their places.
func TestPicturesInOrder(t *testing.T) {
	m := seeing(t, Options{})
	circle, square := pictureFile(t, "01-red-circle.png"), pictureFile(t, "02-blue-square-small.png")
	encode := func(parts ...Part) []int32 {
		t.Helper()
		ids, err := m.Encode([]Message{{Role: User, Parts: parts}})
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	a, b := Part{Image: circle}, Part{Image: square}
	ab, ba := encode(a, Part{Text: "and"}, b), encode(b, Part{Text: "and"}, a)
	if len(ab) != len(ba) || slices.Equal(ab, ba) {
		t.Fatalf("swapped pictures give ids\n%v\n%v", ab, ba)
	}
	// The ids of each picture are its own, wherever it stands and whenever.
	const first, n = 8, 16 // <|begin_of_text|> ... <|image_start|><|image|>, patches
	second := slices.IndexFunc(ab[first+n:], func(id int32) bool { return id < 0 }) + first + n
	if !slices.Equal(ab[first:first+n], ba[second:second+n]) || !slices.Equal(ab[second:second+n], ba[first:first+n]) {
		t.Errorf("the ids of embeddings did not change places:\n%v\n%v", ab, ba)
	}
	if !slices.Equal(encode(a, Part{Text: "and"}, b), ab) {
		t.Error("the same conversation has other ids the second time")
	}
	all := append(slices.Clone(ab[first:first+n]), ab[second:second+n]...)
	slices.Sort(all)
	if len(slices.Compact(all)) != 2*n || all[2*n-1] >= 0 {
		t.Errorf("ids of embeddings are %v, want %d different ones below zero", all, 2*n)
	}
}

// TestTypedPlaceholder keeps text that looks like a picture text.
func TestTypedPlaceholder(t *testing.T) {
	m := seeing(t, Options{})
	typed := "a <|image|> b <|image_start|><|patch|>"
	ids, err := m.Encode(asking(typed, pictureFile(t, "01-red-circle.png")))
	if err != nil {
		t.Fatal(err)
	}
	count := func(text string) (n int) {
		id, ok := m.tok.ID(text)
		if !ok {
			t.Fatalf("there is no %s", text)
		}
		for _, got := range ids {
			if got == id {
				n++
			}
		}
		return n
	}
	if count("<|image|>") != 1 || count("<|image_start|>") != 1 || count("<|patch|>") != 0 {
		t.Errorf("ids are %v, want the markers of one picture", ids)
	}
	alone, err := m.Encode([]Message{{Role: User, Content: typed}})
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(alone, func(id int32) bool { return id < 0 }) {
		t.Errorf("text alone has embeddings: %v", alone)
	}
}

// TestPictureSplits cuts a prompt with pictures everywhere: the logits are the same.
func TestPictureSplits(t *testing.T) {
	m := seeing(t, Options{})
	conv := asking("What is this?", pictureFile(t, "09-tiled-224-blue-circle.png"), pictureFile(t, "01-red-circle.png"))
	p, err := m.encode(conv)
	if err != nil {
		t.Fatal(err)
	}
	var embeds []float32
	for _, placed := range p.pictures {
		e, _, err := m.eyes.look(context.Background(), placed, func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		embeds = append(embeds, e...)
	}
	s := newSequence(t, m)
	run := func(parts ...int) []float32 {
		t.Helper()
		s.Truncate(0)
		at, taken, width := 0, 0, m.info.Width
		for _, n := range append(parts, len(p.ids)) {
			n = min(n, len(p.ids)-at)
			own := 0
			for _, id := range p.ids[at : at+n] {
				if id < 0 {
					own++
				}
			}
			if err := s.extend(context.Background(), p.ids[at:at+n], embeds[taken*width:(taken+own)*width], LastLogits, nil); err != nil {
				t.Fatal(err)
			}
			at, taken = at+n, taken+own
		}
		if taken*width != len(embeds) {
			t.Fatalf("%d embeddings used of %d", taken, len(embeds)/width)
		}
		return slices.Clone(s.logits)
	}
	want := run()
	for at := 1; at < len(p.ids); at += 7 {
		sameBits(t, "two batches", run(at), want)
	}
	sameBits(t, "one by one", run(slices.Repeat([]int{1}, len(p.ids))...), want)
	s.Truncate(0)
	var last []float32 // all logits: several batches in one call
	if err := s.extend(context.Background(), p.ids, embeds, AllLogits, func(_ int, logits []float32) error {
		last = append(last[:0], logits...)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	sameBits(t, "with all logits", last, want)
	answered := answerAll(t, s, conv) // and as an answer does it
	if s.Truncate(0); answered.stats.Reused != len(p.ids)-1 {
		t.Errorf("reused %d of %d", answered.stats.Reused, len(p.ids))
	}
	text := answerAll(t, newSequence(t, m), conv)
	if text.text != answered.text {
		t.Errorf("a fresh sequence says %q, one with parts of it %q", text.text, answered.text)
	}
}

// TestPictureReuse asks twice about a picture: the tower works once, and a second
// session, with the folder of the first, needs it not at all.
func TestPictureReuse(t *testing.T) {
	o := Options{Embeds: EmbedCache{Dir: t.TempDir()}}
	m := seeing(t, o)
	s := newSequence(t, m)
	conv := asking("What is in this picture?", pictureFile(t, "09-tiled-224-blue-circle.png"))
	first := answerAll(t, s, conv)
	if st := first.stats; st.Tiles != 5 || st.TilesDone != 5 || st.Vision <= 0 || len(first.seen) != 1 {
		t.Errorf("at first: %+v, %d pictures seen", st, len(first.seen))
	}
	var steps []int
	for _, d := range first.deltas {
		if d.Stats.PromptDone == 0 {
			steps = append(steps, d.Stats.TilesDone)
		}
	}
	if !slices.Equal(steps, []int{0, 1, 2, 3, 4, 5}) {
		t.Errorf("progress is %v, want tile by tile", steps)
	}
	conv = append(conv, Message{Role: Assistant, Content: first.text}, Message{Role: User, Content: "What color is the circle?"})
	again := answerAll(t, s, conv)
	if again.stats.Reused < first.stats.PromptTokens || again.stats.Tiles != 0 || len(again.seen) != 0 {
		t.Errorf("a second question: %+v, %d seen, want at least %d reused and no tile", again.stats, len(again.seen), first.stats.PromptTokens)
	}

	other := seeing(t, o)
	other.eyes.tower.Close() // it cannot work
	second := answerAll(t, newSequence(t, other), conv[:1])
	if second.text != first.text || second.stats.Tiles != 5 || second.stats.TilesDone != 5 {
		t.Errorf("another session says %q (%+v), want %q from the cache", second.text, second.stats, first.text)
	}

	fresh := seeing(t, Options{})
	fresh.eyes.tower.Close()
	var last error
	for _, last = range newSequence(t, fresh).Generate(context.Background(), conv[:1], Sampling{MaxTokens: 1}) {
	}
	if !errors.Is(last, ErrClosed) {
		t.Errorf("without a cache and a tower the error is %v, want ErrClosed", last)
	}
}

// TestOtherPicture replaces the picture of an earlier turn: what comes after it is
// computed anew.
func TestOtherPicture(t *testing.T) {
	m := seeing(t, Options{})
	s := newSequence(t, m)
	for _, c := range []struct{ file, want string }{
		{"01-red-circle.png", "The picture shows a large red circle on a white background."},
		{"04-yellow-star-black.png", "The picture shows a large yellow star on a black background."},
		{"01-red-circle.png", "The picture shows a large red circle on a white background."},
	} {
		got := answerAll(t, s, asking("What is in this picture?", pictureFile(t, c.file)))
		if got.text != c.want {
			t.Errorf("%s: %q", c.file, got.text)
		}
		if got.stats.Reused > 8 {
			t.Errorf("%s: %d tokens reused, beyond the beginning of the picture", c.file, got.stats.Reused)
		}
	}
}

// scoutTiles is a model of the demo's text side, and a tower whose tiles are of
// Llama 4's size: 144 tokens each.
func scoutTiles(t testing.TB, o Options) *Model {
	model, _ := demoFiles(t)
	o.Tower, o.TowerData = "tower.gguf", synth.TowerBytes(synth.Tower{TileSize: 336, PatchSize: 14, Hidden: 8, Heads: 1, FF: 8, Layers: 1, Adapter: 8, Width: 256})
	return openModel(t, model, o)
}

// TestTenPictures gives ten pictures of 1024 x 1024 to a context of 16384: they do
// not fit, and the error has the arithmetic; with the limit that it names they do.
func TestTenPictures(t *testing.T) {
	pictures := make([]*Image, 10)
	for i := range pictures {
		pictures[i] = drawn(t, string(rune('a'+i))+".png", 1024, 1024, i%6+1)
	}
	m := scoutTiles(t, Options{Context: 16384})
	var full *ContextError
	for _, err := range newSequence(t, m).Generate(context.Background(), asking("Compare.", pictures...), Sampling{MaxTokens: 1}) {
		if !errors.As(err, &full) {
			t.Fatalf("error is %v, want a ContextError", err)
		}
	}
	ids, err := m.Encode(asking("Compare.", pictures...))
	if err != nil {
		t.Fatal(err)
	}
	if full.Need != len(ids)+1 || full.Have != 16384 || full.ImageTokens() != 24670 || full.FitImages != 6 || full.FitTiles != 15 || full.MostContext != 512 {
		t.Errorf("the error is %+v with %d tokens of pictures", full, full.ImageTokens())
	}
	if s := full.Error(); !strings.Contains(s, "24670 of them are for a.png (2467), b.png (2467)") {
		t.Errorf("the error is %q", s)
	}
	for _, c := range []struct {
		tiles, pictures int
		fits            bool
	}{{0, 6, true}, {0, 7, false}, {15, 10, true}, {9, 10, true}, {15, 11, true}, {15, 12, false}} {
		limited := m
		if c.tiles > 0 {
			limited = scoutTiles(t, Options{Context: 16384, MostTiles: c.tiles})
		}
		list := append(slices.Clone(pictures), pictures...)[:c.pictures]
		p, err := limited.encode(asking("Compare.", list...))
		if err != nil {
			t.Fatal(err)
		}
		if fits := len(p.ids)+1 <= 16384; fits != c.fits {
			t.Errorf("%d pictures of up to %d tiles take %d tokens", c.pictures, limited.eyes.processor.MostTiles(), len(p.ids))
		}
	}
}

// TestFits holds what an error offers to the edge of what fits.
func TestFits(t *testing.T) {
	pictures := []*Image{drawn(t, "a.png", 336, 1008, 1), drawn(t, "b.png", 336, 336, 2)} // 3 tiles and one, 1
	conv := asking("Compare.", pictures...)
	need := func(most int) int {
		p, err := scoutTiles(t, Options{Context: 4096, MostTiles: most}).encode(conv)
		if err != nil {
			t.Fatal(err)
		}
		return len(p.ids) + 1
	}
	three, two, one := need(3), need(2), need(1)
	if three <= two || two <= one {
		t.Fatalf("3, 2, 1 tiles need %d, %d, %d", three, two, one)
	}
	text := three - 582 - 147
	for _, c := range []struct{ context, tiles, images int }{
		{three - 1, 2, 1}, {two, 2, 1}, {two - 1, 1, 1}, {one, 1, 0}, {one - 1, 0, 0}, {text + 582, 1, 1}, {text + 581, 1, 0},
	} {
		var full *ContextError
		for _, err := range newSequence(t, scoutTiles(t, Options{Context: c.context})).Generate(context.Background(), conv, Sampling{MaxTokens: 1}) {
			errors.As(err, &full)
		}
		if full == nil || full.FitTiles != c.tiles || full.FitImages != c.images || full.Need != three {
			t.Errorf("context %d: %+v, want %d tiles or %d pictures", c.context, full, c.tiles, c.images)
		}
	}
}

// TestOtherTower keeps what one tower made of a picture from the model of another,
// though they share a folder.
func TestOtherTower(t *testing.T) {
	model, _ := demoFiles(t)
	dir := t.TempDir()
	var embeds [2][]float32
	for i := range embeds {
		m := openModel(t, model, Options{
			Tower: "tower.gguf", TowerData: synth.TowerBytes(synth.Tower{Seed: uint64(i + 1)}), Embeds: EmbedCache{Dir: dir},
		})
		p := mustPlace(t, m, asking("What?", pictureFile(t, "01-red-circle.png")))
		var err error
		if embeds[i], _, err = m.eyes.look(context.Background(), p, func(int) {}); err != nil {
			t.Fatal(err)
		}
	}
	if slices.Equal(embeds[0], embeds[1]) {
		t.Error("two towers made the same of a picture")
	}
}

// TestTenPicturesAnswered runs ten pictures in one turn, in order.
func TestTenPicturesAnswered(t *testing.T) {
	m := seeing(t, Options{Context: 16384})
	var pictures []*Image
	for i := range 10 {
		pictures = append(pictures, drawn(t, string(rune('a'+i))+".png", 100+i, 224, i%6+1))
	}
	got := answerAll(t, newSequence(t, m), asking("Compare.", pictures...))
	if len(got.seen) != 10 || got.stats.TilesDone != got.stats.Tiles || got.stats.Tiles != 30 {
		t.Fatalf("%d pictures seen, %+v", len(got.seen), got.stats)
	}
	for i, seen := range got.seen {
		if seen.Name != pictures[i].Name || seen.SourceWidth != 100+i {
			t.Errorf("picture %d is %s of %d pixels", i, seen.Name, seen.SourceWidth)
		}
	}
}

// TestPrice prices pictures without a tower's work.
func TestPrice(t *testing.T) {
	m := scoutTiles(t, Options{})
	m.eyes.tower.Close()
	for _, c := range []struct{ width, height, tokens, tiles int }{
		{336, 336, 147, 1}, {1024, 1024, 2467, 17}, {1920, 1080, 2322, 16}, {4096, 1024, 2467, 17}, {100, 3000, 1452, 10}, {1, 1, 147, 1},
	} {
		got, err := m.Price(drawn(t, "x", c.width, c.height, 1).Data)
		if err != nil {
			t.Fatal(err)
		}
		if got.Tokens != c.tokens || got.Tiles != c.tiles || got.Format != "PNG" {
			t.Errorf("%d x %d: %+v, want %d tokens in %d tiles", c.width, c.height, got, c.tokens, c.tiles)
		}
	}
}

// TestImageErrors names the picture, whatever is wrong with it, before anything runs
// where that can be.
func TestImageErrors(t *testing.T) {
	m := seeing(t, Options{})
	good := pictureFile(t, "01-red-circle.png").Data
	for _, c := range []struct {
		name string
		data []byte
		want string
		late bool // found when the pixels are decoded
	}{
		{"empty.png", nil, "empty", false},
		{"drawing.svg", []byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), "SVG", false},
		{"page.pdf", []byte("%PDF-1.7\n"), "PDF", false},
		{"noise", []byte("\x00\x01\x02\x03"), "no picture", false},
		{"bomb.png", bytes.Replace(good, good[16:24], []byte{0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60}, 1), "PNG", false},
		{"cut.png", good[:len(good)/2], "PNG", true},
	} {
		conv := asking("What?", &Image{Name: c.name, Data: c.data})
		if _, err := m.Encode(conv); (err == nil) != c.late {
			t.Errorf("%s: encoding it: %v", c.name, err)
		}
		s := newSequence(t, m)
		var got *ImageError
		for _, err := range s.Generate(context.Background(), conv, Sampling{MaxTokens: 1}) {
			if err != nil && !errors.As(err, &got) {
				t.Errorf("%s: error is %v", c.name, err)
			}
		}
		if got == nil || !strings.Contains(got.Error(), c.name) || !strings.Contains(got.Error(), c.want) || strings.Contains(got.Error(), "\n") {
			t.Errorf("%s: error is %v, want one line about %s", c.name, got, c.want)
		}
	}
}

// TestNoTower says what is missing.
func TestNoTower(t *testing.T) {
	m := openModel(t, tinyScout(t, "Q8_0"), Options{})
	if _, err := m.Encode(asking("What?", pictureFile(t, "01-red-circle.png"))); !errors.Is(err, ErrNoTower) {
		t.Errorf("error is %v, want ErrNoTower", err)
	}
	if _, err := m.Price(nil); !errors.Is(err, ErrNoTower) {
		t.Errorf("the price: error is %v, want ErrNoTower", err)
	}
}

// TestForeignTower refuses towers that are none or belong to another model.
func TestForeignTower(t *testing.T) {
	model, _ := demoFiles(t)
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"another width", Options{Tower: "wide.gguf", TowerData: synth.TowerBytes(synth.Tower{Width: 300})}, "width 300, the model in test.gguf takes 256"},
		{"no tower", Options{Tower: "text.gguf", TowerData: model}, "no vision tower inside"},
		{"no file", Options{Tower: "nowhere.gguf"}, "nowhere.gguf"},
		{"too many tiles", Options{Tower: "t.gguf", TowerData: synth.TowerBytes(synth.Tower{}), MostTiles: 17}, "17"},
	} {
		m, err := OpenEmbedded(context.Background(), "test.gguf", model, c.o)
		var tower *TowerError
		if !errors.As(err, &tower) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want a TowerError with %q", c.name, err, c.want)
		}
		if err == nil {
			m.Close()
		}
	}
	plain := newForwardModel(forwardShape{arch: "llama4", layers: 1, width: 24, heads: 2, kvHeads: 1, dim: 10, expertFF: 7, denseFF: 5, vocabulary: 261, moeEvery: 1}, 1).bytes(t)
	if _, err := OpenEmbedded(context.Background(), "test.gguf", plain, Options{Tower: "t.gguf", TowerData: synth.TowerBytes(synth.Tower{Width: 24})}); err == nil || !strings.Contains(err.Error(), "<|image_start|>") {
		t.Errorf("a vocabulary without markers: error is %v", err)
	}
}

// TestStopWhileSeeing ends the work of the tower between tiles, by the caller's
// context and by a caller that leaves. The next look goes on behind the tiles that
// are done, and sees the same as one that was never stopped.
func TestStopWhileSeeing(t *testing.T) {
	m := seeing(t, Options{})
	conv := asking("What?", drawn(t, "large.png", 448, 448, 1)) // 16 tiles and one
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var last error
	done := 0
	for d, err := range newSequence(t, m).Generate(ctx, conv, Sampling{MaxTokens: 1}) {
		if done = d.Stats.TilesDone; done == 3 {
			cancel()
		}
		last = err
	}
	if !errors.Is(last, context.Canceled) || done != 3 {
		t.Errorf("after %d tiles the error is %v, want 3 and the context's", done, last)
	}
	looks := func(leave int) (progress []int) {
		t.Helper()
		for d, err := range newSequence(t, m).Generate(context.Background(), conv, Sampling{MaxTokens: 1}) {
			if err != nil {
				t.Fatal(err)
			}
			if n := len(progress); n == 0 || progress[n-1] != d.Stats.TilesDone {
				progress = append(progress, d.Stats.TilesDone)
			}
			if d.Stats.TilesDone == leave {
				break
			}
		}
		return progress
	}
	if got, want := looks(5), []int{3, 4, 5}; !slices.Equal(got, want) {
		t.Errorf("the second look says that tiles %v are done, want %v", got, want)
	}
	place := mustPlace(t, m, conv)
	if _, ok := m.eyes.cache.Get(place.key); ok {
		t.Error("a picture that was left is in the cache")
	}
	if got, want := looks(-1), []int{5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}; !slices.Equal(got, want) {
		t.Errorf("the third look says that tiles %v are done, want %v", got, want)
	}
	fresh := seeing(t, Options{})
	answerAll(t, newSequence(t, fresh), conv)
	got, _ := m.eyes.cache.Get(place.key)
	if want, _ := fresh.eyes.cache.Get(mustPlace(t, fresh, conv).key); len(want) == 0 || !slices.Equal(got, want) {
		t.Error("the embeddings of a picture that was looked at in three goes are not those of one look")
	}
}

// TestUnfinishedOfNoUse gives looks that begin with something that is no part of
// this picture: they begin anew.
func TestUnfinishedOfNoUse(t *testing.T) {
	m := seeing(t, Options{})
	conv := asking("What?", drawn(t, "large.png", 448, 448, 1))
	place := mustPlace(t, m, conv)
	want := place.patches * m.eyes.tower.Width()
	for _, n := range []int{1, want, want + m.eyes.tower.TokensPerTile()*m.eyes.tower.Width()} {
		m.eyes.cache.Put(unfinished(place.key), make([]float32, n))
		if got := m.eyes.begun(place, want); got != nil {
			t.Errorf("%d numbers of %d are taken for the beginning", n, want)
		}
	}
}

func mustPlace(t *testing.T, m *Model, conv []Message) *placed {
	t.Helper()
	p, err := m.encode(conv)
	if err != nil {
		t.Fatal(err)
	}
	return p.pictures[0]
}
