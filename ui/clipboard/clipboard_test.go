package clipboard

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"
)

const png = "\x89PNG\r\n\x1a\n..."

// script is a Runner that answers command lines: with a text, or an error. What it does
// not have is not installed.
type script struct {
	answers map[string]any
	ran     []string
}

func (s *script) run(_ context.Context, most int, name string, args ...string) ([]byte, error) {
	line := strings.Join(append([]string{name}, args...), " ")
	s.ran = append(s.ran, line)
	for begin, answer := range s.answers {
		if !strings.HasPrefix(line, begin) {
			continue
		}
		switch answer := answer.(type) {
		case error:
			return nil, answer
		case string:
			if len(answer) > most {
				return nil, ErrTooLarge
			}
			return []byte(answer), nil
		}
	}
	return nil, fmt.Errorf("%s: %w", name, exec.ErrNotFound)
}

func environ(list string) func(string) string {
	env := map[string]string{}
	for field := range strings.FieldsSeq(list) {
		name, value, _ := strings.Cut(field, "=")
		env[name] = value
	}
	return func(name string) string { return env[name] }
}

func in64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestNative(t *testing.T) {
	exit := errors.New("exit status 1")
	const wl, targets = "wl-paste --list-types", "xclip -selection clipboard -t TARGETS -o"
	for _, c := range []struct {
		name, goos, env string
		answers         map[string]any
		want            Content
		err             string
	}{
		{"a screenshot on Wayland", "linux", "WAYLAND_DISPLAY=wayland-0 DISPLAY=:0", map[string]any{wl: "text/uri-list\nimage/jpeg\nimage/png\n", "wl-paste --no-newline --type image/png": png}, Content{Picture: []byte(png)}, ""},
		{"a photo", "linux", "WAYLAND_DISPLAY=wayland-0", map[string]any{wl: "image/jpeg\ntext/html\n", "wl-paste --no-newline --type image/jpeg": "jpeg"}, Content{Picture: []byte("jpeg")}, ""},
		{"copied files", "freebsd", "WAYLAND_DISPLAY=wayland-0", map[string]any{wl: "text/plain\ntext/uri-list\n", "wl-paste --no-newline --type text/uri-list": "# two\r\nfile:///a%20b.png\r\nfile:///c.png\r\n"}, Content{Files: "file:///a%20b.png\nfile:///c.png"}, ""},
		{"text", "linux", "WAYLAND_DISPLAY=wayland-0", map[string]any{wl: "text/plain;charset=utf-8\ntext/plain\n", "wl-paste --no-newline --type text/plain;charset=utf-8": "hällo"}, Content{Text: "hällo"}, ""},
		{"nothing of use", "linux", "WAYLAND_DISPLAY=wayland-0", map[string]any{wl: "application/x-thing\n"}, Content{}, ""},
		{"nothing copied", "linux", "WAYLAND_DISPLAY=wayland-0", map[string]any{wl: fmt.Errorf("wl-paste: Nothing is copied (%w)", exit)}, Content{}, "Nothing is copied"},
		{"X11", "linux", "DISPLAY=:0", map[string]any{targets: "TARGETS\nimage/png\n", "xclip -selection clipboard -t image/png -o": png}, Content{Picture: []byte(png)}, ""},
		{"Wayland, but only xclip", "linux", "WAYLAND_DISPLAY=w DISPLAY=:0", map[string]any{targets: "image/png\n", "xclip -selection clipboard -t image/png -o": png}, Content{Picture: []byte(png)}, ""},
		{"only xsel, text", "linux", "DISPLAY=:0", map[string]any{"xsel --clipboard --output": "hi"}, Content{Text: "hi"}, ""},
		{"only xsel, a picture", "linux", "DISPLAY=:0", map[string]any{"xsel --clipboard --output": ""}, Content{}, "install xclip"},
		{"no program on X11", "linux", "DISPLAY=:0", nil, Content{}, "install xclip"},
		{"no program on Wayland", "linux", "WAYLAND_DISPLAY=w", nil, Content{}, "install wl-clipboard"},
		{"no program on both", "linux", "WAYLAND_DISPLAY=w DISPLAY=:0", nil, Content{}, "install wl-clipboard (for its wl-paste) or xclip"},
		{"no desktop", "linux", "TERM=xterm", nil, Content{}, "there is no clipboard here"},
		{"too large", "linux", "DISPLAY=:0", map[string]any{targets: "image/png\n", "xclip -selection clipboard -t image/png -o": strings.Repeat("x", 2000)}, Content{}, "too large"},
		{"a screenshot on macOS", "darwin", "", map[string]any{"osascript -e clipboard info": "«class PNGf», 11, TIFF picture, 999\n", "osascript -e the clipboard as «class PNGf»": "«data PNGf" + strings.ToUpper(hex.EncodeToString([]byte(png))) + "»\n"}, Content{Picture: []byte(png)}, ""},
		{"macOS with pngpaste", "darwin", "", map[string]any{"osascript -e clipboard info": "TIFF picture, 999\n", "pngpaste -": png}, Content{Picture: []byte(png)}, ""},
		{"a file on macOS", "darwin", "", map[string]any{"osascript -e clipboard info": "«class furl», 20, «class icns», 99, TIFF picture, 999", "osascript -e POSIX path": "/a/b c.png\n"}, Content{Files: "/a/b c.png"}, ""},
		{"text on macOS", "darwin", "", map[string]any{"osascript -e clipboard info": "«class utf8», 2", "pbpaste": "hi"}, Content{Text: "hi"}, ""},
		{"nothing on macOS", "darwin", "", map[string]any{"osascript -e clipboard info": "\n"}, Content{}, ""},
		{"no picture after all", "darwin", "", map[string]any{"osascript -e clipboard info": "GIF picture, 9", "osascript -e the clipboard": "missing value"}, Content{}, "gave no picture"},
		{"a picture on Windows", "windows", "", map[string]any{"powershell.exe": "picture " + in64(png) + "\r\n"}, Content{Picture: []byte(png)}, ""},
		{"files on Windows", "windows", "", map[string]any{"powershell.exe": "files " + in64("C:\\a b.png\nC:\\c.png")}, Content{Files: "C:\\a b.png\nC:\\c.png"}, ""},
		{"text on Windows", "windows", "", map[string]any{"powershell.exe": "text " + in64("hällo")}, Content{Text: "hällo"}, ""},
		{"nothing on Windows", "windows", "", map[string]any{"powershell.exe": "text "}, Content{}, ""},
		{"noise on Windows", "windows", "", map[string]any{"powershell.exe": "picture %%%"}, Content{}, "what was copied"},
		{"Linux under Windows", "linux", "WSL_DISTRO_NAME=Debian WAYLAND_DISPLAY=wayland-0", map[string]any{"powershell.exe": "picture " + in64(png), wl: "image/bmp"}, Content{Picture: []byte(png)}, ""},
		{"Linux under Windows without its programs", "linux", "WSL_DISTRO_NAME=Debian WAYLAND_DISPLAY=wayland-0", map[string]any{wl: "image/bmp", "wl-paste --no-newline --type image/bmp": "BM"}, Content{Picture: []byte("BM")}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &script{answers: c.answers}
			got, err := NewNative(c.goos, environ(c.env), s.run).Read(context.Background(), 1000)
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %q, want %q (ran %q)", got, c.want, s.ran)
			}
			if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v, want %q in it", err, c.err)
			}
		})
	}
}

