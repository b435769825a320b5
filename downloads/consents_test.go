package downloads

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestConsents(t *testing.T) {
	c := Consents{Path: filepath.Join(t.TempDir(), "new", "licences.json")}
	if c.Given("llama4") {
		t.Error("a file that is not there has an answer")
	}
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, license := range []string{"llama4", "qwen", "llama4"} {
		must(t, c.Give(Consent{License: license, Title: "T", Model: "m", Given: when}))
	}
	again := Consents{Path: c.Path}
	for license, want := range map[string]bool{"llama4": true, "qwen": true, "llama": false, "": false} {
		if again.Given(license) != want {
			t.Errorf("Given(%q) = %v", license, !want)
		}
	}
	// What makes no sense has nothing in it, and is written anew.
	must(t, os.WriteFile(c.Path, []byte("{"), 0o600))
	if c.Given("llama4") {
		t.Error("a broken file has an answer")
	}
	must(t, c.Give(Consent{License: "qwen"}))
	if !c.Given("qwen") || c.Given("llama4") {
		t.Error("the answer is not kept after a broken file")
	}
	// That of a later version stays as it is.
	later := `{"version":2,"consents":[{"license":"x"}]}`
	must(t, os.WriteFile(c.Path, []byte(later), 0o600))
	if c.Given("x") {
		t.Error("a later version's file was understood")
	}
	mustSay(t, c.Give(Consent{License: "qwen"}), "keeping the answer in", "later version")
	if data, err := os.ReadFile(c.Path); err != nil || string(data) != later {
		t.Errorf("the later version's file is now %q, %v", data, err)
	}
	blocked := Consents{Path: filepath.Join(c.Path, "in a file", "licences.json")}
	mustSay(t, blocked.Give(Consent{License: "qwen"}), "keeping the answer in")
}
