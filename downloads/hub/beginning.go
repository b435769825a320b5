package hub

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"scout/downloads/web"
)

// Beginning is the first bytes of a file on a hub, as many as were asked for so far.
type Beginning struct {
	File File
	Data []byte

	source interface {
		Locate(ctx context.Context) (web.Place, error)
	}
	client *web.Client
	place  web.Place
	found  bool
}

// Beginning is nothing yet of a file of a listing.
func (c *Client) Beginning(l Listing, f File) *Beginning {
	client := c.hub.client
	if l.Ref.Kind == Ollama {
		client = c.registry.client
	}
	return &Beginning{File: f, source: c.Source(l, f), client: client}
}

// Grow reads on until there are n bytes, or all of the file, in one request for just
// these bytes. A server that answers with the whole file instead is read no further.
func (b *Beginning) Grow(ctx context.Context, n int64) error {
	n = min(n, b.File.Size)
	have := int64(len(b.Data))
	if n <= have {
		return nil
	}
	if !b.found {
		var err error
		if b.place, err = b.source.Locate(ctx); err != nil {
			return err
		}
		b.found = true
	}
	header := http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", have, n-1)}}
	r, err := b.client.Get(ctx, b.place.URL, header, b.place.Token)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	switch {
	case r.StatusCode == http.StatusPartialContent:
	case r.StatusCode == http.StatusOK && have == 0: // it knows no ranges
	case r.StatusCode == http.StatusForbidden || r.StatusCode == http.StatusUnauthorized: // the address is too old
		b.found = false
		return r.StatusError()
	case r.StatusCode == http.StatusOK:
		return fmt.Errorf("hub: %s sends whole files and no parts of them", web.Printable(r.URL.Host))
	default:
		return r.StatusError()
	}
	if want := fmt.Sprintf("bytes %d-%d/%d", have, n-1, b.File.Size); r.StatusCode == http.StatusPartialContent && r.Header.Get("Content-Range") != want {
		return fmt.Errorf("hub: %s sent %q of %s, want %q", web.Printable(r.URL.Host), web.Printable(r.Header.Get("Content-Range")), web.Printable(b.File.Path), want)
	}
	more := make([]byte, n-have)
	if _, err := io.ReadFull(r.Body, more); err != nil {
		return fmt.Errorf("hub: reading the beginning of %s: %w", web.Printable(b.File.Path), err)
	}
	b.Data = append(b.Data, more...)
	return nil
}
