package hardware

import "strings"

// diskutilKind is the kind of disk that "diskutil info -plist" tells of: a property
// list with keys such as SolidState, and BusProtocol, which is Apple Fabric for the
// disk of an Apple processor.
func diskutilKind(list string) string {
	bus := strings.TrimSuffix(strings.TrimPrefix(plistValue(list, "BusProtocol"), "<string>"), "</string>")
	solid := plistValue(list, "SolidState")
	switch {
	case bus == "Apple Fabric", strings.HasPrefix(bus, "PCI") && solid == "<true/>":
		return "nvme"
	case solid == "<false/>":
		return "hdd"
	case bus == "USB":
		return "usb"
	case solid == "<true/>":
		return "sata"
	}
	return ""
}

// plistValue is the element that follows a key, on the line below it.
func plistValue(list, key string) string {
	_, rest, ok := strings.Cut(list, "<key>"+key+"</key>")
	if !ok {
		return ""
	}
	line, _, _ := strings.Cut(strings.TrimLeft(rest, " \t\r\n"), "\n")
	return strings.TrimSpace(line)
}
