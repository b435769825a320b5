package sample

// DefaultPenaltyWindow is how many of the last tokens the penalties look at
// when Params.PenaltyWindow is 0. It is llama.cpp's default.
const DefaultPenaltyWindow = 64

// Params says how the next token is chosen. The zero value is greedy decoding.
// A value outside the range given here switches its step off; NaN does too.
type Params struct {
	Temperature float32 // logits are divided by it; 0 or less takes the most likely token
	TopP        float32 // keep the fewest most likely tokens whose probabilities add up to this; (0, 1)
	MinP        float32 // keep tokens at least this fraction as likely as the most likely one; (0, 1]
	TopK        int     // keep this many most likely tokens; 1 or more

	// RepeatPenalty divides a positive logit and multiplies a negative one of
	// every token in the window, once however often it occurs (CTRL, arXiv:1909.05858).
	// 1 is none; 0 is read as none.
	RepeatPenalty float32
	// PresencePenalty is taken off the logit of every token in the window, once.
	PresencePenalty float32
	// FrequencyPenalty is taken off the logit of every token in the window, once
	// for each time it occurs there.
	FrequencyPenalty float32
	// PenaltyWindow is how many of the last accepted tokens the penalties look
	// at: 0 is DefaultPenaltyWindow, negative is all of them.
	PenaltyWindow int

	Seed uint64 // same seed, same logits: same tokens
}

// penalises reports whether any penalty changes any logit.
func (p Params) penalises() bool {
	repeat := p.RepeatPenalty > 0 && p.RepeatPenalty != 1
	return repeat || finiteNonZero(p.PresencePenalty) || finiteNonZero(p.FrequencyPenalty)
}

func finiteNonZero(x float32) bool { return x != 0 && x-x == 0 }

// sane returns p with every switched-off step at its neutral value, so that
// the steps need no range checks.
func (p Params) sane() Params {
	if !(p.Temperature > 0) {
		p.Temperature = 0
	}
	if !(p.TopP > 0 && p.TopP < 1) {
		p.TopP = 1
	}
	if !(p.MinP > 0 && p.MinP <= 1) {
		p.MinP = 0
	}
	if p.TopK < 0 {
		p.TopK = 0
	}
	if !(p.RepeatPenalty > 0) || !finiteNonZero(p.RepeatPenalty) {
		p.RepeatPenalty = 1
	}
	if !finiteNonZero(p.PresencePenalty) {
		p.PresencePenalty = 0
	}
	if !finiteNonZero(p.FrequencyPenalty) {
		p.FrequencyPenalty = 0
	}
	if p.PenaltyWindow == 0 {
		p.PenaltyWindow = DefaultPenaltyWindow
	}
	return p
}
