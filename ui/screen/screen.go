// Package screen puts the terminal app together: what ui/app draws, with the
// person's settings and themes, the conversations on disk, and the models that the
// command line finds.
package screen

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/shirou/gopsutil/v4/process"

	"scout/engine"
	"scout/hardware"
	"scout/sessions"
	"scout/themes"
	"scout/ui/app"
	"scout/ui/cli"
	"scout/ui/drop"
	"scout/ui/settings"
	"scout/ui/talk"
)

// Open runs the terminal app until it is left. The error is an *app.SignalError if
// the process was told to end.
func Open(ctx context.Context, version string, s cli.Screen) error {
	kept := &kept{path: settings.Path()}
	problem := kept.load()
	now := kept.settings()
	config := app.Config{
		Version: version, Model: s.Model, Session: s.Session, Load: loader(s, kept), Models: knownModels(s, kept), Quants: quants(s, kept),
		Sampling: now.ActivePreset().Apply(app.DefaultSampling()), System: now.System(), Keys: now.Keys,
		Theme: now.Theme, Auto: kept.auto, Themes: allThemes, Memory: memory, Problem: problem,
		Announce: now.Announce, Editor: now.Editor, Notify: now.Notify,
		SaveTheme:  func(name string) error { return kept.change(func(c *settings.Settings) { c.Theme = name }) },
		SwapAtOnce: now.Swap == settings.SwapAtOnce, SaveSwap: kept.saveSwap,
		SamplingFor: func(m sessions.Model) engine.Sampling {
			if m.Path == cli.DemoName { // chance only makes it worse
				return engine.Sampling{}
			}
			return kept.settings().ActivePreset().Apply(app.DefaultSampling())
		},
		OpenPulls: openPulls(s), Settings: settingsOf(kept), SetKey: kept.set,
		Machine: s.Machine, Forecast: forecast(s, kept), Host: newHost(s.Cards).look,
		In: s.In, Out: s.Out, Plain: s.Plain,
	}
	if config.Theme == settings.Auto {
		config.Theme = ""
	}
	if config.Model == "" {
		config.Model = now.Model
	}
	if s.SessionsDir != "" {
		config.OpenStore = func() (*sessions.Store, error) { return sessions.Open(s.SessionsDir) }
	}
	home, _ := os.UserHomeDir() // "": ~/ leads nowhere then
	config.Drop = drop.NewEnv(runtime.GOOS, os.Getenv, home, "")
	a, err := app.New(config)
	if err != nil {
		return err
	}
	return a.Run(ctx)
}

// kept is the settings, as they are in their file. Several goroutines change them.
type kept struct {
	path   string
	saving sync.Mutex // held while the file is written
	mu     sync.Mutex // held for a moment: whoever draws does not wait for a disk
	now    settings.Settings
}

// load reads the settings and the person's themes, and says what is wrong with them.
func (k *kept) load() (problem string) {
	chosen, problems, err := settings.Load(k.path)
	k.now = chosen
	var wrong []string
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	for _, p := range problems {
		wrong = append(wrong, fmt.Sprintf("%s: %s", k.path, p))
	}
	_, errs := themes.Load(settings.ThemesDir())
	for _, err := range errs {
		wrong = append(wrong, err.Error())
	}
	return strings.Join(wrong, "; ")
}

func (k *kept) settings() settings.Settings {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.now.Clone()
}

// change changes the settings, in the file too.
func (k *kept) change(do func(*settings.Settings)) error {
	return k.edit(func(s *settings.Settings) error { do(s); return nil })
}

// edit is change with a change that may fail.
func (k *kept) edit(do func(*settings.Settings) error) error {
	k.saving.Lock()
	defer k.saving.Unlock()
	before := k.settings()
	after := before.Clone()
	if err := do(&after); err != nil {
		return err
	}
	if err := settings.Save(k.path, before, after); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.now = after
	return nil
}

// auto is the theme for a dark or a light terminal.
func (k *kept) auto(dark bool) themes.Theme {
	now := k.settings()
	name := now.ThemeLight
	if dark {
		name = now.ThemeDark
	}
	for _, t := range allThemes() {
		if strings.EqualFold(t.Name, name) {
			return t
		}
	}
	return themes.Default(dark)
}

// loader opens models as the settings say, and remembers the last one for the next
// time. The demo is not remembered: it is a key away.
func loader(s cli.Screen, kept *kept) func(context.Context, string) (talk.Model, sessions.Model, error) {
	return func(ctx context.Context, name string) (talk.Model, sessions.Model, error) {
		now := kept.settings()
		m, err := s.Open(ctx, name, openOptions(now))
		if err != nil {
			return nil, sessions.Model{}, inApp(err)
		}
		info := m.Info()
		ref := sessions.Model{Name: info.Name, Quant: cli.MainType(info), Path: info.Path}
		if ref.Name == "" {
			ref.Name = name
		}
		if name = lasting(name); name != cli.DemoName && now.Model != name {
			_ = kept.change(func(c *settings.Settings) { c.Model = name }) // a convenience: the model is open all the same
		}
		return talk.Engine(m), ref, nil
	}
}

// inApp is an error of opening with the way out that the app has: a command instead of
// a flag.
func inApp(err error) error {
	if n := cli.ContextThatFits(err); n > 0 {
		return fmt.Errorf("%w; here /context %d does", err, n)
	}
	return err
}

// lasting is a model's name as it can be used from another folder.
func lasting(name string) string {
	if _, err := os.Stat(name); err != nil || name == cli.DemoName {
		return name
	}
	if whole, err := filepath.Abs(name); err == nil {
		return whole
	}
	return name
}

// allThemes is the themes of the program and the person's own.
func allThemes() []themes.Theme {
	own, _ := themes.Load(settings.ThemesDir()) // what is wrong with a file was said at the beginning
	return append(themes.Builtin(), own...)
}

// memory is what this process holds and what the machine has left, in bytes.
func memory() (used, available int64, err error) {
	p, err := process.NewProcess(int32(os.Getpid()))
	if err != nil {
		return 0, 0, err
	}
	info, err := p.MemoryInfo()
	if err != nil {
		return 0, 0, err
	}
	m, err := hardware.ReadMemory()
	return int64(info.RSS), m.Available, err
}

// ExitCode is the exit code of a command line that ended with err, if the terminal
// app has one of its own.
func ExitCode(err error, code int) int {
	var signal *app.SignalError
	if errors.As(err, &signal) {
		return signal.ExitCode()
	}
	return code
}

// WantsPlain is whether the person asked for lines instead of a screen.
func WantsPlain() bool {
	v := strings.TrimSpace(os.Getenv("ACCESSIBLE"))
	return v != "" && v != "0"
}
