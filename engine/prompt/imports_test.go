package prompt

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestImports keeps this package and jinja leaves of the tree: of ours, prompt
// imports jinja and jinja nothing; and a template engine has no business with
// files, processes or the network.
func TestImports(t *testing.T) {
	forbidden := []string{"os", "io/fs", "net", "net/http", "os/exec", "syscall", "unsafe", "reflect", "plugin"}
	for _, dir := range []string{".", "jinja"} {
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, f.Name()), nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, imp := range file.Imports {
				path := strings.Trim(imp.Path.Value, `"`)
				if strings.Contains(path, ".") {
					t.Errorf("%s/%s imports %s", dir, f.Name(), path)
				}
				if strings.HasPrefix(path, "scout/") && (dir != "." || path != "scout/engine/prompt/jinja") {
					t.Errorf("%s/%s imports %s", dir, f.Name(), path)
				}
				for _, bad := range forbidden {
					if path == bad {
						t.Errorf("%s/%s imports %s", dir, f.Name(), path)
					}
				}
			}
		}
	}
}
