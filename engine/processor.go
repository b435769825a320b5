package engine

import "scout/engine/internal/cpu"

// ProcessorFeatures names what of this machine's processor the engine computes with,
// such as AVX2 or NEON; nothing where it has only plain loops. All of them give the
// same answers, bit for bit.
func ProcessorFeatures() []string { return cpu.Features() }
