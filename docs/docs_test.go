// Package docs keeps the documents true: what they say about imports, paths and
// first commands is held against the tree.
package docs

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	top        = ".."
	modulePath = "scout"
)

// sources maps every package of the module, by its folder, to its Go files;
// main is ".". Other modules inside the tree, and folders the go command
// passes over, are left out.
func sources(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != top {
			if name := d.Name(); name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
				return filepath.SkipDir
			}
		}
		if !d.IsDir() && strings.HasSuffix(path, ".go") {
			folder, err := filepath.Rel(top, filepath.Dir(path))
			if err != nil {
				return err
			}
			found[filepath.ToSlash(folder)] = append(found[filepath.ToSlash(folder)], path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found["."]) == 0 {
		t.Fatalf("no Go files in %s: this test looks in the wrong place", top)
	}
	return found
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(top, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), "\r\n", "\n")
}

var (
	quoted = regexp.MustCompile("`([^`]+)`")
	fenced = regexp.MustCompile("(?s)```.*?```")
)

// allowedImports reads the table of ARCHITECTURE.md: package to packages.
func allowedImports(t *testing.T) map[string][]string {
	t.Helper()
	_, section, ok := strings.Cut(read(t, "ARCHITECTURE.md"), "\n## Who may import whom\n")
	if !ok {
		t.Fatal("ARCHITECTURE.md has no section \"Who may import whom\"")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	allowed := map[string][]string{}
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !quoted.MatchString(cells[1]) {
			continue
		}
		name := quoted.FindStringSubmatch(cells[1])[1]
		if name == "main" {
			name = "."
		}
		allowed[name] = []string{}
		for _, m := range quoted.FindAllStringSubmatch(cells[2], -1) {
			allowed[name] = append(allowed[name], m[1])
		}
	}
	return allowed
}

// TestArrows holds every import of ours against the table of ARCHITECTURE.md.
func TestArrows(t *testing.T) {
	allowed := allowedImports(t)
	packages := sources(t)
	for folder := range allowed {
		if packages[folder] == nil {
			t.Errorf("ARCHITECTURE.md lists package %q, which does not exist", folder)
		}
	}
	for folder, files := range packages {
		if folder == "docs" {
			continue // only this test
		}
		allow, listed := allowed[folder]
		if !listed {
			t.Errorf("package %q is not in the table of ARCHITECTURE.md", folder)
			continue
		}
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, spec := range f.Imports {
				imported, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), modulePath+"/")
				if ours && !slices.Contains(allow, imported) {
					t.Errorf("%s imports %s; ARCHITECTURE.md allows %q only %v", path, imported, folder, allow)
				}
			}
		}
	}
}

// TestPackageComments expects every package to say what it is, once.
func TestPackageComments(t *testing.T) {
	for folder, files := range sources(t) {
		said := 0
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") && folder != "docs" {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			want := "Package " + f.Name.Name + " "
			if f.Name.Name == "main" {
				want = "Command "
			}
			if strings.HasPrefix(f.Doc.Text(), want) {
				said++
			}
		}
		if said != 1 {
			t.Errorf("package %q has %d package comments, want 1", folder, said)
		}
	}
}

// pathLike is what in a document names a file or folder of the tree.
var pathLike = regexp.MustCompile(`^\.?[A-Za-z0-9_][A-Za-z0-9_./-]*(/|\.(go|md|sum|mod))$|^\.ci/run$`)

// TestPathsExist expects every file and folder that a document names to exist.
func TestPathsExist(t *testing.T) {
	for _, name := range []string{"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"} {
		found := 0
		for _, m := range quoted.FindAllStringSubmatch(fenced.ReplaceAllString(read(t, name), ""), -1) {
			if !pathLike.MatchString(m[1]) {
				continue
			}
			found++
			if _, err := os.Stat(filepath.Join(top, filepath.FromSlash(m[1]))); err != nil {
				t.Errorf("%s names %s: %v", name, m[1], err)
			}
		}
		if found == 0 {
			t.Errorf("%s names no file or folder: this test does not see them", name)
		}
	}
}

// TestReadmeBegins expects the first block of README.md to be the two commands
// that a machine with only Go needs: one that chats, one that tests.
func TestReadmeBegins(t *testing.T) {
	_, block, ok := strings.Cut(read(t, "README.md"), "\n```sh\n")
	if !ok {
		t.Fatal("README.md has no block of commands")
	}
	block, _, _ = strings.Cut(block, "\n```")
	if got, want := block, "go run .\ngo test ./..."; got != want {
		t.Errorf("the first block of README.md is\n%s\nwant\n%s", got, want)
	}
}
