package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"scout/engine"
)

// pngBytes is a small picture.
func pngBytes(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 3, 2))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// inFolder changes to a new folder with these files.
func inFolder(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, content := range files {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// wide is what a model makes of a panorama.
func wide() engine.ImagePlan {
	return engine.ImagePlan{Name: "wide.jpg", Format: "JPEG", Notes: []string{"turned upright", "colour profile ignored"}, Plan: engine.Plan{
		SourceWidth: 4096, SourceHeight: 1024, Width: 2688, Height: 672, Rows: 2, Cols: 8, Tiles: 17, Tokens: 2467, Downsampled: true}}
}

// whole is what it makes of a small picture.
func whole() engine.ImagePlan {
	return engine.ImagePlan{Name: "a.png", Format: "PNG", Plan: engine.Plan{
		SourceWidth: 336, SourceHeight: 336, Width: 336, Height: 336, Rows: 1, Cols: 1, Tiles: 1, Tokens: 147}}
}

const wideLine = "wide.jpg: 4096 x 1024 seen as 2688 x 672 in 16+1 tiles, 2467 tokens; turned upright, colour profile ignored"

// TestRunPictures expects pictures in the message in the order in which they were
// given, before the prompt.
func TestRunPictures(t *testing.T) {
	pic := string(pngBytes(t))
	for _, test := range []struct {
		name  string
		args  []string
		stdin string
		want  string // the message: names of pictures in brackets, text
	}{
		{"a file", []string{"What?", "-i", "b.png"}, "", "[b.png]What?"},
		{"several, in order", []string{"What?", "-i", "b.png", "--image", "a"}, "", "[b.png][a]What?"},
		{"on standard input", []string{"What?"}, pic, "[standard input]What?"},
		{"on standard input, after the files", []string{"What?", "-i", "a"}, pic, "[a][standard input]What?"},
		{"on standard input, in its place", []string{"What?", "-i", "-", "-i", "a"}, pic, "[standard input][a]What?"},
		{"with text on standard input", []string{"What?", "-i", "a"}, "More.\n", "[a]What?\n\nMore."},
	} {
		t.Run(test.name, func(t *testing.T) {
			inFolder(t, map[string]string{"a": pic, "b.png": pic})
			a := newTestApp(t, newFakeModel("ok"))
			a.In = strings.NewReader(test.stdin)
			if code := a.run(append([]string{"run", "m"}, test.args...)...); code != ExitDone || a.err.Len() > 0 {
				t.Fatalf("code %d: %s", code, a.err.String())
			}
			if got := spelled(a.model.seq.conversations[0][0]); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// spelled is a message as text, with the names of its pictures in brackets.
func spelled(m engine.Message) string {
	text := m.Content
	for _, p := range m.Parts {
		if p.Image != nil {
			text += "[" + p.Image.Name + "]"
		}
		text += p.Text
	}
	return text
}

// TestBadPictures expects one line that names the file, before a model is opened.
func TestBadPictures(t *testing.T) {
	pic := string(pngBytes(t))
	for _, test := range []struct {
		args  []string
		stdin string
		code  int
		want  string
	}{
		{[]string{"What?", "-i", "nowhere.png"}, "", ExitError, "nowhere.png: no such file"},
		{[]string{"What?", "-i", "."}, "", ExitError, ". is a folder"},
		{[]string{"What?", "-i", "empty.png"}, "", ExitError, "empty.png: picture: the file is empty"},
		{[]string{"What?", "-i", "drawing.png"}, "", ExitError, "drawing.png: picture: this is an SVG drawing"},
		{[]string{"What?", "-i", "head.png"}, "", ExitError, "head.png: picture: broken PNG"},
		{[]string{"What?", "-i", "\x1b[2J"}, "", ExitError, `\x1b[2J`},
		{[]string{"What?"}, "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", ExitError, "standard input: picture: this is a HEIC picture"},
		{[]string{"What?", "-i", "-"}, "text", ExitError, "standard input: picture: this is text"},
		{[]string{}, pic, ExitUsage, "no prompt: standard input is a picture"},
		{[]string{"-i", "good.png"}, "", ExitUsage, "no prompt"},
		{[]string{"-", "-i", "-"}, pic, ExitUsage, "cannot be both"},
		{[]string{"What?", "-i", "-", "-i", "-"}, pic, ExitUsage, "twice"},
		{[]string{"What?", "-i", ""}, "", ExitUsage, "-i is empty"},
		{[]string{"What?", "--max-tiles", "0"}, "", ExitUsage, "--max-tiles is 0"},
		{[]string{"What?", "--max-tiles=-1"}, "", ExitUsage, "--max-tiles is -1"},
	} {
		inFolder(t, map[string]string{"empty.png": "", "drawing.png": "<svg xmlns='http://www.w3.org/2000/svg'/>", "head.png": pic[:20], "good.png": pic})
		a := newTestApp(t, newFakeModel("ok"))
		a.In = strings.NewReader(test.stdin)
		code := a.run(append([]string{"run", "m"}, test.args...)...)
		if got := a.err.String(); code != test.code || !strings.Contains(got, test.want) || strings.Count(got, "\n") != 1 || a.out.Len() > 0 {
			t.Errorf("%q: code %d, %q, want %d and one line with %q", test.args, code, got, test.code, test.want)
		}
		if a.model.closed > 0 {
			t.Errorf("%q: the model was opened", test.args)
		}
	}
}

// TestWhichTower expects the tower that was asked for, or else the only one beside a
// model that has none.
func TestWhichTower(t *testing.T) {
	const found = "scout: seeing with dir/mmproj.gguf, found beside the model\n"
	for _, test := range []struct {
		name, model string
		flags       []string
		beside      []string
		inside      bool
		tower, err  string
	}{
		{"none", "m", nil, nil, false, "", ""},
		{"by flag", "m", []string{"--mmproj", "t.gguf"}, []string{"dir/mmproj.gguf"}, false, "t.gguf", ""},
		{"the only one", "m", nil, []string{"dir/mmproj.gguf"}, false, "dir/mmproj.gguf", found},
		{"one inside", "m", nil, []string{"dir/mmproj.gguf"}, true, "", ""},
		{"several", "m", nil, []string{"mmproj-a.gguf", "mmproj-b.gguf"}, false, "",
			"scout: which of these to see with? choose by --mmproj: mmproj-a.gguf, mmproj-b.gguf\n"},
		{"the demo's", demoName, nil, []string{"dir/mmproj.gguf"}, false, demoName, ""},
	} {
		inFolder(t, map[string]string{"a.png": string(pngBytes(t))})
		a := newTestApp(t, newFakeModel("ok"))
		a.model.info.Vision = test.inside
		a.findTowers = func(string) []string { return test.beside }
		code := a.run(append([]string{"run", test.model, "What?", "-i", "a.png", "--max-tiles", "4"}, test.flags...)...)
		if code != ExitDone || a.model.options.Tower != test.tower || a.err.String() != test.err {
			t.Errorf("%s: code %d, tower %q, error %q; want %q and %q", test.name, code, a.model.options.Tower, a.err.String(), test.tower, test.err)
		}
		if o := a.model.options; o.MostTiles != 4 || !strings.HasSuffix(o.Embeds.Dir, filepath.Join("scout", "pictures")) {
			t.Errorf("%s: options are %+v", test.name, o)
		}
	}
	// Without pictures nobody looks for one.
	a := newTestApp(t, newFakeModel("ok"))
	a.findTowers = func(string) []string { return []string{"mmproj.gguf"} }
	if a.run("run", "m", "Hi"); a.model.options.Tower != "" {
		t.Errorf("for text the tower is %q", a.model.options.Tower)
	}
}

// TestChatFoundTower begins a chat without a tower that turns out to be another
// model's.
func TestChatFoundTower(t *testing.T) {
	a := newTestApp(t, newFakeModel("ok"))
	a.terminal("/exit\n")
	a.findTowers = func(string) []string { return []string{"mmproj.gguf"} }
	open := a.openModel
	a.openModel = func(ctx context.Context, name string, o engine.Options) (model, error) {
		if o.Tower != "" {
			return nil, &engine.TowerError{Path: o.Tower, Err: errors.New("engine: they do not belong together")}
		}
		return open(ctx, name, o)
	}
	if code := a.run("run", "m"); code != ExitDone || !strings.Contains(a.err.String(), "scout: no pictures: engine: they do not belong together\n") {
		t.Errorf("code %d, error %q", code, a.err.String())
	}
	// A picture that was given must be seen.
	inFolder(t, map[string]string{"a.png": string(pngBytes(t))})
	if code := a.run("run", "m", "What?", "-i", "a.png"); code != ExitError || a.model.seq.conversations != nil {
		t.Errorf("with a picture: code %d, %d conversations", code, len(a.model.seq.conversations))
	}
}

func TestTowersBeside(t *testing.T) {
	inFolder(t, map[string]string{"model.gguf": "", "mmproj-F16.gguf": "", "MMPROJ.GGUF": "", "mmproj.txt": "", "my-mmproj.gguf": ""})
	got := towersBeside("model.gguf")
	slices.Sort(got)
	if want := []string{"MMPROJ.GGUF", "mmproj-F16.gguf"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := towersBeside("mmproj-F16.gguf"); len(got) != 1 {
		t.Errorf("a tower is beside itself: %q", got)
	}
	if got := towersBeside(filepath.Join("nowhere", "m.gguf")); got != nil {
		t.Errorf("in no folder there is %q", got)
	}
}

// TestSeenIsSaid expects a line about a picture that the model does not see as it is;
// at a terminal, about every one. Programs find it in JSON.
func TestSeenIsSaid(t *testing.T) {
	seeing := func(terminal bool, flags ...string) *testApp {
		a := newTestApp(t, newFakeModel("ok"))
		a.model.seq.deltas = append([]engine.Delta{{Seen: []engine.ImagePlan{wide()}}, {Seen: []engine.ImagePlan{whole()}}}, a.model.seq.deltas...)
		a.ErrTerminal, a.Dumb = terminal, true
		if code := a.run(append([]string{"run", "m", "What?"}, flags...)...); code != ExitDone {
			t.Fatalf("code %d: %s", code, a.err.String())
		}
		return a
	}
	if a := seeing(false); a.err.String() != "scout: "+wideLine+"\n" || a.out.String() != "ok\n" {
		t.Errorf("got %q and %q", a.out.String(), a.err.String())
	}
	if a := seeing(true); !strings.HasSuffix(a.err.String(), "scout: "+wideLine+"\nscout: a.png: 336 x 336 in 1 tile, 147 tokens\n") {
		t.Errorf("at a terminal: got %q", a.err.String())
	}
	a := seeing(false, "--json")
	var got struct{ Images []imageRecord }
	if err := json.Unmarshal(a.out.Bytes(), &got); err != nil || a.err.Len() > 0 {
		t.Fatal(err, a.err.String())
	}
	if len(got.Images) != 2 || got.Images[0].SeenWidth != 2688 || !got.Images[0].Downsampled || got.Images[1].Name != "a.png" || got.Images[1].Tokens != 147 {
		t.Errorf("images are %+v", got.Images)
	}
	a = seeing(false, "--jsonl")
	if n := strings.Count(a.out.String(), `{"event":"image","name":"`); n != 2 {
		t.Errorf("%d events in %s", n, a.out.String())
	}
}

// TestTilesProgress shows the tower's work at a terminal.
func TestTilesProgress(t *testing.T) {
	var b bytes.Buffer
	p := progress{w: &b}
	p.update(engine.Stats{Tiles: 17, TilesDone: 3})
	if got := b.String(); got != "\rlooking at the pictures: 3 of 17 tiles" {
		t.Errorf("got %q", got)
	}
	b.Reset()
	p.update(engine.Stats{Tiles: 17, TilesDone: 17})
	if b.Len() > 0 {
		t.Errorf("after the last tile: %q", b.String())
	}
}

// tooMany is the refusal of ten pictures.
func tooMany() *engine.ContextError {
	e := &engine.ContextError{Need: 24688, Have: 16384, FitTiles: 15, FitImages: 6, MostContext: 10485760}
	for i := range 10 {
		p := wide()
		p.Name = fmt.Sprintf("%d.jpg", i)
		e.Images = append(e.Images, p)
	}
	return e
}

// TestTooManyPictures expects the arithmetic and what would fit.
func TestTooManyPictures(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	a.model.seq.err = tooMany()
	code := a.run("run", "m", "What?")
	for _, want := range []string{"needs 24688 positions, the context has 16384; 24670 of them are for 0.jpg (2467), 1.jpg (2467), ",
		"9.jpg (2467): it would fit with --max-tiles 15, or with the first 6 of 10 pictures, or with --ctx 24688\n"} {
		if got := a.err.String(); code != ExitContextTooSmall || !strings.Contains(got, want) {
			t.Errorf("code %d, error %q, want %d and %q", code, got, ExitContextTooSmall, want)
		}
	}
	e := tooMany()
	e.FitTiles, e.FitImages, e.MostContext = 0, 0, 512
	if got := overflowAdvice(e); got != "it would fit with --ctx 24688 (the model was made for 512)" {
		t.Errorf("got %q", got)
	}

	a, _ = chatWith(t, "Hi\n/exit\n")
	if strings.Contains(a.out.String(), "pictures") {
		t.Error(a.out.String())
	}
	a = newTestApp(t, newFakeModel())
	a.model.seq.err = tooMany()
	a.terminal("Hi\n/exit\n")
	if code := a.run("run", "m"); code != ExitDone || !strings.Contains(a.out.String(), "24670 of them for 10 pictures") || !strings.Contains(a.out.String(), "--max-tiles 15") {
		t.Errorf("in a chat: code %d, %q", code, a.out.String())
	}
}

// TestNoTowerHint names the flag.
func TestNoTowerHint(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	a.model.seq.err = engine.ErrNoTower
	if code := a.run("run", "m", "What?"); code != ExitError || !strings.HasSuffix(a.err.String(), ": --mmproj FILE\n") {
		t.Errorf("code %d, error %q", code, a.err.String())
	}
}

// TestChatImage attaches pictures to the next message, and survives bad ones.
func TestChatImage(t *testing.T) {
	pic := string(pngBytes(t))
	inFolder(t, map[string]string{"a.png": pic, "b c.png": pic, "text.png": "text"})
	a := newTestApp(t, newFakeModel("ok"))
	a.model.plan = whole()
	a.terminal(strings.Join([]string{
		"/image a.png", `/image b\ c.png`, `/image "b c.png"`, "/image text.png", "/image nowhere.png", "/image",
		"What?", "And now?", "/image a.png", "/clear", "Hi", "",
	}, "\n"))
	if code := a.run("run", "m", "-i", "a.png"); code != ExitDone {
		t.Fatal(code, a.err.String())
	}
	var got []string
	for _, c := range a.model.seq.conversations {
		got = append(got, spelled(c[len(c)-1]))
	}
	if want := []string{"[a.png][a.png][b c.png][b c.png]What?", "And now?", "Hi"}; !slices.Equal(got, want) {
		t.Errorf("asked %q, want %q", got, want)
	}
	for _, want := range []string{"(a.png: 336 x 336 in 1 tile, 147 tokens; it goes with your next message)\n", "text.png: picture: this is text",
		"nowhere.png: no such file", "(/image takes the path of a picture)\n"} {
		if !strings.Contains(a.out.String(), want) {
			t.Errorf("output lacks %q:\n%s", want, a.out.String())
		}
	}
	// The picture stays in the conversation.
	if c := a.model.seq.conversations[1]; len(c) != 3 || len(c[0].Images()) != 4 {
		t.Errorf("the second question came with %d messages", len(c))
	}

	a = newTestApp(t, newFakeModel("ok"))
	a.model.priceErr = engine.ErrNoTower
	a.terminal("/image a.png\nHi\n")
	if code := a.run("run", "m"); code != ExitDone || !strings.Contains(a.out.String(), "--mmproj FILE)\n") || len(a.model.seq.conversations[0][0].Images()) != 0 {
		t.Errorf("without a tower: code %d, %q", code, a.out.String())
	}

	// One that turns out to be damaged as it is looked at.
	a = newTestApp(t, newFakeModel())
	a.model.seq.err = &engine.ImageError{Name: "a.png", Err: errors.New("picture: broken PNG")}
	a.terminal("/image a.png\nWhat?\n/exit\n")
	if code := a.run("run", "m"); code != ExitDone || !strings.Contains(a.out.String(), "a.png: picture: broken PNG. The message was not sent.)\n") {
		t.Errorf("a damaged picture: code %d, %q", code, a.out.String())
	}
}

// TestPriceOfPictures is "scout tokens -i".
func TestPriceOfPictures(t *testing.T) {
	inFolder(t, map[string]string{"wide.jpg": string(pngBytes(t))})
	a := newTestApp(t, newFakeModel())
	a.model.plan, a.In = wide(), neverReader{}
	if code := a.run("tokens", "m", "-i", "wide.jpg", "--max-tiles", "9"); code != ExitDone || a.out.String() != wideLine+"\n" || a.model.options.MostTiles != 9 {
		t.Errorf("code %d, %q, %q", code, a.out.String(), a.err.String())
	}
	a = newTestApp(t, newFakeModel())
	a.model.plan = wide()
	if a.run("tokens", "m", "Hi", "-i", "wide.jpg"); a.out.String() != wideLine+"\n72\t\"H\"\n105\t\"i\"\n" {
		t.Errorf("with text: %q", a.out.String())
	}
	a = newTestApp(t, newFakeModel())
	a.model.plan = wide()
	a.run("tokens", "m", "Hi", "-i", "wide.jpg", "--json")
	want := `{"images":[{"name":"wide.jpg","format":"JPEG","width":4096,"height":1024,"seen_width":2688,"seen_height":672,"rows":2,"cols":8,` +
		`"tiles":17,"tokens":2467,"downsampled":true,"notes":["turned upright","colour profile ignored"]}],"ids":[72,105]}` + "\n"
	if a.out.String() != want {
		t.Errorf("as JSON:\n%s\nwant\n%s", a.out.String(), want)
	}
	a = newTestApp(t, newFakeModel())
	a.model.priceErr = engine.ErrNoTower
	if code := a.run("tokens", "m", "-i", "wide.jpg"); code != ExitError || !strings.HasSuffix(a.err.String(), "--mmproj FILE\n") {
		t.Errorf("without a tower: code %d, %q", code, a.err.String())
	}
}

// TestShowVision says what there is to see with.
func TestShowVision(t *testing.T) {
	for _, test := range []struct {
		inside bool
		name   string
		beside []string
		want   string
	}{
		{true, "m", nil, "in this file"},
		{false, "m", nil, "no pictures"},
		{false, "m", []string{"d/mmproj-F16.gguf"}, "in mmproj-F16.gguf beside it"},
		{false, "m", []string{"d/mmproj-F16.gguf", "d/mmproj-F32.gguf"}, "mmproj-F16.gguf, mmproj-F32.gguf: choose by --mmproj"},
		{false, demoName, nil, "inside this program"},
	} {
		a := newTestApp(t, newFakeModel())
		a.model.info.Vision = test.inside
		a.findTowers = func(string) []string { return test.beside }
		a.run("show", test.name)
		line := ""
		for l := range strings.Lines(a.out.String()) {
			if strings.HasPrefix(l, "vision") {
				line = l
			}
		}
		if !strings.Contains(line, test.want) {
			t.Errorf("%+v: %q", test, line)
		}
	}
}
