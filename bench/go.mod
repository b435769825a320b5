module scout/bench

go 1.26.0

require (
	github.com/dlclark/regexp2 v1.12.0
	github.com/ebitengine/purego v0.11.3
	github.com/hybridgroup/yzma v1.28.0
	github.com/jupiterrider/ffi v0.8.0
	scout v0.0.0
)

require (
	golang.org/x/image v0.47.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace scout => ../

replace github.com/ebitengine/purego => github.com/ebitengine/purego v0.10.0
