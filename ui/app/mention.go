package app

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"scout/engine"
	"scout/ui/drop"
)

// mentioned looks up, when it is called, the files that a text names by @path. chips
// are the files that go along anyway. What is no file stays text; a file that cannot
// be read is an error, since the person means to send it.
func (r *root) mentioned(text string) func(chips []chip) (more []chip, err error) {
	mentions := drop.Named(text)
	env := r.config.Drop
	return func(chips []chip) (more []chip, err error) {
		for _, m := range mentions {
			file, ok := m.Resolve(env, drop.Disk{}, engine.SniffImage)
			if !ok || !file.Attachable() {
				continue
			}
			c, err := readChip(file)
			if err != nil {
				return nil, err
			}
			same := func(other chip) bool { return bytes.Equal(other.file.Data, c.file.Data) }
			if slices.ContainsFunc(chips, same) || slices.ContainsFunc(more, same) {
				continue
			}
			more = append(more, c)
		}
		return more, nil
	}
}

// hashOf is the name that sessions give a file.
func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// mostThumbs is how many pictures of a conversation that is opened are drawn, the
// last ones.
const mostThumbs = 50

// drawThumbs draws the pictures of the conversation that are not drawn yet, in the
// background.
func (r *root) drawThumbs() tea.Cmd {
	fetch, painter := r.fetcher(), r.painter()
	var hashes []string
	for _, it := range slices.Backward(r.transcript.items) {
		for _, a := range it.turn.Files {
			if _, drawn := r.thumbs[a.Hash]; !drawn && strings.HasPrefix(a.Type, "image/") && len(hashes) < mostThumbs && !slices.Contains(hashes, a.Hash) {
				hashes = append(hashes, a.Hash)
			}
		}
	}
	if len(hashes) == 0 {
		return nil
	}
	return func() tea.Msg {
		drawn := thumbsMsg{}
		for _, hash := range hashes {
			if data, err := fetch(hash); err == nil { // else the answer to it says so
				maps.Copy(drawn, painter.thumbnails(map[string][]byte{hash: data}))
			}
		}
		return drawn
	}
}
