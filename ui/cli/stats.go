package cli

import (
	"fmt"

	"scout/engine"
)

// statsLine is the counts of an answer and what it takes to get it again, for
// people.
func statsLine(a answer, s engine.Sampling) string {
	st := a.Stats
	line := fmt.Sprintf("prompt %d tokens", st.PromptTokens)
	if st.Reused > 0 {
		line += fmt.Sprintf(" (%d reused)", st.Reused)
	}
	if st.Tiles > 0 {
		line += fmt.Sprintf(", %s of pictures in %.2f s, read", plural(st.Tiles, "tile"), st.Vision.Seconds())
	}
	line += fmt.Sprintf(" in %.2f s, %s tok/s; answer %d tokens in %.2f s, %s tok/s; context %d of %d; ended: %s; ",
		st.Prefill.Seconds(), formatRate(st.PrefillPerSecond()),
		st.Generated, st.Decode.Seconds(), formatRate(st.DecodePerSecond()),
		st.PromptTokens+st.Generated, st.Context, a.Reason)
	if s.Temperature == 0 {
		return line + "greedy"
	}
	return line + fmt.Sprintf("temperature %g, top-p %g, seed %d", s.Temperature, s.TopP, s.Seed)
}
