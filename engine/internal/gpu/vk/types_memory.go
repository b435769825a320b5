//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package vk

// Buffers and memory.
type (
	// BufferCreateInfo is the structure of that name.
	BufferCreateInfo struct {
		SType                 uint32
		PNext                 P
		Flags                 uint32
		Size                  uint64
		Usage                 uint32
		SharingMode           uint32
		QueueFamilyIndexCount uint32
		PQueueFamilyIndices   *uint32
	}

	// MemoryRequirements is the structure of that name.
	MemoryRequirements struct {
		Size, Alignment uint64
		MemoryTypeBits  uint32
	}

	// MemoryAllocateInfo is the structure of that name.
	MemoryAllocateInfo struct {
		SType           uint32
		PNext           P
		AllocationSize  uint64
		MemoryTypeIndex uint32
	}

	// BufferCopy is the structure of that name.
	BufferCopy struct {
		Src, Dst, Size uint64
	}
)
