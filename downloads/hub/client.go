package hub

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"scout/downloads/transfer"
	"scout/downloads/web"
)

// Client asks the hubs.
type Client struct {
	hub      *huggingFace
	registry *ollama
	offline  bool
}

// NewClient makes a client of the hubs. The token goes to the official hub
// alone, unless the settings let a mirror have it.
func NewClient(c *web.Client, s Settings) (*Client, error) {
	for _, base := range []string{s.Endpoint, s.Registry} {
		if u, err := url.Parse(base); err != nil || u.Host == "" || u.RawQuery != "" {
			return nil, fmt.Errorf("hub: %.100q is no address of a hub: want https://HOST", base)
		}
	}
	h := &huggingFace{client: c, base: s.Endpoint}
	if s.Token != "" && (s.Endpoint == officialEndpoint || s.TokenForMirror) {
		token, err := web.NewToken(s.Endpoint, s.Token)
		if err != nil {
			return nil, err
		}
		h.token = token
	}
	h.withheld = s.Token != "" && h.token.IsZero()
	return &Client{hub: h, registry: &ollama{client: c, base: s.Registry}, offline: s.Offline}, nil
}

// ErrOffline is a question that is not asked since HF_HUB_OFFLINE is set.
var ErrOffline = errors.New("HF_HUB_OFFLINE is set, so no hub is asked: unset it, or use a model that is here ('scout ls')")

// Look lists what there is under a reference.
func (c *Client) Look(ctx context.Context, ref Ref) (Listing, error) {
	switch {
	case c.offline:
		return Listing{}, ErrOffline
	case ref.Kind == Ollama:
		return c.registry.look(ctx, ref)
	}
	return c.hub.look(ctx, ref)
}

// Source is where a file of a listing can be fetched.
func (c *Client) Source(l Listing, f File) transfer.Source {
	if l.Ref.Kind == Ollama {
		return &registryFile{c.registry, l.Ref, f}
	}
	return &hubFile{c.hub, l.Ref.Repo, l.Revision, f}
}

// IsCommit tells whether a revision is a commit, and not a name that may stand
// for another one tomorrow.
func IsCommit(revision string) bool { return commit.MatchString(revision) }

// IsPart tells whether a file's name is that of part i, from 0, of a split set
// of n.
func IsPart(name string, i, n int) bool {
	m := shard.FindStringSubmatch(name)
	return m != nil && m[2] == fmt.Sprintf("%05d", i+1) && m[3] == fmt.Sprintf("%05d", n)
}

// Pinned is a listing of files that were looked at before, at a revision that
// was noted, for fetching the rest of them. Nobody is asked.
func Pinned(ref Ref, revision string, files []File) (Listing, error) {
	l := Listing{Ref: ref, Revision: revision}
	for _, f := range files {
		if err := f.Blob().Check(); err != nil {
			return Listing{}, err
		}
		if ref.Kind == HuggingFace && (!commit.MatchString(revision) || !isFilePath(f.Path)) {
			return Listing{}, fmt.Errorf("hub: %.80q at %.50q cannot be a file at a commit", f.Path, revision)
		}
	}
	return l, nil
}

// Search finds repositories with GGUF files on the Hugging Face hub, a page at
// a time.
func (c *Client) Search(ctx context.Context, q Query) (Found, error) {
	if c.offline {
		return Found{}, ErrOffline
	}
	return c.hub.search(ctx, q)
}
