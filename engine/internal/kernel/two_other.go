//go:build !amd64 || noasm

package kernel

// twoVectors is working memory that other versions need.
type twoVectors struct{}
