package drop

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"scout/engine/picture"
)

// TestInspect expects a file to be told by its bytes.
func TestInspect(t *testing.T) {
	long := strings.Repeat("é", headBytes) // of which the head ends behind one
	cases := []struct {
		name, data string
		mode       fs.FileMode
		kind       Kind
		format     string
		problem    string
	}{
		{"/a/b.png", png, 0, Image, "PNG", ""},
		{"/a/b.txt", png, 0, Image, "PNG", ""},
		{"/a/photo", "\xff\xd8\xff\xe0", 0, Image, "JPEG", ""},
		{"/a/b.jpg", "hello", 0, Text, "text", ""},
		{"/a/b.go", "package x\n", 0, Text, "text", ""},
		{"/a/long", long, 0, Text, "text", ""},
		{"/a/cut", "x" + long, 0, Text, "text", ""},
		{"/a/cut4", "xxx" + strings.Repeat("🏞", headBytes/4), 0, Text, "text", ""},
		{"/a/end", "caf\xc3", 0, Other, "", "neither"},
		{"/a/b.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>", 0, Text, "SVG", ""},
		{"/a/b.pdf", "%PDF-1.7\nall letters", 0, Other, "PDF", "holds PDF"},
		{"/a/b.heic", "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", 0, Other, "HEIC", "holds HEIC"},
		{"/a/utf16", "\xff\xfeh\x00i\x00", 0, Other, "", "UTF-8"},
		{"/a/binary", "\x7fELF\x02\x01\x01\x00", 0, Other, "", "neither"},
		{"/a/empty", "", 0, Other, "", "is empty"},
		{"/a/pipe", png, fs.ModeNamedPipe, Other, "", "no ordinary file"},
		{"/dev/null", "", fs.ModeDevice | fs.ModeCharDevice, Other, "", "no ordinary file"},
	}
	for _, c := range cases {
		d := newDisk()
		d.files[c.name], d.mode[c.name] = c.data, c.mode
		r := Parse(c.name, Env{}).Resolve(d, picture.Sniff)
		if len(r.Files) != 1 {
			t.Errorf("%s: %d files", c.name, len(r.Files))
			continue
		}
		f := r.Files[0]
		if f.Kind != c.kind || f.Format != c.format || f.Size != int64(len(c.data)) || f.Path != c.name || f.Source != c.name {
			t.Errorf("%s: %+v, want %v %q", c.name, f, c.kind, c.format)
		}
		if (f.Problem == "") != (c.problem == "") || !strings.Contains(f.Problem, c.problem) {
			t.Errorf("%s: problem %q, want %q in it", c.name, f.Problem, c.problem)
		}
		if f.Attachable() != (c.problem == "") {
			t.Errorf("%s: attachable %v with problem %q", c.name, f.Attachable(), f.Problem)
		}
	}
}

// TestSplit expects what cannot be attached to stay as it was pasted.
func TestSplit(t *testing.T) {
	d := newDisk("/a/my b.png", "/a/the folder/", "/a/c.png", "/a/d")
	d.files["/a/d"] = ""
	r := Parse(`/a/my\ b.png /a/the\ folder '/a/c.png' "/a/d"`, Env{}).Resolve(d, picture.Sniff)
	attach, rest, problems := r.Split()
	if got, want := pathsOf(Result{Files: attach}), []string{"/a/my b.png", "/a/c.png"}; !slices.Equal(got, want) {
		t.Errorf("attached %q, want %q", got, want)
	}
	if want := `/a/the\ folder "/a/d"`; rest != want {
		t.Errorf("left %q, want %q", rest, want)
	}
	if len(problems) != 2 || !strings.Contains(problems[0], "folder") || !strings.Contains(problems[1], "empty") {
		t.Errorf("problems %q", problems)
	}
}

