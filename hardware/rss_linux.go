package hardware

import "os"

// PeakRSS is the most memory this process has had resident so far, in bytes.
func PeakRSS() (int64, error) { return statusPeakRSS(os.DirFS("/")) }
