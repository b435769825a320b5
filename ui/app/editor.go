package app

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// toWriteMsg is a file that is ready to be written in.
type toWriteMsg struct {
	command      []string
	folder, file string
}

// writtenMsg is what came of an editor.
type writtenMsg struct {
	text string
	err  error
}

// mostWritten is the longest message taken from an editor, in bytes.
const mostWritten = 16 << 20

// openEditor lets the person write the message in an editor, which has the terminal
// meanwhile.
func openEditor(r *root, _ string) tea.Cmd {
	command := strings.Fields(editorOf(r.config.Editor, r.config.Environ))
	if len(command) == 0 {
		r.complain(errors.New("there is no editor: set $EDITOR, or editor in the settings"))
		return nil
	}
	text := r.composer.whole()
	return func() tea.Msg {
		folder, err := os.MkdirTemp("", "scout-")
		if err != nil {
			return writtenMsg{err: err}
		}
		file := filepath.Join(folder, "message.md")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return writtenMsg{err: errors.Join(err, os.RemoveAll(folder))}
		}
		return toWriteMsg{command, folder, file}
	}
}

// runEditor hands the terminal to the editor.
func (r *root) runEditor(m toWriteMsg) tea.Cmd {
	edit := exec.Command(m.command[0], append(slices.Clone(m.command[1:]), m.file)...)
	return tea.ExecProcess(edit, func(failed error) tea.Msg { return readWritten(m.folder, m.file, failed) })
}

// editorOf is the command line of the editor, empty if there is none.
func editorOf(chosen string, environ []string) string {
	var visual, editor string
	for _, e := range environ {
		if v, ok := strings.CutPrefix(e, "VISUAL="); ok {
			visual = v
		}
		if v, ok := strings.CutPrefix(e, "EDITOR="); ok {
			editor = v
		}
	}
	return strings.TrimSpace(cmp.Or(chosen, visual, editor))
}

// readWritten takes what was written and removes the file. If it cannot be taken the
// file stays: it is the only copy.
func readWritten(folder, file string, failed error) writtenMsg {
	info, err := os.Stat(file)
	if err == nil && info.Size() > mostWritten {
		err = fmt.Errorf("it has %d bytes, want at most %d", info.Size(), mostWritten)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(file)
	}
	if err != nil {
		return writtenMsg{err: fmt.Errorf("reading %s, which is kept: %w", file, err)}
	}
	_ = os.RemoveAll(folder) // a leftover in the system's folder for such
	if failed != nil {
		failed = fmt.Errorf("the editor: %w", failed)
	}
	return writtenMsg{strings.TrimRight(string(text), "\r\n"), failed}
}

// written puts what came of the editor into the composer, whatever the editor said.
func (r *root) written(msg writtenMsg) {
	if msg.err != nil {
		r.complain(msg.err)
	}
	if msg.text != "" {
		r.composer.take() // into the history, pastes and all
		r.composer.set(strings.ReplaceAll(msg.text, "\r\n", "\n"))
	}
}
