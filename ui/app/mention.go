package app

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"scout/engine"
	"scout/ui/drop"
)

// mentioned looks up, when it is called, the files that a text names by @path. chips
// are the files that go along anyway. What is no file stays text; a file that cannot
// be read is an error, since the person means to send it.
func (r *root) mentioned(text string) func(chips []chip) (more []chip, thumbs map[string][]string, err error) {
	mentions := drop.Named(text)
	env, colours, background := r.config.Drop, r.thumbColours(), r.theme.Background
	return func(chips []chip) (more []chip, thumbs map[string][]string, err error) {
		thumbs = map[string][]string{}
		for _, m := range mentions {
			file, ok := m.Resolve(env, drop.Disk{}, engine.SniffImage)
			if !ok || !file.Attachable() {
				continue
			}
			c, err := readChip(file)
			if err != nil {
				return nil, nil, err
			}
			same := func(other chip) bool { return bytes.Equal(other.file.Data, c.file.Data) }
			if slices.ContainsFunc(chips, same) || slices.ContainsFunc(more, same) {
				continue
			}
			more = append(more, c)
			if lines := thumbnail(c.file.Data, colours, background); lines != nil {
				thumbs[hashOf(c.file.Data)] = lines
			}
		}
		return more, thumbs, nil
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
	store, colours, background := r.store, r.thumbColours(), r.theme.Background
	var hashes []string
	for _, it := range slices.Backward(r.transcript.items) {
		for _, a := range it.turn.Files {
			if _, drawn := r.thumbs[a.Hash]; !drawn && strings.HasPrefix(a.Type, "image/") && len(hashes) < mostThumbs {
				hashes = append(hashes, a.Hash)
			}
		}
	}
	if store == nil || len(hashes) == 0 {
		return nil
	}
	return func() tea.Msg {
		thumbs := thumbsMsg{}
		for _, hash := range hashes {
			data, err := store.Attachment(hash)
			if err != nil {
				continue // the answer to it will say so
			}
			if lines := thumbnail(data, colours, background); lines != nil {
				thumbs[hash] = lines
			}
		}
		return thumbs
	}
}
