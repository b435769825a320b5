package cpu

import "scout/engine/internal/kernel"

// Features names what of this processor is used; nothing where plain loops run.
func Features() []string { return kernel.Features() }
