package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"

	"scout/downloads"
	"scout/engine"
	"scout/hardware"
	"scout/hardware/plan"
)

// Config is what package main hands over.
type Config struct {
	Version    string
	Demo       []byte           // the GGUF file that the model name "demo" stands for
	DemoTower  []byte           // the GGUF file of its vision tower
	Streams    Streams          // where the commands read and write
	Interrupts <-chan os.Signal // requests to stop; nil if there are none
	Accessible bool             // the person wants lines rather than a screen
	// OpenScreen runs the terminal app until it is left.
	OpenScreen func(ctx context.Context, s Screen) error
}

// Screen is what the terminal app is opened with.
type Screen struct {
	Streams
	Model     string // to begin with; empty: the person chooses
	DemoBytes int64  // size of the demo model
	// Open opens a model by a name of any kind that the commands take, with the vision
	// tower that belongs to it.
	Open func(ctx context.Context, name string, o engine.Options) (*engine.Model, error)
	// Models lists the models that were pulled.
	Models func() []StoredModel
	// Offers lists what can be chosen, Quants the quantizations of a model, which online
	// asks its hub for too; o is how it would be opened.
	Offers func(ctx context.Context, o engine.Options) ([]Offer, error)
	Quants func(ctx context.Context, name string, online bool, o engine.Options) ([]Offer, error)
	// Machine is what this machine is, a line each.
	Machine func(ctx context.Context) []string
	// Forecast predicts an opened model on this machine.
	Forecast func(ctx context.Context, info engine.Info, o engine.Options) (*plan.Plan, error)
	// Cards is the graphics cards of which it is known how full they are. It takes a while.
	Cards func(ctx context.Context) []hardware.GPU
	// OpenDownloads opens the store of models.
	OpenDownloads func() (*downloads.Downloads, error)

	SessionsDir string // where conversations are kept
	Session     string // id of the one to go on with; empty: a new one
	Plain       bool   // lines one after the other, for screen readers
}

// App is the command line: what its commands may touch, and how the last of
// them ended. One App runs one command.
type App struct {
	Streams
	version    string
	interrupts <-chan os.Signal
	accessible bool
	openScreen func(ctx context.Context, s Screen) error
	files      modelFiles

	// The world outside, replaced in tests.
	openModel    func(ctx context.Context, name string, o engine.Options) (model, error)
	inspectModel func(name string) (engine.Info, error)
	remote       func(work func(d *downloads.Downloads) error) error // with the way to the hubs
	findTowers   func(name string) []string                          // vision towers that lie beside the model of that name
	memory       func() (hardware.Memory, error)
	bandwidth    func(ctx context.Context, threads int) (bytesPerSecond float64, err error)
	kernels      kernelMeasurer
	snapshot     func() (hardware.Machine, error)
	probe        func(ctx context.Context, args ...string) (hardware.Probe, error) // looks at devices
	diskSpeed    func(ctx context.Context, file string) (hardware.DiskSpeed, error)
	stateDir     string // where measurements are kept
	exit         func(code int)
	sessionsDir  string // where conversations are kept, unless a flag says otherwise

	found found // what a probe found

	err error // of the command that ran
}

// New builds the command line that runs on the engine and on this machine.
func New(c Config) *App {
	files := modelFiles{demo: c.Demo, demoTower: c.DemoTower}
	return &App{
		Streams:      c.Streams,
		version:      c.Version,
		interrupts:   c.Interrupts,
		accessible:   c.Accessible,
		openScreen:   c.OpenScreen,
		files:        files,
		openModel:    files.open,
		inspectModel: files.inspect,
		remote: func(work func(d *downloads.Downloads) error) error {
			d, err := openDownloads()
			if err != nil {
				return err
			}
			return errors.Join(work(d), d.Close())
		},
		findTowers:  files.towers,
		memory:      hardware.ReadMemory,
		bandwidth:   hardware.ReadBandwidth,
		kernels:     measureKernels,
		snapshot:    hardware.Snapshot,
		probe:       probeApart,
		diskSpeed:   hardware.MeasureDisk,
		stateDir:    filepath.Join(xdg.StateHome, "scout"),
		exit:        os.Exit,
		sessionsDir: sessionsDir(),
	}
}

// Root builds the command tree. Commands keep their errors for Finish, so that
// there is one place that prints them; what executing the tree returns is an
// error of the arguments.
func (a *App) Root() *cobra.Command {
	var again againFlags
	root := &cobra.Command{
		Use:   "scout",
		Short: "Run Llama 4 models on this machine",
		Long: "scout runs Llama 4 models from GGUF files on this machine: a chat, one answer, or measurements. " +
			"MODEL is the path of a GGUF file (of a split set, any part), a model that was pulled, or demo for the tiny model inside this program.",
		Example: "scout run demo\nscout run demo \"Who are you?\"\ncat notes.txt | scout run model.gguf \"Sum this up\" > summary.txt\nscout show model.gguf",
		Version: a.version,
		Args:    cobra.ArbitraryArgs, // so that a wrong command arrives below
		RunE: a.keep(func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			if !a.hasScreen() || a.Dumb && !a.accessible {
				return cmd.Help()
			}
			return a.openAgain(cmd, a.screen("", a.accessible), again)
		}),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	root.SetVersionTemplate("scout {{.Version}}\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		a.err = usageErrorf("%w", err)
		return nil // kept
	})
	again.register(root.Flags())
	a.addCommands(root)
	return root
}

