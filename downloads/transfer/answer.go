package transfer

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"scout/downloads/disk"
	"scout/downloads/web"
)

// wanted is the range that was asked for: from, but not to, of a file of size
// bytes, whose strong entity tag is tag, if any was seen.
type wanted struct {
	from, to, size int64
	tag            string
}

// content is what is to be known of an answer that is right.
type content struct{ tag string }

var (
	// errWholeFile is a server that sends all of the file instead of a range.
	errWholeFile = errors.New("the server sends the whole file instead of a part")
	// errWebPage is a page where a file should be: a login of the network, mostly.
	errWebPage = errors.New("the network answers with a web page (does it want a login?)")
	// errEncoded is a body that was encoded though that was not asked for.
	errEncoded = errors.New("the server sends the file encoded, which was not asked for")
	// errOtherFile is another file at the address where ours was.
	errOtherFile = errors.New("the file at the server's address changed")
)

// rangeError is a range that is not the one asked for.
type rangeError struct{ got, want string }

func (e *rangeError) Error() string {
	return fmt.Sprintf("the server sends wrong ranges: %s, want %s", e.got, e.want)
}

// SizeError is a file whose size differs between the listing and the server
// that has it.
type SizeError struct{ Listed, Served int64 }

func (e *SizeError) Error() string {
	return fmt.Sprintf("the listing says the file has %d bytes and the server that sends it says %d: "+
		"one of them is wrong or has just changed; try again later", e.Listed, e.Served)
}

// checkAnswer tells whether the body is exactly the range that was asked for:
// net/http takes a lot for granted (a 206 without Content-Range, a 200 in
// place of a part).
func checkAnswer(r *web.Response, w wanted) (content, error) {
	if r.StatusCode != http.StatusOK && r.StatusCode != http.StatusPartialContent {
		if isPage(r.Header) && r.StatusCode < 400 {
			return content{}, errWebPage
		}
		return content{}, r.StatusError()
	}
	if isPage(r.Header) {
		return content{}, errWebPage
	}
	if e := r.Header.Get("Content-Encoding"); (e != "" && e != "identity") || r.Uncompressed {
		return content{}, errEncoded
	}
	if r.StatusCode == http.StatusOK {
		if r.ContentLength >= 0 && r.ContentLength != w.size {
			return content{}, &SizeError{Listed: w.size, Served: r.ContentLength}
		}
		return content{}, errWholeFile
	}
	want := fmt.Sprintf("bytes %d-%d/%d", w.from, w.to-1, w.size)
	got := r.Header.Get("Content-Range")
	if total, ok := rangeTotal(got); ok && total != w.size {
		return content{}, &SizeError{Listed: w.size, Served: total}
	}
	if got != want {
		return content{}, &rangeError{got: describeRange(got, r.Header), want: want}
	}
	if r.ContentLength >= 0 && r.ContentLength != w.to-w.from {
		return content{}, &rangeError{got: fmt.Sprintf("%d bytes", r.ContentLength), want: fmt.Sprintf("%d", w.to-w.from)}
	}
	tag := strongTag(r.Header)
	if tag != "" && w.tag != "" && tag != w.tag {
		return content{}, errOtherFile
	}
	return content{tag: tag}, nil
}

// isPage tells whether the body is a web page.
func isPage(h http.Header) bool {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && (kind == "text/html" || kind == "application/xhtml+xml")
}

// rangeTotal is the size of the file that a Content-Range names.
func rangeTotal(header string) (int64, bool) {
	_, total, ok := strings.Cut(header, "/")
	if !ok || !strings.HasPrefix(header, "bytes ") {
		return 0, false
	}
	n, err := strconv.ParseInt(total, 10, 64)
	return n, err == nil && n >= 0
}

// describeRange is a Content-Range for an error.
func describeRange(header string, h http.Header) string {
	switch {
	case header != "":
		return web.Printable(header)
	case strings.HasPrefix(h.Get("Content-Type"), "multipart/"):
		return "several parts in one"
	}
	return "none named"
}

// strongTag is the entity tag if it stands for the bytes: weak ones do not
// (RFC 9110, 8.8.3).
func strongTag(h http.Header) string {
	tag := h.Get("ETag")
	if len(tag) < 2 || tag[0] != '"' || tag[len(tag)-1] != '"' {
		return ""
	}
	return tag
}

// HugeError is a file that the server cannot hand out because of its size.
type HugeError struct {
	Host string
	Size int64
}

func (e *HugeError) Error() string {
	return fmt.Sprintf("%s cannot serve this %s file over HTTP, not even in small parts; "+
		"look for a copy that is split into several files", e.Host, disk.Bytes(e.Size))
}
