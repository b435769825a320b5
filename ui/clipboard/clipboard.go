// Package clipboard reads what the person has copied: a picture, files, or text.
//
// There are two ways to it. Native asks the system with the programs that it has for
// that (wl-paste, xclip, osascript, PowerShell), which needs no C and works where the
// program runs. Reading asks the terminal instead, by OSC 5522, which works over SSH
// as well: the clipboard is then that of the machine that the person sits at.
//
// What comes out is from outside: make it safe for the terminal before it is shown.
package clipboard

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// Content is what was copied. At most one of its parts is there: a picture before
// files, and files before text, since who copies a picture often gets its address too.
type Content struct {
	Picture []byte // a picture's file, as it is
	Files   string // paths or file:// addresses, a line each
	Text    string
}

// Empty is whether nothing was copied that is of use.
func (c Content) Empty() bool { return len(c.Picture) == 0 && c.Files == "" && c.Text == "" }

// ErrTooLarge is that what was copied is larger than was asked for.
var ErrTooLarge = errors.New("what was copied is too large")

// ErrNowhere is that there is no clipboard here: neither a desktop nor a system that
// has one without.
var ErrNowhere = errors.New("there is no clipboard here: neither WAYLAND_DISPLAY nor DISPLAY is set")

// MissingError is that no program is there that reads the clipboard.
type MissingError struct {
	Install string // what to install, as a sentence goes on after "install"
}

// Error is the message, which says what to do.
func (e *MissingError) Error() string {
	return "no program here reads pictures from the clipboard: install " + e.Install
}

// Runner runs a program without a terminal and gives what it writes, at most most
// bytes: more is ErrTooLarge. That there is no such program is exec.ErrNotFound.
type Runner func(ctx context.Context, most int, name string, args ...string) ([]byte, error)

// Native is the clipboard of the system that the program runs on.
type Native struct {
	run    Runner
	routes []route
	// Remote is that the person sits at another machine, whose clipboard this is not,
	// but for X11 that is forwarded.
	Remote bool
}

// route is a program that reads the clipboard, or several that belong together.
type route struct {
	install string // what to install to have it
	read    func(ctx context.Context, run Runner, most int) (Content, error)
}

// NewNative is the clipboard of a process: its operating system as in runtime.GOOS,
// and its variables. run is Exec but in tests.
func NewNative(goos string, getenv func(string) string, run Runner) *Native {
	n := &Native{run: run}
	for _, name := range []string{"SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"} {
		n.Remote = n.Remote || getenv(name) != ""
	}
	switch {
	case goos == "darwin":
		n.routes = []route{mac}
		return n
	case goos == "windows":
		n.routes = []route{windows}
		return n
	case getenv("WSL_DISTRO_NAME") != "": // the clipboard is that of Windows
		n.routes = append(n.routes, windows)
	}
	if getenv("WAYLAND_DISPLAY") != "" {
		n.routes = append(n.routes, wayland)
	}
	if getenv("DISPLAY") != "" {
		n.routes = append(n.routes, x11, x11Text)
	}
	return n
}

// Here is whether there is a clipboard to be asked at all.
func (n *Native) Here() bool { return len(n.routes) > 0 }

// Read is what was copied, at most most bytes of it. It takes as long as programs take:
// give it a context with a limit. The error is ErrNowhere, a *MissingError, or says
// which program failed at what.
func (n *Native) Read(ctx context.Context, most int) (Content, error) {
	if !n.Here() {
		return Content{}, ErrNowhere
	}
	var install []string
	var failed error
	ran := false
	for _, r := range n.routes {
		c, err := r.read(ctx, n.run, most)
		switch {
		case errors.Is(err, exec.ErrNotFound):
			if !slices.Contains(install, r.install) {
				install = append(install, r.install)
			}
			continue
		case errors.Is(err, ErrTooLarge), ctx.Err() != nil:
			return Content{}, fmt.Errorf("clipboard: reading: %w", errors.Join(err, ctx.Err()))
		case err != nil:
			failed = err
			continue
		case !c.Empty():
			return c, nil
		}
		ran = true
	}
	switch {
	case ran: // it is empty
		return Content{}, nil
	case failed != nil:
		return Content{}, fmt.Errorf("clipboard: reading: %w", failed)
	}
	return Content{}, &MissingError{Install: strings.Join(install, " or ")}
}