// addCommands hangs the commands into the tree, by what they are for.
func (a *App) addCommands(root *cobra.Command) {
	groups := []struct {
		title    string
		commands []*cobra.Command
	}{
		{"chat", []*cobra.Command{a.chatCommand(), a.runCommand(), a.sessionsCommand(), a.replayCommand()}},
		{"models", []*cobra.Command{a.pullCommand(), a.searchCommand(), a.quantsCommand(), a.showCommand(), a.lsCommand(),
			a.duCommand(), a.rmCommand(), a.verifyCommand(), a.importCommand()}},
		{"this machine", []*cobra.Command{a.fitCommand(), a.benchCommand(), a.doctorCommand()}},
		{"looking closer", []*cobra.Command{a.tokensCommand(), a.evalCommand()}},
	}
	for _, g := range groups {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title})
		for _, c := range g.commands {
			c.GroupID = g.title
			root.AddCommand(c)
		}
	}
	root.AddCommand(a.probeCommand()) // hidden
	root.SetHelpCommand(a.helpCommand(root))
	root.SetHelpCommandGroupID(groups[len(groups)-1].title)
	root.SetCompletionCommandGroupID(groups[len(groups)-1].title)
}

// helpCommand is "scout help", which knows when there is no such command.
func (a *App) helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about a command",
		Args:  cobra.ArbitraryArgs,
		RunE: a.keep(func(_ *cobra.Command, args []string) error {
			found, rest, err := root.Find(args)
			switch {
			case err != nil:
				return unknownCommand(root, args[0])
			case len(rest) > 0:
				return unknownCommand(found, rest[0])
			}
			found.InitDefaultHelpFlag()
			return found.Help()
		}),
	}
}

// hasScreen is whether the terminal app can be opened: all ends are a terminal's.
func (a *App) hasScreen() bool {
	return a.openScreen != nil && a.InTerminal && a.OutTerminal && a.ErrTerminal
}

func (a *App) screen(model string, plain bool) Screen {
	return Screen{
		Streams: a.Streams, Model: model, SessionsDir: a.sessionsDir, Plain: plain,
		DemoBytes: int64(len(a.files.demo)), Open: a.openForScreen, Models: storedModels,
		Offers: a.offers, Quants: a.quantsOf, Forecast: a.forecast, Machine: a.describeMachine, Cards: a.cards, OpenDownloads: openDownloads,
	}
}

// chatCommand is "scout chat": the terminal app, as "scout" alone, with a model.
func (a *App) chatCommand() *cobra.Command {
	var (
		plain bool
		again againFlags
	)
	cmd := &cobra.Command{
		Use:   "chat [MODEL]",
		Short: "Chat in the terminal app; scout without arguments opens it too",
		Long: "The terminal app: chat with a model, with live figures, pictures and saved conversations. " +
			"MODEL is as in scout run; without it the app lets you choose. --plain, or ACCESSIBLE=1 in the environment, " +
			"writes lines one after the other instead of drawing a screen.",
		Example: "scout chat demo\nscout chat model.gguf --plain",
		Args:    cobra.ArbitraryArgs,
		RunE: a.keep(func(cmd *cobra.Command, args []string) error {
			plain = plain || a.accessible || a.Dumb
			switch {
			case len(args) > 1:
				return usageErrorf("got %d arguments, want at most one: MODEL", len(args))
			case !plain && !a.hasScreen(), a.openScreen == nil:
				return usageErrorf("the terminal app needs a terminal for input, output and errors: 'scout run MODEL PROMPT' works in a pipe, and so does --plain")
			}
			model := ""
			if len(args) == 1 {
				model = args[0]
			}
			return a.openAgain(cmd, a.screen(model, plain), again)
		}),
	}
	cmd.Flags().BoolVar(&plain, "plain", false, "write lines one after the other, for screen readers")
	again.register(cmd.Flags())
	return cmd
}

// keep makes a command's work leave its error in a.err.
func (a *App) keep(work func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.err = work(cmd, args)
		return nil
	}
}

// unknownCommand says that there is no such command, and which was perhaps meant.
func unknownCommand(root *cobra.Command, name string) error {
	root.SuggestionsMinimumDistance = 2
	if near := root.SuggestionsFor(name); len(near) > 0 {
		return usageErrorf("unknown command %q: did you mean %q?", name, near[0])
	}
	return usageErrorf("unknown command %q: 'scout --help' lists the commands", name)
}
