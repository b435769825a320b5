package clipboard

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// terminal answers requests as one does that has these types copied.
type terminal struct {
	types  []string
	data   map[string]string
	status string // in the place of an answer, if not empty
	piece  int
}

func (tm terminal) answer(request string) []string {
	a := func(meta, payload string) string {
		if payload != "" {
			payload = ";" + payload
		}
		return "\x1b]5522;type=read:id=7:" + meta + payload + "\x1b\\"
	}
	body := strings.TrimSuffix(strings.TrimPrefix(request, "\x1b]5522;type=read:id=7;"), "\x1b\\")
	asked, err := decode(body)
	if err != nil {
		panic(err)
	}
	if tm.status != "" {
		return []string{a("status="+tm.status, "")}
	}
	data := tm.data[string(asked)]
	if string(asked) == listing {
		data = strings.Join(tm.types, " ")
	}
	out := []string{a("status=OK", "")}
	for len(data) > 0 {
		n := min(len(data), max(1, tm.piece))
		out = append(out, a("status=DATA:mime="+in64(string(asked)), in64(data[:n])))
		data = data[n:]
	}
	return append(out, a("status=DONE", ""))
}

// read plays a reading to its end.
func read(t *testing.T, tm terminal, most int) (Content, error) {
	t.Helper()
	r, request := NewReading("7", most)
	for range 3 {
		next := ""
		for _, sequence := range tm.answer(request) {
			var done bool
			var err error
			if next, done, err = r.Take(sequence); done {
				return r.Content(), err
			}
		}
		if request = next; request == "" {
			t.Fatal("it neither ended nor went on")
		}
	}
	t.Fatal("it does not end")
	return Content{}, nil
}

func TestReading(t *testing.T) {
	picture := strings.Repeat("\x00\xffpng", 5000)
	for _, c := range []struct {
		name string
		tm   terminal
		want Content
		err  string
	}{
		{"a picture", terminal{types: []string{"text/html", "image/png"}, data: map[string]string{"image/png": picture}, piece: 4096}, Content{Picture: []byte(picture)}, ""},
		{"in small pieces", terminal{types: []string{"image/webp"}, data: map[string]string{"image/webp": picture}, piece: 100}, Content{Picture: []byte(picture)}, ""},
		{"files", terminal{types: []string{"text/plain", "text/uri-list"}, data: map[string]string{"text/uri-list": "file:///a\r\n"}, piece: 9}, Content{Files: "file:///a"}, ""},
		{"text", terminal{types: []string{"text/plain"}, data: map[string]string{"text/plain": "hällo"}, piece: 1}, Content{Text: "hällo"}, ""},
		{"nothing", terminal{}, Content{}, ""},
		{"nothing of use", terminal{types: []string{"application/pdf"}, piece: 99}, Content{}, ""},
		{"a type without data", terminal{types: []string{"image/png"}, piece: 99}, Content{}, ""},
		{"not allowed", terminal{status: "EPERM"}, Content{}, "not allowed"},
		{"not known", terminal{status: "ENOSYS"}, Content{}, "cannot"},
		{"in use", terminal{status: "EBUSY"}, Content{}, "try again"},
		{"an unknown error", terminal{status: "EWHAT"}, Content{}, "failed"},
	} {
		got, err := read(t, c.tm, 1<<20)
		if !bytes.Equal(got.Picture, c.want.Picture) || got.Files != c.want.Files || got.Text != c.want.Text {
			t.Errorf("%s: got %.60q, want %.60q", c.name, got, c.want)
		}
		if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v, want %q in it", c.name, err, c.err)
		}
	}
	if _, err := read(t, terminal{types: []string{"image/png"}, data: map[string]string{"image/png": picture}, piece: 4096}, len(picture)-1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
}

// TestRequest holds what the terminal is sent.
func TestRequest(t *testing.T) {
	_, request := NewReading("7", 1)
	if want := "\x1b]5522;type=read:id=7;Lg==\x1b\\"; request != want {
		t.Errorf("asked %q, want %q", request, want)
	}
}

// TestStrangers expects what is no answer to this reading to change nothing.
func TestStrangers(t *testing.T) {
	r, _ := NewReading("7", 100)
	for _, sequence := range []string{
		"", "\x1b]5522;", "\x1b]52;c;AAAA\x07", "\x1b]5522;type=write:status=DONE\x1b\\", "\x1b]5522;type=read:id=8:status=EPERM\x1b\\",
		"\x1b]5522;type=read:id=7\x1b\\", "\x1b]5522;type=read:status=DATA:mime=!;AAAA\x1b\\", "\x1b]5522;type=read:status=DONE;" + strings.Repeat("A", 1<<20),
	} {
		if next, done, err := r.Take(sequence); next != "" || done || err != nil {
			t.Errorf("%.60q: %q %v %v", sequence, next, done, err)
		}
	}
	r, _ = NewReading("7", 100)
	for _, sequence := range []string{"status=OK", "status=DATA:mime=" + in64("text/plain") + ";" + in64("image/png"), "status=DONE"} {
		if next, _, err := r.Take("\x1b]5522;type=read:id=7:" + sequence + "\x1b\\"); next != "" || err != nil {
			t.Errorf("data that were not asked for: %q %v", next, err)
		}
	}
	for _, c := range []struct{ sequence, err string }{
		{"\x1b]5522;type=read:status=DATA:mime=Lg==;AAAA\x1b\\", "before they were announced"},
		{"\x1b]5522;type=read:status=DATA:mime=Lg==;%%%\x07", "a piece of ."},
	} {
		r, _ := NewReading("7", 100)
		if strings.Contains(c.err, "piece") {
			_, _, _ = r.Take("\x1b]5522;type=read:status=OK\x1b\\")
		}
		if _, done, err := r.Take(c.sequence); !done || err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q: %v %v, want %q", c.sequence, done, err, c.err)
		}
	}
}

// FuzzReading feeds a reading with anything: it keeps no more than it may, and asks
// only for types that it knows.
func FuzzReading(f *testing.F) {
	for _, tm := range []terminal{{types: []string{"image/png"}, data: map[string]string{"image/png": png}, piece: 3}, {status: "EPERM"}} {
		f.Add(strings.Join(tm.answer("\x1b]5522;type=read:id=7;Lg==\x1b\\"), "|"))
	}
	f.Add("\x1b]5522;type=read:status=OK\x07|\x1b]5522;type=read:status=DATA:mime=Lg==;aW1hZ2UvcG5n\x9c|\x1b]5522;type=read:status=DONE")
	f.Add("\x1b]5522;type=read:status=DATA:mime=Lg;;;")
	f.Fuzz(func(t *testing.T, answers string) {
		r, _ := NewReading("7", 100)
		for sequence := range strings.SplitSeq(answers, "|") {
			next, done, err := r.Take(sequence)
			if len(r.data) > 100 {
				t.Fatalf("%d bytes are kept", len(r.data))
			}
			if next != "" && (done || err != nil || bestOf([]string{r.want}) != r.want || next != fmt.Sprintf("\x1b]5522;type=read:id=7;%s\x1b\\", in64(r.want))) {
				t.Fatalf("asks %q, done %v, %v", next, done, err)
			}
			if err != nil && !r.Content().Empty() {
				t.Fatalf("%v, with %q", err, r.Content())
			}
			if done {
				return
			}
		}
	})
}
