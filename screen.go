package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

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

// openScreen runs the terminal app.
func openScreen(ctx context.Context, s cli.Screen) error {
	path := settings.Path()
	chosen, problems, err := settings.Load(path)
	config := app.Config{
		Version: version(), Model: s.Model, Load: loader(chosen), Models: knownModels(chosen),
		Sampling: chosen.ActivePreset().Apply(app.DefaultSampling()), System: chosen.System(), Keys: chosen.Keys,
		Theme: chosen.Theme, Themes: allThemes, Memory: memory,
		SaveTheme: func(name string) error {
			now := chosen.Clone()
			now.Theme = name
			return settings.Save(path, chosen, now)
		},
		In: s.In, Out: s.Out, Plain: s.Plain,
	}
	if config.Theme == settings.Auto {
		config.Theme = ""
	}
	if s.SessionsDir != "" {
		config.OpenStore = func() (*sessions.Store, error) { return sessions.Open(s.SessionsDir) }
	}
	switch {
	case err != nil:
		config.Problem = err.Error()
	case len(problems) > 0:
		config.Problem = fmt.Sprintf("%s: %s", path, problems[0])
	}
	home, _ := os.UserHomeDir() // "": ~/ leads nowhere then
	config.Drop = drop.NewEnv(runtime.GOOS, os.Getenv, home, "")
	a, err := app.New(config)
	if err != nil {
		return err
	}
	return a.Run(ctx)
}

// demoName is the model that is inside this program.
const demoName = "demo"

// loader opens models as the settings say.
func loader(s settings.Settings) func(context.Context, string) (talk.Model, sessions.Model, error) {
	return func(ctx context.Context, name string) (talk.Model, sessions.Model, error) {
		o := engine.Options{Context: s.Context, Threads: s.Threads, KV: s.KV, MostTiles: s.MaxTiles}
		open := func() (*engine.Model, error) {
			if name == demoName {
				o.Tower, o.TowerData = demoName, demoTower
				return engine.OpenEmbedded(ctx, demoName, demo, o)
			}
			return engine.Open(ctx, name, o)
		}
		m, err := open()
		if err != nil {
			return nil, sessions.Model{}, err
		}
		info := m.Info()
		ref := sessions.Model{Name: info.Name, Quant: mostType(info), Path: info.Path}
		if ref.Name == "" {
			ref.Name = name
		}
		return talk.Engine(m), ref, nil
	}
}

// mostType is the type that most of a model's bytes have.
func mostType(info engine.Info) string {
	var most engine.TypeShare
	for _, t := range info.Types {
		if t.Bytes > most.Bytes {
			most = t
		}
	}
	return most.Type
}

// knownModels lists the demo, and the model that was used last.
func knownModels(s settings.Settings) func() []app.ModelEntry {
	return func() []app.ModelEntry {
		known := []app.ModelEntry{{Name: demoName, Size: int64(len(demo)), Note: "a toy inside this program, to try it out"}}
		if s.Model != "" && s.Model != demoName {
			known = append(known, app.ModelEntry{Name: s.Model, Note: "from your settings"})
		}
		return known
	}
}

// allThemes is the themes of the program and the person's own.
func allThemes() []themes.Theme {
	own, _ := themes.Load(settings.ThemesDir()) // what is wrong with a file leaves it out
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

// screenExit is the exit code of a command line that ended with err, if the terminal
// app has one of its own.
func screenExit(err error, code int) int {
	var signal *app.SignalError
	if errors.As(err, &signal) {
		return signal.ExitCode()
	}
	return code
}

// wantsPlain is whether the person asked for lines instead of a screen.
func wantsPlain() bool {
	v := strings.TrimSpace(os.Getenv("ACCESSIBLE"))
	return v != "" && v != "0"
}
