//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package vk

// Shaders, pipelines and descriptors.
type (
	// ShaderModuleCreateInfo is the structure of that name.
	ShaderModuleCreateInfo struct {
		SType    uint32
		PNext    P
		Flags    uint32
		CodeSize uint64
		PCode    *uint32
	}

	// PipelineCacheCreateInfo is the structure of that name.
	PipelineCacheCreateInfo struct {
		SType           uint32
		PNext           P
		Flags           uint32
		InitialDataSize uint64
		PInitialData    *byte
	}

	// SpecializationMapEntry is the structure of that name.
	SpecializationMapEntry struct {
		ConstantID, Offset uint32
		Size               uint64
	}

	// SpecializationInfo is the structure of that name.
	SpecializationInfo struct {
		MapEntryCount uint32
		PMapEntries   *SpecializationMapEntry
		DataSize      uint64
		PData         P
	}

	// PipelineShaderStageCreateInfo is the structure of that name.
	PipelineShaderStageCreateInfo struct {
		SType               uint32
		PNext               P
		Flags               uint32
		Stage               uint32
		Module              Handle
		PName               *byte
		PSpecializationInfo *SpecializationInfo
	}

	// ComputePipelineCreateInfo is the structure of that name.
	ComputePipelineCreateInfo struct {
		SType             uint32
		PNext             P
		Flags             uint32
		Stage             PipelineShaderStageCreateInfo
		Layout            Handle
		BasePipeline      Handle
		BasePipelineIndex int32
	}

	// PushConstantRange is the structure of that name.
	PushConstantRange struct {
		StageFlags, Offset, Size uint32
	}

	// PipelineLayoutCreateInfo is the structure of that name.
	PipelineLayoutCreateInfo struct {
		SType                  uint32
		PNext                  P
		Flags                  uint32
		SetLayoutCount         uint32
		PSetLayouts            *Handle
		PushConstantRangeCount uint32
		PPushConstantRanges    *PushConstantRange
	}

	// DescriptorSetLayoutBinding is the structure of that name.
	DescriptorSetLayoutBinding struct {
		Binding, DescriptorType, DescriptorCount, StageFlags uint32
		PImmutableSamplers                                   *Handle
	}

	// DescriptorSetLayoutCreateInfo is the structure of that name.
	DescriptorSetLayoutCreateInfo struct {
		SType        uint32
		PNext        P
		Flags        uint32
		BindingCount uint32
		PBindings    *DescriptorSetLayoutBinding
	}

	// DescriptorPoolSize is the structure of that name.
	DescriptorPoolSize struct {
		Type, Count uint32
	}

	// DescriptorPoolCreateInfo is the structure of that name.
	DescriptorPoolCreateInfo struct {
		SType         uint32
		PNext         P
		Flags         uint32
		MaxSets       uint32
		PoolSizeCount uint32
		PPoolSizes    *DescriptorPoolSize
	}

	// DescriptorSetAllocateInfo is the structure of that name.
	DescriptorSetAllocateInfo struct {
		SType              uint32
		PNext              P
		DescriptorPool     Handle
		DescriptorSetCount uint32
		PSetLayouts        *Handle
	}

	// DescriptorBufferInfo is the structure of that name.
	DescriptorBufferInfo struct {
		Buffer        Handle
		Offset, Range uint64
	}

	// WriteDescriptorSet is the structure of that name.
	WriteDescriptorSet struct {
		SType            uint32
		PNext            P
		DstSet           Handle
		DstBinding       uint32
		DstArrayElement  uint32
		DescriptorCount  uint32
		DescriptorType   uint32
		PImageInfo       P
		PBufferInfo      *DescriptorBufferInfo
		PTexelBufferView P
	}
)
