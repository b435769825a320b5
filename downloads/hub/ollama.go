package hub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"scout/downloads/transfer"
	"scout/downloads/web"
)

const (
	maxOllamaManifest = 4 << 20
	maxLayers         = 10_000
	maxLicense        = 1 << 20
	dockerManifest    = "application/vnd.docker.distribution.manifest.v2+json"
	ollamaMedia       = "application/vnd.ollama.image."
)

// ollama asks a registry with Ollama's kinds of layers. Only what is public:
// the registry's way to log in is not spoken, so that no answer can send us
// with a signature to anyone (CVE-2025-51471).
type ollama struct {
	client *web.Client
	base   string // "https://registry.ollama.ai"
}

// ollamaManifest is a Docker manifest, version 2.
type ollamaManifest struct {
	Layers []struct {
		MediaType string `json:"mediaType"`
		Digest    string `json:"digest"`
		Size      int64  `json:"size"`
	} `json:"layers"`
}

// look reads a model's manifest. Its one variant is what the tag stands for.
func (o *ollama) look(ctx context.Context, ref Ref) (Listing, error) {
	address := o.base + "/v2/" + ref.Repo + "/manifests/" + ref.Quant
	r, err := o.client.Get(ctx, address, http.Header{"Accept": {dockerManifest}}, web.Token{})
	if err != nil {
		return Listing{}, err
	}
	if r.StatusCode != http.StatusOK {
		return Listing{}, o.explain(r.StatusError(), ref)
	}
	data, err := r.ReadAll(maxOllamaManifest)
	if err != nil {
		return Listing{}, err
	}
	bad := func(why string) (Listing, error) { return Listing{}, &ListingError{hostOf(o.base), why} }
	var m ollamaManifest
	if err := json.Unmarshal(data, &m); err != nil {
		return bad("the manifest of " + ref.Name() + " is no JSON of one")
	}
	if len(m.Layers) > maxLayers {
		return bad(fmt.Sprintf("%s has %d layers", ref.Name(), len(m.Layers)))
	}
	sum := sha256.Sum256(data)
	l := Listing{Ref: ref, Revision: hex.EncodeToString(sum[:])}
	v := Variant{Quant: ref.Quant, Base: ref.Repo}
	for _, layer := range m.Layers {
		kind, ours := strings.CutPrefix(layer.MediaType, ollamaMedia)
		if !ours {
			continue // kinds that are not known are no matter
		}
		digest, ok := strings.CutPrefix(layer.Digest, "sha256:")
		f := File{Path: layer.Digest, SHA256: digest, Size: layer.Size}
		if !ok || f.Blob().Check() != nil {
			return bad(fmt.Sprintf("a layer of %s has the digest %.80q and %d bytes", ref.Name(), web.Printable(layer.Digest), layer.Size))
		}
		switch kind {
		case "model":
			v.Files = append(v.Files, f)
		case "projector":
			v.Projector = &f
		case "license":
			l.License.Text += o.license(ctx, ref, f)
		case "tensor", "adapter":
			return Listing{}, fmt.Errorf("%s is not one GGUF file (it has layers of the kind %q), and cannot be run; try another tag", ref.Name(), kind)
		}
	}
	if len(v.Files) != 1 {
		return bad(fmt.Sprintf("%s has %d layers of weights, want one", ref.Name(), len(v.Files)))
	}
	l.License.Name = firstLine(l.License.Text)
	l.Variants = []Variant{v}
	return l, nil
}

// license is the text of a licence. A model can be had without it: what
// cannot be read is left out.
func (o *ollama) license(ctx context.Context, ref Ref, f File) string {
	if f.Size > maxLicense {
		return ""
	}
	r, err := o.client.Get(ctx, o.blob(ref, f), nil, web.Token{})
	if err != nil {
		return ""
	}
	if r.StatusCode != http.StatusOK {
		_ = r.Body.Close()
		return ""
	}
	data, err := r.ReadAll(maxLicense)
	if sum := sha256.Sum256(data); err != nil || hex.EncodeToString(sum[:]) != f.SHA256 {
		return ""
	}
	return strings.ToValidUTF8(string(data), "\uFFFD") + "\n"
}

// firstLine is a licence's name: its first line that is not empty.
func firstLine(text string) string {
	for line := range strings.Lines(text) {
		if s := web.Printable(line); s != "" {
			return s[:min(len(s), 100)]
		}
	}
	return ""
}

// blob is the address of a layer.
func (o *ollama) blob(ref Ref, f File) string {
	return o.base + "/v2/" + ref.Repo + "/blobs/sha256:" + f.SHA256
}

// explain makes a status a sentence. Whatever WWW-Authenticate says of where
// to log in is not looked at.
func (o *ollama) explain(e *web.StatusError, ref Ref) error {
	switch e.Code {
	case http.StatusNotFound:
		return &NotFoundError{What: fmt.Sprintf("model %s at %s: see https://ollama.com/library for models and their tags", ref.Name(), e.Host), Err: e}
	case http.StatusUnauthorized, http.StatusForbidden:
		return &AccessError{fmt.Sprintf("%s does not let everybody have %s, and logging in there is not supported", e.Host, ref.Name()), e}
	}
	return e
}

// registryFile is a layer of a model.
type registryFile struct {
	registry *ollama
	ref      Ref
	file     File
}

// Locate asks the registry where the layer is now.
func (f *registryFile) Locate(ctx context.Context) (web.Place, error) {
	place, err := f.registry.client.Locate(ctx, f.registry.blob(f.ref, f.file), nil, web.Token{})
	if status, ok := err.(*web.StatusError); ok {
		return web.Place{}, f.registry.explain(status, f.ref)
	}
	return place, err
}

var _ transfer.Source = (*registryFile)(nil)
