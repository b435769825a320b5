package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"scout/engine"
	"scout/sessions"
	"scout/themes"
	"scout/ui/clipboard"
	"scout/ui/drop"
	"scout/ui/safetext"
	"scout/ui/talk"
)

// Config is what the app is given. Load is needed; what is left out otherwise is not
// there: without a Store nothing is saved.
type Config struct {
	Version string
	// Model is the name of the model to begin with; empty: the person chooses.
	Model string
	// Load opens a model by name. It is called in the background, and ended by ctx.
	Load func(ctx context.Context, name string) (talk.Model, sessions.Model, error)
	// Models lists what can be chosen, the one that is always there first. It is called
	// in the background each time the list is opened.
	Models func() []ModelEntry
	// Machine is what this machine is, a line each, in the background. Nil: unknown.
	Machine func(ctx context.Context) []string
	// Quants lists the quantizations of the model of a name, those that are here first,
	// in the background. online is that the hub is to be asked too. Nil: nobody knows.
	Quants func(ctx context.Context, name string, online bool) ([]ModelEntry, error)
	// OpenPulls opens the downloads, in the background, when they are first needed.
	// Nil: there are none.
	OpenPulls func() (Pulls, error)
	// Settings is what can be set and is kept; SetKey sets what has a key in the file of
	// settings, in the background.
	Settings []Setting
	SetKey   func(key, value string) error
	// SwapAtOnce is that what was downloaded answers from the next turn on, without being
	// asked. SaveSwap remembers that, in the background. Nil: nobody does.
	SwapAtOnce bool
	SaveSwap   func(atOnce bool) error
	// Forecast predicts an opened model, in the background. Nil: nobody does.
	Forecast func(ctx context.Context, m talk.Model) (Forecast, error)
	// Host is what the machine does. It is asked twice a second at most. Nil: unknown.
	Host func() (Host, error)
	// OpenStore opens the saved conversations, in the background.
	OpenStore func() (*sessions.Store, error)
	Session   string          // id of the session to go on with; empty: a new one
	Sampling  engine.Sampling // to begin with; see DefaultSampling
	// SamplingFor is Sampling for a model, until the person sets something. Nil: the same
	// for all.
	SamplingFor func(sessions.Model) engine.Sampling
	System      string // system prompt of new conversations
	Theme       string // name of the theme; empty: by the terminal's background
	// Auto is the theme for a dark or a light terminal, if none is named. Nil: those
	// built in.
	Auto func(dark bool) themes.Theme
	// Announce is when the app without a screen gives out a reply: "off" as it comes,
	// "sentence" a sentence at a time (also if empty), "end" when it is complete.
	Announce string
	// Editor is the command that long messages are written with; empty: $VISUAL, then
	// $EDITOR.
	Editor string
	// Themes lists the themes there are, in the background. Nil: those built in.
	Themes func() []themes.Theme
	// SaveTheme remembers the theme that was chosen, in the background. Nil: nobody does.
	SaveTheme func(name string) error
	// Memory is the memory of this process and what of the machine's is free, in bytes.
	Memory func() (used, available int64, err error)
	Drop   drop.Env
	// Clipboard is the clipboard of the system. Nil: that of this process.
	Clipboard *clipboard.Native
	// Notify is how the person is told that a long reply is done while they look at
	// another window: NotifyAuto (also if empty), NotifyOSC9, NotifyOSC777, NotifyBell
	// or NotifyOff.
	Notify string
	// Keys is the keys that the person bound, by the name of the command without its
	// slash, in place of the app's; none unbinds.
	Keys map[string][]string
	// Problem is something the person is to be told at the beginning.
	Problem string

	In      io.Reader
	Out     io.Writer
	Environ []string // as os.Environ; nil: this process's
	// Plain writes lines one after the other and never goes back: for screen readers
	// and terminals that cannot do more.
	Plain bool
}

// DefaultSampling is how replies are chosen unless the person says otherwise: what the
// makers of Llama 4 recommend in generation_config.json (temperature 0.6, top-p 0.9).
func DefaultSampling() engine.Sampling { return engine.Sampling{Temperature: 0.6, TopP: 0.9} }

// SignalError is that the process was told to end. Everything was saved before.
type SignalError struct{ Signal syscall.Signal }

func (e *SignalError) Error() string { return fmt.Sprintf("app: ended by the signal %q", e.Signal) }

