package model

// ChunkOf is how many positions the cache of block l keeps: 0 for all of them.
func (c Config) ChunkOf(l int) int {
	if c.local(l) {
		return c.Chunk
	}
	return 0
}