func TestRemote(t *testing.T) {
	n := NewNative("linux", environ("SSH_TTY=/dev/pts/1"), nil)
	if !n.Remote || n.Here() {
		t.Errorf("over SSH: remote %v, here %v", n.Remote, n.Here())
	}
	if n := NewNative("linux", environ("DISPLAY=:0"), nil); n.Remote || !n.Here() {
		t.Errorf("at a desk: remote %v, here %v", n.Remote, n.Here())
	}
}

// TestExec runs this test's own program in the place of others.
func TestExec(t *testing.T) {
	switch os.Getenv("CLIPBOARD_TEST") {
	case "write":
		fmt.Print(strings.Repeat("x", 1000))
		os.Exit(0)
	case "fail":
		fmt.Fprint(os.Stderr, "Nothing is copied\nmore")
		os.Exit(1)
	case "hang":
		time.Sleep(time.Minute)
	}
	run := func(ctx context.Context, what string, most int) ([]byte, error) {
		t.Setenv("CLIPBOARD_TEST", what)
		return Exec(ctx, most, os.Args[0], "-test.run=^TestExec$")
	}
	ctx := context.Background()
	if data, err := run(ctx, "write", 1000); len(data) != 1000 || err != nil {
		t.Errorf("read %d bytes, %v", len(data), err)
	}
	if _, err := run(ctx, "write", 999); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too much: %v", err)
	}
	if _, err := run(ctx, "fail", 999); err == nil || !strings.Contains(err.Error(), ": Nothing is copied (exit status 1)") {
		t.Errorf("a failure: %v", err)
	}
	short, stop := context.WithTimeout(ctx, 20*time.Millisecond)
	defer stop()
	if _, err := run(short, "hang", 999); err == nil {
		t.Error("waited for a program that hangs")
	}
	if _, err := Exec(ctx, 9, "no-such-program-anywhere"); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("a program that is not there: %v", err)
	}
}

// FuzzWritten expects what programs write to be read or refused.
func FuzzWritten(f *testing.F) {
	f.Add("«data PNGf89504E47»")
	f.Add("picture " + in64(png))
	f.Add("files QzpcYQ==\r\n")
	f.Add("text")
	f.Add("#\r\nfile:///a\x00\r\n\r\nb")
	f.Fuzz(func(t *testing.T, written string) {
		if data, err := macData(written); err == nil && len(data) > len(written)/2 {
			t.Errorf("%q gave %d bytes", written, len(data))
		}
		if c, err := windowsContent(written); err != nil && !c.Empty() {
			t.Errorf("%q gave %+v and %v", written, c, err)
		}
		for line := range strings.SplitSeq(files(written), "\n") {
			if strings.HasPrefix(line, "#") || strings.HasSuffix(line, "\r") {
				t.Errorf("%q gave the line %q", written, line)
			}
		}
		best := bestOf(strings.Fields(written))
		if best != "" && !strings.Contains(written, best) {
			t.Errorf("%q: best is %q", written, best)
		}
	})
}
