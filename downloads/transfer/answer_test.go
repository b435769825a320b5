package transfer

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"scout/downloads/web"
)

// FuzzAnswer holds answers of all kinds against what was asked for: only one
// that is exactly the range, of a file of that size, is taken, and an error is
// a line that a terminal can show.
func FuzzAnswer(f *testing.F) {
	f.Add(206, "bytes 5-14/100", int64(10), "application/octet-stream", "", `"a"`, int64(5), int64(15), int64(100))
	f.Add(206, "bytes 5-14/*", int64(10), "multipart/byteranges; boundary=x", "identity", `W/"a"`, int64(5), int64(15), int64(100))
	f.Add(206, "bytes 0-9/9223372036854775808", int64(-1), "text/html", "gzip", "", int64(0), int64(10), int64(10))
	f.Add(200, "", int64(100), "", "", "", int64(0), int64(100), int64(100))
	f.Add(416, "bytes */100", int64(0), "", "", "", int64(100), int64(101), int64(100))
	f.Add(206, "\x1b]0;x\x07bytes 1-2/3\r\n", int64(2), "\xff", "", `"`, int64(1), int64(3), int64(3))
	f.Fuzz(func(t *testing.T, status int, contentRange string, length int64, kind, encoding, tag string, from, to, size int64) {
		if from < 0 || to <= from || size < to || size > maxSize {
			return // nothing that anybody asks for
		}
		h := http.Header{"Content-Type": {kind}, "Etag": {tag}}
		if contentRange != "" {
			h.Set("Content-Range", contentRange)
		}
		if encoding != "" {
			h.Set("Content-Encoding", encoding)
		}
		answer := &web.Response{
			Response: &http.Response{StatusCode: status, Header: h, ContentLength: length, Body: http.NoBody},
			URL:      &url.URL{Scheme: "https", Host: "files.test"},
		}
		got, err := checkAnswer(answer, wanted{from: from, to: to, size: size, tag: `"a"`})
		if err != nil {
			if s := err.Error(); strings.ContainsAny(s, "\r\n\x1b") || len(s) > 1000 {
				t.Errorf("the error is %q", s)
			}
			return
		}
		right := status == http.StatusPartialContent &&
			contentRange == fmt.Sprintf("bytes %d-%d/%d", from, to-1, size) &&
			(length < 0 || length == to-from) && (encoding == "" || encoding == "identity") &&
			!strings.HasPrefix(strings.TrimSpace(strings.ToLower(kind)), "text/html;")
		if !right || got.tag != "" && got.tag != `"a"` {
			t.Errorf("taken: %d %q, %d bytes of %q, encoded %q, tag %q, for %d to %d of %d", status, contentRange, length, kind, encoding, tag, from, to, size)
		}
	})
}