// TestDiskFails expects every failure of the disk to be said, and to leave the text.
func TestDiskFails(t *testing.T) {
	d := newDisk("/a/b.png", "/a/c.png")
	d.fail["/a/b.png"] = fs.ErrPermission
	if r := Parse("/a/b.png", Env{}).Resolve(d, picture.Sniff); r.Files != nil || !strings.Contains(r.Problem, "permission") {
		t.Errorf("stat refused: %+v", r)
	}
	if r := Parse("/a/c.png /a/b.png", Env{}).Resolve(d, picture.Sniff); r.Files != nil || !strings.Contains(r.Problem, "/a/b.png") {
		t.Errorf("stat of one refused: %+v", r)
	}
	for _, err := range []error{fs.ErrInvalid, syscall.ENOTDIR, syscall.ENAMETOOLONG} {
		d.fail["/a/b.png"] = err
		if r := Parse("/a/b.png", Env{}).Resolve(d, picture.Sniff); r.Files != nil || r.Problem != "" {
			t.Errorf("%v: %+v, want text", err, r)
		}
	}
	d = newDisk(`C:\a|b`, `C:\c`)
	d.fail[`C:\a|b`] = errorInvalidName
	if r := Parse(`C:\a|b`, Env{Windows: true}).Resolve(d, picture.Sniff); r.Files != nil || r.Problem != "" {
		t.Errorf("a name that Windows has not: %+v, want text", r)
	}
	d = newDisk("/a/b.png")
	d.open = errors.New("input/output error")
	r := Parse("/a/b.png", Env{}).Resolve(d, picture.Sniff)
	if len(r.Files) != 1 || r.Files[0].Attachable() || !strings.Contains(r.Files[0].Problem, "input/output error") {
		t.Errorf("open refused: %+v", r)
	}
	if _, rest, _ := r.Split(); rest != "/a/b.png" {
		t.Errorf("open refused: %q is left", rest)
	}
}

