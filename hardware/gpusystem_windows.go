package hardware

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/sys/windows/registry"
)

// videoMap lists the display adapters that are there now, unlike the keys of their
// drivers, which stay when a card has gone. Its values name those keys.
const videoMap = `HARDWARE\DEVICEMAP\VIDEO`

// systemGPUs lists the display adapters of the registry. What of their memory is free
// it does not know.
func systemGPUs(fs.FS) ([]GPU, error) {
	present, err := registry.OpenKey(registry.LOCAL_MACHINE, videoMap, registry.QUERY_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("hardware: reading the registry's display adapters: %w", err)
	}
	defer present.Close()
	values, err := present.ReadValueNames(mostGPUs)
	if len(values) == 0 && err != nil {
		return nil, fmt.Errorf("hardware: listing the registry's display adapters: %w", err)
	}
	var all []GPU
	for _, value := range values {
		at, _, err := present.GetStringValue(value)
		at, ok := strings.CutPrefix(strings.ToLower(at), `\registry\machine\`)
		if err != nil || !ok || !strings.HasSuffix(at, `\0000`) {
			continue // no adapter, or a further socket of one
		}
		key, err := registry.OpenKey(registry.LOCAL_MACHINE, at, registry.QUERY_VALUE)
		if err != nil {
			continue // some are for the system alone
		}
		var a registryAdapter
		a.description, _, _ = key.GetStringValue("DriverDesc")
		a.version, _, _ = key.GetStringValue("DriverVersion")
		a.device, _, _ = key.GetStringValue("MatchingDeviceId")
		a.memory, _, _ = key.GetIntegerValue("HardwareInformation.qwMemorySize")
		key.Close()
		if g, ok := a.gpu(); ok {
			all = append(all, g)
		}
	}
	return all, nil
}
