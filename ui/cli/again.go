package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"scout/sessions"
)

// againFlags is which conversation the terminal app goes on with.
type againFlags struct {
	last    bool
	session string
}

func (f *againFlags) register(flags *pflag.FlagSet) {
	flags.BoolVarP(&f.last, "continue", "c", false, "go on with the conversation that changed last")
	flags.StringVar(&f.session, "session", "", "go on with this saved conversation: its id, the beginning or end of it, or its title")
}

// openAgain opens the terminal app with the conversation that was asked for.
func (a *App) openAgain(cmd *cobra.Command, screen Screen, f againFlags) error {
	if f.last && f.session != "" {
		return usageErrorf("--continue and --session exclude each other")
	}
	name := f.session
	if f.last {
		name = "last"
	}
	if name != "" {
		s := &sessionsApp{App: a}
		err := s.with(func(st *sessions.Store) (err error) {
			screen.Session, err = s.find(st, name)
			return err
		})
		if err != nil {
			return err
		}
	}
	return a.openScreen(cmd.Context(), screen)
}
