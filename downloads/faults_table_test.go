package downloads

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// faultCases is how many cases the table of faults has.
const faultCases = 42

// TestFaultTable holds docs/downloads-faults.md against the tree: every case
// is there, its tests exist, and the program has the sentences that it quotes.
func TestFaultTable(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "docs", "downloads-faults.md"))
	if err != nil {
		t.Fatal(err)
	}
	program := goSources(t, false, ".", "disk", "hub", "store", "transfer", "web", filepath.Join("..", "ui", "cli"))
	next := 1
	for line := range strings.Lines(string(data)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		number, err := strconv.Atoi(strings.TrimSpace(cells[0]))
		if err != nil {
			continue
		}
		if number != next || len(cells) != 5 {
			t.Fatalf("after case %d comes %d with %d columns, want %d with 5", next-1, number, len(cells), next)
		}
		next++
		for _, phrase := range quoted.FindAllStringSubmatch(cells[3], -1) {
			for _, fragment := range variable.Split(phrase[1], -1) {
				if fragment = strings.TrimSpace(fragment); !strings.Contains(program, fragment) {
					t.Errorf("case %d: no sentence of the program has %q", number, fragment)
				}
			}
		}
		mustHaveTests(t, number, cells[4])
	}
	if next != faultCases+1 {
		t.Errorf("the table has %d cases, want %d", next-1, faultCases)
	}
}

var (
	quoted   = regexp.MustCompile("`([^`]+)`")
	variable = regexp.MustCompile(`\bN\b|…`)
)

// mustHaveTests expects "package: TestOne, TestTwo; package: TestThree" to be
// tests of those packages.
func mustHaveTests(t *testing.T, number int, cell string) {
	t.Helper()
	folders := map[string]string{"downloads": ".", "cli": filepath.Join("..", "ui", "cli")}
	for group := range strings.SplitSeq(cell, ";") {
		name, tests, ok := strings.Cut(strings.TrimSpace(group), ":")
		if !ok {
			t.Fatalf("case %d: %q names no tests", number, group)
		}
		folder := folders[name]
		if folder == "" {
			folder = name
		}
		sources := goSources(t, true, folder)
		for test := range strings.SplitSeq(tests, ",") {
			if !strings.Contains(sources, "\nfunc "+strings.TrimSpace(test)+"(") {
				t.Errorf("case %d: package %s has no %s", number, name, strings.TrimSpace(test))
			}
		}
	}
}

// goSources are the sources in those folders: of the tests, or of the rest.
func goSources(t *testing.T, tests bool, folders ...string) string {
	t.Helper()
	var all strings.Builder
	for _, folder := range folders {
		names, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil || len(names) == 0 {
			t.Fatalf("no sources in %s: %v", folder, err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") != tests {
				continue
			}
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(data)
		}
	}
	return all.String()
}
