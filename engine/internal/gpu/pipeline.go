//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package gpu

import (
	"embed"
	"unsafe"

	"scout/engine/internal/gpu/vk"
)

//go:generate go run gen_shaders.go

//go:embed shaders/*.spv
var shaders embed.FS

// pipelineKey is a shader with its specialization constants, by constant id.
type pipelineKey struct {
	shader string
	consts [8]uint32
}

// pipeline compiles a shader, once.
func (d *device) pipeline(k pipelineKey) (vk.Handle, error) {
	if p, ok := d.pipelines[k]; ok {
		return p, nil
	}
	if err := d.check("pipeline"); err != nil {
		return 0, err
	}
	file, err := shaders.ReadFile("shaders/" + k.shader + ".spv")
	if err != nil {
		return 0, d.failed("looking for a shader", err)
	}
	code := make([]uint32, len(file)/4) // what is embedded need not lie on whole words
	copy(unsafe.Slice((*byte)(vk.P(&code[0])), len(file)), file)
	module, err := d.v.CreateShaderModule(code)
	if err != nil {
		return 0, d.failed("loading shader "+k.shader, err)
	}
	defer d.v.DestroyShaderModule(module)
	name := []byte("main\x00")
	entries := make([]vk.SpecializationMapEntry, len(k.consts))
	for i := range entries {
		entries[i] = vk.SpecializationMapEntry{ConstantID: uint32(i), Offset: uint32(4 * i), Size: 4}
	}
	consts := k.consts
	p, err := d.v.CreateComputePipeline(d.cache, &vk.ComputePipelineCreateInfo{
		SType: vk.TypeComputePipelineCreateInfo, Layout: d.layout, BasePipelineIndex: -1,
		Stage: vk.PipelineShaderStageCreateInfo{
			SType: vk.TypePipelineShaderStageCreateInfo, Stage: vk.StageCompute, Module: module, PName: &name[0],
			PSpecializationInfo: &vk.SpecializationInfo{
				MapEntryCount: uint32(len(entries)), PMapEntries: &entries[0], DataSize: uint64(4 * len(consts)), PData: vk.P(&consts),
			},
		},
	})
	if err != nil {
		return 0, d.failed("compiling shader "+k.shader, err)
	}
	d.pipelines[k] = p
	return p, nil
}
