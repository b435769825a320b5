//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package vk

// Command lists, queues and semaphores.
type (
	// CommandPoolCreateInfo is the structure of that name.
	CommandPoolCreateInfo struct {
		SType            uint32
		PNext            P
		Flags            uint32
		QueueFamilyIndex uint32
	}

	// CommandBufferAllocateInfo is the structure of that name.
	CommandBufferAllocateInfo struct {
		SType       uint32
		PNext       P
		CommandPool Handle
		Level       uint32
		Count       uint32
	}

	// CommandBufferBeginInfo is the structure of that name.
	CommandBufferBeginInfo struct {
		SType            uint32
		PNext            P
		Flags            uint32
		PInheritanceInfo P
	}

	// MemoryBarrier is the structure of that name.
	MemoryBarrier struct {
		SType                        uint32
		PNext                        P
		SrcAccessMask, DstAccessMask uint32
	}

	// SubmitInfo is the structure of that name.
	SubmitInfo struct {
		SType                uint32
		PNext                P
		WaitSemaphoreCount   uint32
		PWaitSemaphores      *Handle
		PWaitDstStageMask    *uint32
		CommandBufferCount   uint32
		PCommandBuffers      *CommandBuffer
		SignalSemaphoreCount uint32
		PSignalSemaphores    *Handle
	}

	// SemaphoreCreateInfo is the structure of that name.
	SemaphoreCreateInfo struct {
		SType uint32
		PNext P
		Flags uint32
	}

	// SemaphoreTypeCreateInfo is the structure of that name.
	SemaphoreTypeCreateInfo struct {
		SType         uint32
		PNext         P
		SemaphoreType uint32
		InitialValue  uint64
	}

	// TimelineSemaphoreSubmitInfo is the structure of that name.
	TimelineSemaphoreSubmitInfo struct {
		SType       uint32
		PNext       P
		WaitCount   uint32
		PWaitValues *uint64
		SigCount    uint32
		PSigValues  *uint64
	}

	// SemaphoreWaitInfo is the structure of that name.
	SemaphoreWaitInfo struct {
		SType          uint32
		PNext          P
		Flags          uint32
		SemaphoreCount uint32
		PSemaphores    *Handle
		PValues        *uint64
	}
)