// ExitCode is how a shell counts an end by a signal: 128 and the signal's number.
func (e *SignalError) ExitCode() int { return 128 + int(e.Signal) }

// App is the terminal app. Make one with New; it runs once.
type App struct{ config Config }

// New checks what the app is given.
func New(c Config) (*App, error) {
	if c.Load == nil || c.In == nil || c.Out == nil {
		return nil, errors.New("app: starting: it needs a way to load models, an input and an output")
	}
	if c.Models == nil {
		c.Models = func() []ModelEntry { return nil }
	}
	if c.Environ == nil {
		c.Environ = os.Environ()
	}
	if c.Clipboard == nil {
		c.Clipboard = clipboard.NewNative(runtime.GOOS, os.Getenv, clipboard.Exec)
	}
	if c.Auto == nil {
		c.Auto = themes.Default
	}
	if c.Themes == nil {
		c.Themes = builtinThemes
	}
	return &App{config: c}, nil
}

// closingTime is how long the end waits for a model to stop and a disk to save.
const closingTime = 10 * time.Second

// Run shows the app until the person leaves it, ctx ends, or a signal ends it: then
// the error is a *SignalError. Whichever way it ends, a panic included, the terminal is
// as before and the conversation is saved.
func (a *App) Run(ctx context.Context) error {
	if a.config.Plain {
		return a.runPlain(ctx)
	}
	r := newRoot(a.config)
	program := tea.NewProgram(r,
		tea.WithContext(ctx), tea.WithInput(cleanPastes(a.config.In)), tea.WithOutput(a.config.Out),
		tea.WithEnvironment(a.config.Environ), tea.WithFPS(60),
		tea.WithoutSignalHandler(), // ours saves first
		tea.WithFilter(r.part),
		tea.WithColorProfile(profile(a.config.Out, a.config.Environ)),
	)
	stopSignals, signalled := endOnSignals(program)
	_, err := program.Run()
	stopSignals()
	if left := r.shelf.clear(); left != "" { // it did not end in order
		_, _ = io.WriteString(a.config.Out, left) // nobody is left to be told
	}
	closeErr := r.shut(closingTime)
	a.sayUnsent(r)
	switch s := signalled(); {
	case s != 0 && closeErr == nil:
		return &SignalError{s}
	case s != 0:
		return errors.Join(&SignalError{s}, closeErr)
	case err != nil:
		return errors.Join(fmt.Errorf("app: %w", err), closeErr)
	}
	return closeErr
}

// profile is which colours the terminal shows: none if NO_COLOR is set to anything.
func profile(out io.Writer, environ []string) colorprofile.Profile {
	if noColour(environ) {
		return colorprofile.ASCII
	}
	return colorprofile.Detect(out, environ)
}

// noColour is whether the person wants none (https://no-color.org).
func noColour(environ []string) bool {
	return slices.ContainsFunc(environ, func(v string) bool {
		value, ok := strings.CutPrefix(v, "NO_COLOR=")
		return ok && value != ""
	})
}

// endOnSignals makes the signals that end a program end this one in order. A second
// signal does not wait.
func endOnSignals(p *tea.Program) (stop func(), signalled func() syscall.Signal) {
	var got atomic.Int32
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case s := <-signals:
				if got.Swap(int32(s.(syscall.Signal))) != 0 {
					p.Kill()
					return
				}
				p.Quit()
			case <-done:
				return
			}
		}
	}()
	return func() { signal.Stop(signals); close(done) }, func() syscall.Signal { return syscall.Signal(got.Load()) }
}

// sayUnsent writes down, once the screen is gone, what was typed and never sent.
func (a *App) sayUnsent(r *root) {
	for _, text := range r.unsent() {
		// If nobody can be told, there is nobody to tell that either.
		_, _ = fmt.Fprintf(a.config.Out, "scout: not sent: %s\n", safetext.Line(text))
	}
}

// untilSignal is a context that ends with a signal to end.
func untilSignal(parent context.Context) (ctx context.Context, stop func(), signalled func() syscall.Signal) {
	ctx, cancel := context.WithCancel(parent)
	var got atomic.Int32
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		select {
		case s := <-signals:
			got.Store(int32(s.(syscall.Signal)))
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() { signal.Stop(signals); cancel() }, func() syscall.Signal { return syscall.Signal(got.Load()) }
}
