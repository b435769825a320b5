package cli

import (
	"errors"
	"os"
	"strings"
	"testing"

	"scout/downloads"
	"scout/downloads/faultserver"
	"scout/engine"
)

// TestRemoteHeader describes and plans a model that is only on a hub, and expects
// nothing of its weights to be read.
func TestRemoteHeader(t *testing.T) {
	data, err := os.ReadFile("../../testdata/models/tiny-scout-Q8_0.gguf")
	if err != nil {
		t.Fatal(err)
	}
	server := faultserver.New(t)
	repository := server.Repository("someone/Tiny-GGUF")
	repository.Direct = true
	repository.Commit(strings.Repeat("1", 40), faultserver.Data("Tiny-Q8_0.gguf", data))
	local, err := engine.InspectEmbedded("tiny", data)
	if err != nil {
		t.Fatal(err)
	}
	missing := func(t *testing.T) *testApp {
		a := roomy(t)
		a.inspectModel = func(name string) (engine.Info, error) { return modelFiles{}.inspect(name) }
		a.remote = func(work func(d *downloads.Downloads) error) error {
			d, err := downloads.Open(downloads.Config{
				Dir: t.TempDir(), Client: server.Client(t), Home: "/nowhere", Registry: server.Hub,
				Environment: func(name string) string { return map[string]string{"HF_ENDPOINT": server.Hub}[name] },
			})
			if err != nil {
				return err
			}
			return errors.Join(work(d), d.Close())
		}
		return a
	}
	const name = "hf.co/someone/Tiny-GGUF:Q8_0"
	a := missing(t)
	if code := a.run("fit", name, "--ctx", "512"); code != ExitDone || !strings.Contains(a.out.String(), "model: the headers of its files") {
		t.Errorf("got code %d, %s%s", code, a.out.String(), a.err.String())
	}
	a = missing(t)
	if code := a.run("show", name); code != ExitDone || !strings.Contains(a.out.String(), local.Name) {
		t.Errorf("got code %d, %s%s", code, a.out.String(), a.err.String())
	}
	info, read, err := missing(t).inspectAnywhere(t.Context(), name)
	if err != nil || info.Bytes != local.Bytes || len(info.Blocks) != local.Layers || info.Reads[0] != local.Reads[0] || read <= 0 {
		t.Errorf("got %d bytes in %d blocks after %d, %v", info.Bytes, len(info.Blocks), read, err)
	}
	if sent := repository.Sent(); sent > 3*(read+1000) {
		t.Errorf("%d bytes were sent for three looks of %d", sent, read)
	}
	t.Logf("read %d bytes of %d", read, len(data))
	a = missing(t)
	if code := a.run("fit", "hf.co/someone/Tiny-GGUF:Q4_K_M"); code == ExitDone || strings.Count(a.err.String(), "\n") != 1 {
		t.Errorf("got code %d, %q", code, a.err.String())
	}
	a = missing(t)
	a.remote = func(func(d *downloads.Downloads) error) error { t.Error("a hub was asked"); return nil }
	if code := a.run("fit", "no-such-name"); code != ExitUsage && code != ExitError {
		t.Errorf("got code %d", code)
	}
}