// TestRealDisk drops a picture, a text and a folder that exist.
func TestRealDisk(t *testing.T) {
	dir := t.TempDir()
	photo, notes := filepath.Join(dir, "my photo.jpg"), filepath.Join(dir, "notes")
	for name, data := range map[string]string{photo: png, notes: "hello"} {
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := Env{Windows: runtime.GOOS == "windows"}
	text := strings.Join([]string{photo, notes, dir, filepath.Join(dir, "none")}, "\n")
	if r := Parse(text, env).Resolve(Disk{}, picture.Sniff); r.Files != nil || !strings.Contains(r.Problem, "none") {
		t.Errorf("one is missing: %+v", r)
	}
	r := Parse(strings.TrimSuffix(text, "none"), env).Resolve(Disk{}, picture.Sniff)
	var kinds []Kind
	for _, f := range r.Files {
		kinds = append(kinds, f.Kind)
	}
	if want := []Kind{Image, Text, Directory, Directory}; !slices.Equal(kinds, want) {
		t.Errorf("%v, want %v", kinds, want)
	}
}

func TestHosts(t *testing.T) {
	text := `"\\nas\share one\a.png" \\NAS2\x\b.png C:\c.png "\\nas\y\d.png"` + "\n" + `\\third\z\e.png`
	text += "\n" + `\\nas\again\f.png`
	if got, want := Parse(text, Env{Windows: true}).Hosts(), []string{"nas", "NAS2", "third"}; !slices.Equal(got, want) {
		t.Errorf("hosts %q, want %q", got, want)
	}
	if got := Parse(text, Env{}).Hosts(); got != nil {
		t.Errorf("not on Windows: hosts %q", got)
	}
}

func TestNewEnv(t *testing.T) {
	env := map[string]string{"WSL_DISTRO_NAME": "Debian", "SSH_TTY": "/dev/pts/1"}
	getenv := func(name string) string { return env[name] }
	if got, want := NewEnv("linux", getenv, "/h", "/d"), (Env{Home: "/h", Dir: "/d", WSL: "Debian", Remote: true}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	env = nil
	if got, want := NewEnv("windows", getenv, "", ""), (Env{Windows: true}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestPosixWords(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string // nil: none
	}{
		{`a b`, []string{"a", "b"}},
		{`  a   b  `, []string{"a", "b"}},
		{`a\ b`, []string{"a b"}},
		{`a\\b\'`, []string{`a\b'`}},
		{`'a b'c"d e"`, []string{"a bcd e"}},
		{`'a\b'`, []string{`a\b`}},
		{`"a\"b\\c\$d\e"`, []string{`a"b\c$d\e`}},
		{"\"a\\`b\"", []string{"a`b"}},
		{`''`, []string{""}},
		{`can'\''t`, nil},
		{`'can'\''t'`, []string{"can't"}},
		{`C:\a\b "D:\c d\e" \\h\s\f`, []string{`C:\a\b`, `D:\c d\e`, `\\h\s\f`}},
		{`"C:\a"b`, []string{`C:\ab`}},
		{`"C:\a`, nil},
		{`a\`, nil},
		{`"a`, nil},
		{`"a\"`, nil},
		{`'a`, nil},
		{``, nil},
		{`  `, nil},
	} {
		words, ok := posixWords(c.line)
		var got []string
		for _, w := range words {
			got = append(got, w.text)
			if !strings.Contains(c.line, w.source) {
				t.Errorf("%q: source %q is not in it", c.line, w.source)
			}
		}
		if ok != (c.want != nil) || !slices.Equal(got, c.want) {
			t.Errorf("%q: %q %v, want %q", c.line, got, ok, c.want)
		}
	}
}

func TestLocate(t *testing.T) {
	linux, windows, wsl := envs[""], envs["windows"], envs["wsl"]
	for _, c := range []struct {
		env    Env
		word   string
		want   string
		shaped bool
	}{
		{linux, "/a", "/a", true},
		{linux, "/a//b/../c/", "/a//b/../c/", true},
		{linux, "/", "", false},
		{linux, "//.", "", false},
		{linux, "~/a", "/home/ann/a", true},
		{linux, "~/", "", false},
		{Env{}, "~/a", "", true},
		{Env{Home: "/home/ann/"}, "~/a", "/home/ann/a", true},
		{linux, "~", "", false},
		{linux, "a/b", "", false},
		{linux, "./a", "", false},
		{linux, `C:\a`, "", true},
		{windows, `C:\a`, `C:\a`, true},
		{windows, `c:/a/b`, `c:/a/b`, true},
		{windows, `C:\`, "", false},
		{windows, `C:a`, "", false},
		{windows, `1:\a`, "", false},
		{windows, "/a", "", true},
		{windows, `\\h\s\a`, `\\h\s\a`, true},
		{windows, `\\h`, "", false},
		{windows, `\\\s`, "", false},
		{windows, "file:///C:/a%20b", "C:/a b", true},
		{wsl, `C:\a\b`, "/mnt/c/a/b", true},
		{wsl, `d:/a`, "/mnt/d/a", true},
		{wsl, "file:///C:/a", "/mnt/c/a", true},
		{wsl, `\\wsl$\debian\a\b`, "/a/b", true},
		{wsl, `\\wsl.localhost\Debian`, "", true},
		{wsl, `\\nas\Debian\a`, "", true},
		{linux, `\\wsl$\Debian\a`, "", true},
		{linux, `\\wsl$\\a`, "", true},
		{linux, "file:///a%00b", "", false},
		{linux, "file:///a%ff", "", false},
		{linux, "file:///", "", false},
		{linux, "file://", "", false},
		{linux, "file:", "", false},
		{linux, "file:a", "", false},
		{linux, "file://LocalHost/a", "/a", true},
		{linux, "http://localhost/a", "", false},
		{linux, "file:///%E5%86%99", "/写", true},
		{linux, "file:///" + strings.Repeat("%41", 4095), "/" + strings.Repeat("A", 4095), true},
		{linux, "file:///" + strings.Repeat("%41", 4096), "", false},
	} {
		if got, shaped := c.env.locate(c.word); got != c.want || shaped != c.shaped {
			t.Errorf("%+v %.60q: %.60q %v, want %q %v", c.env, c.word, got, shaped, c.want, c.shaped)
		}
	}
}
