package cli

import (
	"slices"

	"github.com/spf13/pflag"
)

// kvTypes are the element types of a cache that --kv takes.
var kvTypes = []string{"f16", "f32", "q8_0", "q4_0"}

// registerKV adds --kv to a command.
func registerKV(flags *pflag.FlagSet, kv *string) {
	flags.StringVar(kv, "kv", "f16", "element type of the cache: f16, f32, or with less memory and accuracy q8_0 or q4_0")
}

func checkKV(kv string) error {
	if !slices.Contains(kvTypes, kv) {
		return usageErrorf("--kv is %q, want f16, f32, q8_0 or q4_0", kv)
	}
	return nil
}
