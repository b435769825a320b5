package app

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"scout/themes"
)

// scene is a state of the app to be looked at: append to one of the tables of scenes,
// or make one and hand it to playScenes. play may leave something unfinished.
type scene = struct {
	name   string
	change func(*Config)
	play   func(b *robot)
}

// playScenes holds each scene against its golden screens: its text in every size, its
// colours in one, and sums of the screens in every size with colours and without. No
// line is wider than the screen, in sizes by chance neither, and without colours there
// are none.
func playScenes(t *testing.T, scenes []scene) {
	for _, scene := range scenes {
		t.Run(scene.name, func(t *testing.T) {
			b := newRobot(t, 80, 24, scene.change)
			scene.play(b)
			worn := b.r.theme
			var sums strings.Builder
			for _, size := range sizes {
				b.wearing(worn, size)
				b.golden(fmt.Sprintf("%s-%dx%d.txt", scene.name, size[0], size[1]), b.text())
				fmt.Fprintf(&sums, "%dx%d %s %s\n", size[0], size[1], worn.Name, b.sum())
				b.wearing(colourless, size)
				if found := colour.FindString(b.painted()); found != "" && !b.pictured() {
					t.Errorf("%v without colours has %q", size, found)
				}
				fmt.Fprintf(&sums, "%dx%d %s %s\n", size[0], size[1], colourless.Name, b.sum())
			}
			b.wearing(worn, sizes[0])
			b.golden(scene.name+"-80x24.ansi", strings.ReplaceAll(b.painted(), "\x1b", "␛"))
			b.golden(scene.name+".sums", strings.TrimSuffix(sums.String(), "\n"))
			b.anySize(scene.name)
		})
	}
}

// colourless is the theme without colours.
var colourless, _ = themes.Named("mono")

// colour is a control sequence that sets one.
var colour = regexp.MustCompile(`\x1b\[(\d*;)*(3[0-8]|4[0-8]|58|9[0-7]|10[0-7])[;m]`)

// wearing gives the screen a theme and a size, and checks that it fits.
func (b *robot) wearing(theme themes.Theme, size [2]int) {
	b.t.Helper()
	b.r.wear(theme)
	b.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
	if b.r.viewing() != nil {
		b.shown()
	}
	b.text()
	b.check()
}

// painted is the screen with its colours.
func (b *robot) painted() string {
	lines, _, _ := b.r.screen()
	return strings.Join(lines, "\n")
}

// sum tells a screen from any other.
func (b *robot) sum() string {
	sum := sha256.Sum256([]byte(b.painted()))
	return hex.EncodeToString(sum[:8])
}

// pictured is whether there is a picture on the screen, made of coloured blocks.
func (b *robot) pictured() bool { return b.r.viewing() != nil || len(b.r.thumbs) > 0 }

// anySize checks screens of 20 to 200 by 5 to 60, which differ from scene to scene.
func (b *robot) anySize(name string) {
	b.t.Helper()
	seed := fnv.New64a()
	_, _ = seed.Write([]byte(name)) // it cannot fail
	rng := rand.New(rand.NewPCG(seed.Sum64(), 1))
	for range 12 {
		b.send(tea.WindowSizeMsg{Width: 20 + rng.IntN(181), Height: 5 + rng.IntN(56)})
		b.check()
	}
}
