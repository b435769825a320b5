package cli

import "testing"

// TestCacheType checks that --kv reaches the engine, f16 when it is not given.
func TestCacheType(t *testing.T) {
	for _, want := range append([]string{""}, kvTypes...) {
		a := newTestApp(t, newFakeModel("Hi"))
		args := []string{"run", "m", "Hello"}
		if want != "" {
			args = append(args, "--kv", want)
		} else {
			want = "f16"
		}
		if code := a.run(args...); code != 0 {
			t.Fatalf("%v: code %d, %s", args, code, a.err.String())
		}
		if got := a.model.options.KV; got != want {
			t.Errorf("%v: the engine is asked for %q, want %q", args, got, want)
		}
	}
}
