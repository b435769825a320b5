package markdown

import (
	"strings"
	"testing"

	"scout/themes"
)

// replyOf is a reply of about size bytes, of everything in the corpus.
func replyOf(b *testing.B, size int) string {
	b.Helper()
	docs := corpus(b)
	one := docs["chat"] + "\n" + docs["tour"] + "\n"
	return strings.Repeat(one, size/len(one)+1)[:size]
}

// stream appends text in pieces of n bytes, and looks after each.
func stream(d *Document, text string, n int) {
	for text != "" {
		piece := text[:min(n, len(text))]
		text = text[len(piece):]
		d.Append(piece)
		d.Lines()
	}
	d.Close()
	d.Lines()
}

// BenchmarkStream streams a reply of 5.7 KB in pieces of 24 bytes, drawn after
// each.
func BenchmarkStream(b *testing.B) {
	text := replyOf(b, 5700)
	r := New(themes.Default(true), 80, true)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		stream(r.Document(), text, 24)
	}
}

// BenchmarkWhole draws the same reply once.
func BenchmarkWhole(b *testing.B) {
	text := replyOf(b, 5700)
	r := New(themes.Default(true), 80, true)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		d := r.Document()
		d.Append(text)
		d.Close()
		d.Lines()
	}
}

// longDocument is a document of more than 10,000 lines, drawn, with a paragraph
// open at its end.
func longDocument(b *testing.B) *Document {
	b.Helper()
	d := New(themes.Default(true), 80, true).Document()
	text := replyOf(b, 5700) + "\n\n"
	for len(d.Lines()) < 10_000 {
		d.Append(text)
	}
	d.Append("An open paragraph")
	d.Lines()
	return d
}

// BenchmarkAppendLong appends a token to a document of 10,000 lines and draws
// it. A new paragraph begins every hundred tokens, as in a reply.
func BenchmarkAppendLong(b *testing.B) {
	d := longDocument(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%100 == 99 {
			d.Append(".\n\nNext")
		}
		d.Append(" token")
		d.Lines()
	}
}

// BenchmarkResizeLong draws a document of 10,000 lines anew for another width.
func BenchmarkResizeLong(b *testing.B) {
	d := longDocument(b)
	wide, narrow := New(themes.Default(true), 100, true), New(themes.Default(true), 80, true)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%2 == 0 {
			d.Resize(wide)
		} else {
			d.Resize(narrow)
		}
		d.Lines()
	}
}

// BenchmarkOpenFence appends a line of code to an open block and draws it.
func BenchmarkOpenFence(b *testing.B) {
	d := New(themes.Default(true), 80, true).Document()
	d.Append("```go\n")
	b.ReportAllocs()
	for b.Loop() {
		d.Append("\tif err := run(ctx, os.Args[1:]); err != nil { // report\n")
		d.Lines()
	}
}
