//go:build !(linux || windows) || !(amd64 || arm64) || nogpu

package hardware

// nvmlGPUs lists NVIDIA's cards: none, in a program that opens no libraries.
func nvmlGPUs() (all []GPU, found bool, err error) { return nil, false, nil }
