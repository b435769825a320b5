//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package vk

// Instances, devices and what is known of them.
type (
	// ApplicationInfo is the structure of that name.
	ApplicationInfo struct {
		SType              uint32
		PNext              P
		PApplicationName   *byte
		ApplicationVersion uint32
		PEngineName        *byte
		EngineVersion      uint32
		APIVersion         uint32
	}

	// InstanceCreateInfo is the structure of that name.
	InstanceCreateInfo struct {
		SType                   uint32
		PNext                   P
		Flags                   uint32
		PApplicationInfo        *ApplicationInfo
		EnabledLayerCount       uint32
		PpEnabledLayerNames     **byte
		EnabledExtensionCount   uint32
		PpEnabledExtensionNames **byte
	}

	// ExtensionProperties is the structure of that name.
	ExtensionProperties struct {
		Name        [256]byte
		SpecVersion uint32
	}

	// LayerProperties is the structure of that name.
	LayerProperties struct {
		Name                  [256]byte
		SpecVersion           uint32
		ImplementationVersion uint32
		Description           [256]byte
	}

	// PhysicalDeviceLimits is the structure of that name.
	PhysicalDeviceLimits struct {
		MaxImage                         [5]uint32
		MaxTexelBufferElements           uint32
		MaxUniformBufferRange            uint32
		MaxStorageBufferRange            uint32
		MaxPushConstantsSize             uint32
		MaxMemoryAllocationCount         uint32
		MaxSamplerAllocationCount        uint32
		BufferImageGranularity           uint64
		SparseAddressSpaceSize           uint64
		MaxBoundDescriptorSets           uint32
		_                                [37]uint32
		MaxComputeSharedMemorySize       uint32
		MaxComputeWorkGroupCount         [3]uint32
		MaxComputeWorkGroupInvocations   uint32
		MaxComputeWorkGroupSize          [3]uint32
		_                                [14]uint32 // .. viewportSubPixelBits
		MinMemoryMapAlignment            uint64
		MinTexelBufferOffsetAlignment    uint64
		MinUniformBufferOffsetAlignment  uint64
		MinStorageBufferOffsetAlignment  uint64
		_                                [21]uint32
		TimestampComputeAndGraphics      uint32
		TimestampPeriod                  float32
		_                                [12]uint32
		OptimalBufferCopyOffsetAlignment uint64
		OptimalBufferCopyRowPitch        uint64
		NonCoherentAtomSize              uint64
	}

	// PhysicalDeviceProperties is the structure of that name.
	PhysicalDeviceProperties struct {
		APIVersion, DriverVersion, VendorID, DeviceID, DeviceType uint32
		DeviceName                                                [256]byte
		PipelineCacheUUID                                         [16]byte
		Limits                                                    PhysicalDeviceLimits
		Sparse                                                    [5]uint32
	}

	// PhysicalDeviceProperties2 is the structure of that name.
	PhysicalDeviceProperties2 struct {
		SType      uint32
		PNext      P
		Properties PhysicalDeviceProperties
	}

	// Vulkan11Properties is the structure of that name.
	Vulkan11Properties struct {
		SType                   uint32
		PNext                   P
		DeviceUUID              [16]byte
		DriverUUID              [16]byte
		DeviceLUID              [8]byte
		DeviceNodeMask          uint32
		DeviceLUIDValid         uint32
		SubgroupSize            uint32
		SubgroupSupportedStages uint32
		SubgroupSupportedOps    uint32
		SubgroupQuadAllStages   uint32
		PointClipping           uint32
		MaxMultiviewViewCount   uint32
		MaxMultiviewInstance    uint32
		ProtectedNoFault        uint32
		MaxPerSetDescriptors    uint32
		MaxMemoryAllocationSize uint64
	}

	// Vulkan12Properties is the structure of that name.
	Vulkan12Properties struct {
		SType      uint32
		PNext      P
		DriverID   uint32
		DriverName [256]byte
		DriverInfo [256]byte
		_          [204]byte
	}

	// MemoryType is the structure of that name.
	MemoryType struct {
		PropertyFlags, HeapIndex uint32
	}

	// MemoryHeap is the structure of that name.
	MemoryHeap struct {
		Size  uint64
		Flags uint32
		_     uint32
	}

	// PhysicalDeviceMemoryProperties is the structure of that name.
	PhysicalDeviceMemoryProperties struct {
		MemoryTypeCount uint32
		MemoryTypes     [32]MemoryType
		MemoryHeapCount uint32
		MemoryHeaps     [16]MemoryHeap
	}

	// PhysicalDeviceMemoryProperties2 is the structure of that name.
	PhysicalDeviceMemoryProperties2 struct {
		SType uint32
		PNext P
		Props PhysicalDeviceMemoryProperties
	}

	// MemoryBudget is the structure of that name.
	MemoryBudget struct {
		SType  uint32
		PNext  P
		Budget [16]uint64
		Usage  [16]uint64
	}

	// PCIBusInfo is the structure of that name.
	PCIBusInfo struct {
		SType                         uint32
		PNext                         P
		Domain, Bus, Device, Function uint32
	}

	// Features is the structure of that name.
	Features struct {
		B [55]uint32
	}

	// Features2 is the structure of that name.
	Features2 struct {
		SType uint32
		PNext P
		F     Features
	}

	// Vulkan11Features is the structure of that name.
	Vulkan11Features struct {
		SType                              uint32
		PNext                              P
		StorageBuffer16BitAccess           uint32
		UniformAndStorageBuffer16BitAccess uint32
		StoragePushConstant16              uint32
		StorageInputOutput16               uint32
		_                                  [8]uint32
	}

	// Vulkan12Features is the structure of that name.
	Vulkan12Features struct {
		SType                             uint32
		PNext                             P
		SamplerMirrorClampToEdge          uint32
		DrawIndirectCount                 uint32
		StorageBuffer8BitAccess           uint32
		UniformAndStorageBuffer8BitAccess uint32
		StoragePushConstant8              uint32
		ShaderBufferInt64Atomics          uint32
		ShaderSharedInt64Atomics          uint32
		ShaderFloat16                     uint32
		ShaderInt8                        uint32
		_                                 [22]uint32 // descriptorIndexing .. scalarBlockLayout-1
		ScalarBlockLayout                 uint32
		ImagelessFramebuffer              uint32
		UniformBufferStandardLayout       uint32
		ShaderSubgroupExtendedTypes       uint32
		SeparateDepthStencilLayouts       uint32
		HostQueryReset                    uint32
		TimelineSemaphore                 uint32
		BufferDeviceAddress               uint32
		BufferDeviceAddressCaptureReplay  uint32
		BufferDeviceAddressMultiDevice    uint32
		VulkanMemoryModel                 uint32
		VulkanMemoryModelDeviceScope      uint32
		_                                 [4]uint32
	}

	// QueueFamilyProperties is the structure of that name.
	QueueFamilyProperties struct {
		QueueFlags, QueueCount, TimestampValidBits uint32
		_                                          [3]uint32
	}

	// DeviceQueueCreateInfo is the structure of that name.
	DeviceQueueCreateInfo struct {
		SType            uint32
		PNext            P
		Flags            uint32
		QueueFamilyIndex uint32
		QueueCount       uint32
		PQueuePriorities *float32
	}

	// DeviceCreateInfo is the structure of that name.
	DeviceCreateInfo struct {
		SType                   uint32
		PNext                   P
		Flags                   uint32
		QueueCreateInfoCount    uint32
		PQueueCreateInfos       *DeviceQueueCreateInfo
		EnabledLayerCount       uint32
		PpEnabledLayerNames     **byte
		EnabledExtensionCount   uint32
		PpEnabledExtensionNames **byte
		PEnabledFeatures        P
	}

	// DebugUtilsMessengerCreateInfo is the structure of that name.
	DebugUtilsMessengerCreateInfo struct {
		SType           uint32
		PNext           P
		Flags           uint32
		MessageSeverity uint32
		MessageType     uint32
		PfnUserCallback uintptr
		PUserData       uintptr
	}

	// DebugUtilsMessengerCallbackData is the structure of that name.
	DebugUtilsMessengerCallbackData struct {
		SType           uint32
		PNext           P
		Flags           uint32
		PMessageIDName  *byte
		MessageIDNumber int32
		PMessage        *byte
		_               [48]byte
	}
)
