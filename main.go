// Command scout runs Llama 4 models from GGUF files on this machine. See
// README.md for what it does and ARCHITECTURE.md for how it is put together.
package main

import (
	"context"
	_ "embed"
	"image/color"
	"io"
	"os"
	"runtime/debug"

	"charm.land/fang/v2"
	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"

	"scout/themes"
	"scout/ui/app"
	"scout/ui/cli"
	"scout/ui/screen"
)

// demo is the model that runs with nothing but this program: a toy of 6 million
// parameters with the architecture of Llama 4 (testdata/README.md).
//
//go:embed testdata/models/tiny-scout-Q8_0.gguf
var demo []byte

// demoTower is its vision tower: what it sees pictures with.
//
//go:embed testdata/models/mmproj-tiny-scout.gguf
var demoTower []byte

func main() {
	cli.KeepBrokenPipes()
	var ended error // how the terminal app did
	commands := cli.New(cli.Config{
		Version:    version(),
		Demo:       demo,
		DemoTower:  demoTower,
		Streams:    cli.System(),
		Interrupts: cli.Interrupts(),
		Accessible: screen.WantsPlain(),
		OpenScreen: func(ctx context.Context, s cli.Screen) error {
			ended = screen.Open(ctx, version(), s)
			if _, asked := ended.(*app.SignalError); asked {
				return nil // which the exit code says
			}
			return ended
		},
	})
	code := commands.Finish(execute(context.Background(), commands.Root(), commands.Plain()))
	os.Exit(screen.ExitCode(ended, code))
}

// execute runs the command that the arguments name. Fang writes the help with
// styles; it asks the terminal for its background first, so where styles are
// not wanted it is left out.
func execute(ctx context.Context, root *cobra.Command, plain bool) error {
	if plain {
		return root.ExecuteContext(ctx)
	}
	return fang.Execute(ctx, root,
		fang.WithoutVersion(), // root has its own
		fang.WithoutManpage(),
		fang.WithColorSchemeFunc(colorScheme),
		fang.WithErrorHandler(func(io.Writer, fang.Styles, error) {}), // App.Finish says it, in one line
	)
}

// colorScheme dresses the help in the theme for a light or a dark terminal.
func colorScheme(choose lipgloss.LightDarkFunc) fang.ColorScheme {
	t := themes.Default(choose(color.White, color.Black) == color.Black)
	return fang.ColorScheme{
		Base: t.Text, Title: t.Accent, Description: t.Text, Codeblock: t.Panel,
		Program: t.Accent, Command: t.Command, Flag: t.Option, FlagDefault: t.Muted,
		Argument: t.Text, DimmedArgument: t.Muted, Comment: t.Muted, QuotedString: t.Quoted,
		Help: t.Muted, Dash: t.Muted,
		ErrorHeader: [2]color.Color{t.Background, t.Error}, ErrorDetails: t.Error,
	}
}

// version is the module's version and commit, as far as the build knows them.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "built from source"
	}
	return info.Main.Version
}
