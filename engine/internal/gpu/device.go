//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package gpu

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"scout/engine/internal/gpu/vk"
)

// device is an opened GPU: one queue, one timeline that counts what was handed to
// it, one layout for all pipelines. One goroutine uses it at a time.
type device struct {
	*physical
	in    *vk.Instance
	v     *vk.Device
	queue vk.Queue

	pool      vk.Handle // of command lists
	timeline  vk.Handle
	submitted uint64 // value of the last list handed over
	finished  uint64 // value that was seen
	waiter    *vk.Waiter

	setLayout, layout vk.Handle
	pipelines         map[pipelineKey]vk.Handle
	cache             vk.Handle

	shape  shape           // of products
	bytes  [3]atomic.Int64 // allocated, by use; anybody may read it
	lost   error
	hung   bool                    // lost since it gave no answer: it may still be at work
	fault  func(what string) error // for tests: what goes wrong
	staged bool                    // for tests: memory near the device is never written directly
}

// bindings is how many buffers a shader can see, pushBytes its push constants.
const (
	bindings  = 8
	pushBytes = 64
)

// patience is how long a list may run before the device counts as lost. Systems
// end what blocks a screen long before.
const patience = 2 * time.Minute

// openDevice opens device index of List.
func openDevice(index int) (*device, error) {
	in, err := acquire()
	if err != nil {
		return nil, err
	}
	d, err := newDevice(in, index)
	if err != nil {
		release()
		return nil, err
	}
	if err := d.prepare(); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func newDevice(in *vk.Instance, index int) (*device, error) {
	found, err := probe(in)
	if err != nil {
		return nil, err
	}
	if index < 0 || index >= len(found) {
		return nil, fmt.Errorf("gpu: device %d is not there, this machine has %d", index, len(found))
	}
	p := found[index]
	if n := p.limits.MaxPushConstantsSize; n < pushBytes {
		return nil, fmt.Errorf("gpu: %s has %d bytes of push constants, want %d", p.info.Name, n, pushBytes)
	}
	v12 := &vk.Vulkan12Features{SType: vk.TypeVulkan12Features, TimelineSemaphore: 1} // every device of 1.2 has them
	features := &vk.Features2{SType: vk.TypeFeatures2, PNext: vk.P(v12)}
	var extensions []string
	for _, e := range []string{extBudget, extPortable} {
		if p.extensions[e] {
			extensions = append(extensions, e)
		}
	}
	v, err := in.NewDevice(p.handle, p.family, extensions, features)
	if err != nil {
		return nil, fmt.Errorf("gpu: opening %s: %w", p.info.Name, err)
	}
	return &device{physical: p, in: in, v: v, queue: v.Queue(p.family), shape: usual, pipelines: map[pipelineKey]vk.Handle{}}, nil
}

// prepare makes what every program needs.
func (d *device) prepare() (err error) {
	if d.pool, err = d.v.CreateCommandPool(d.family); err != nil {
		return d.failed("making a command pool", err)
	}
	if d.timeline, err = d.v.CreateTimeline(); err != nil {
		return d.failed("making a semaphore", err)
	}
	d.waiter = d.v.NewWaiter(d.timeline, time.Second)
	b := make([]vk.DescriptorSetLayoutBinding, bindings)
	for i := range b {
		b[i] = vk.DescriptorSetLayoutBinding{Binding: uint32(i), DescriptorType: vk.DescriptorStorageBuffer, DescriptorCount: 1, StageFlags: vk.StageCompute}
	}
	d.setLayout, err = d.v.CreateDescriptorSetLayout(&vk.DescriptorSetLayoutCreateInfo{SType: vk.TypeDescriptorSetLayoutCreateInfo, BindingCount: bindings, PBindings: &b[0]})
	if err != nil {
		return d.failed("making a layout", err)
	}
	d.layout, err = d.v.CreatePipelineLayout(&vk.PipelineLayoutCreateInfo{
		SType: vk.TypePipelineLayoutCreateInfo, SetLayoutCount: 1, PSetLayouts: &d.setLayout,
		PushConstantRangeCount: 1, PPushConstantRanges: &vk.PushConstantRange{StageFlags: vk.StageCompute, Size: pushBytes},
	})
	if err != nil {
		return d.failed("making a layout", err)
	}
	d.cache, err = d.v.CreatePipelineCache(nil)
	return d.failed("making a pipeline cache", err)
}

// close frees the device. What was made on it must be gone.
func (d *device) close() error {
	if d.v == nil {
		return nil
	}
	err := d.idle()
	if d.hung {
		d.v = nil
		return nil // who used it has been told
	}
	for _, p := range d.pipelines {
		d.v.DestroyPipeline(p)
	}
	d.v.DestroyPipelineCache(d.cache)
	d.v.DestroyPipelineLayout(d.layout)
	d.v.DestroyDescriptorSetLayout(d.setLayout)
	d.v.DestroySemaphore(d.timeline)
	d.v.DestroyCommandPool(d.pool)
	d.v.Destroy()
	d.v = nil
	release()
	if errors.Is(err, ErrLost) {
		return nil // who used it has been told
	}
	return err
}

// failed says what went wrong on the device, nil for nothing. A lost device is
// remembered: every later call fails at once.
func (d *device) failed(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, vk.ErrDeviceLost):
		d.lost = fmt.Errorf("gpu: %s: %s: %w: %w", d.info.Name, what, ErrLost, err)
		return d.lost
	case errors.Is(err, vk.ErrOutOfDeviceMemory), errors.Is(err, vk.ErrOutOfHostMemory):
		return fmt.Errorf("gpu: %s: %s: %w: %w", d.info.Name, what, ErrMemory, err)
	}
	return fmt.Errorf("gpu: %s: %s: %w", d.info.Name, what, err)
}

// check asks, before a call of the driver, whether there is a device to call.
func (d *device) check(what string) error {
	if d.lost != nil {
		return d.lost
	}
	if d.fault != nil {
		return d.failed(what, d.fault(what))
	}
	return nil
}

// submit hands a list over and returns the value that the timeline will have when
// it is done. Lists run in order.
func (d *device) submit(s *vk.Submission) (uint64, error) {
	if err := d.check("submit"); err != nil {
		return 0, err
	}
	if err := s.Submit(d.submitted + 1); err != nil {
		return 0, d.failed("handing over work", err)
	}
	d.submitted++
	return d.submitted, nil
}

// wait returns when the timeline has reached value.
func (d *device) wait(value uint64) error {
	if err := d.check("wait"); err != nil {
		return err
	}
	if value <= d.finished {
		return nil
	}
	for end := time.Now().Add(patience); ; {
		switch r := d.waiter.Wait(value); {
		case r == vk.Timeout && time.Now().Before(end):
			continue
		case r == vk.Timeout:
			d.hung = true
			d.lost = fmt.Errorf("gpu: %s: %w: no answer within %v", d.info.Name, ErrLost, patience)
			return d.lost
		case r < 0:
			return d.failed("waiting for work", r)
		}
		d.finished = value
		return nil
	}
}

// idle waits for all that was handed over. After it things may be freed, if the device
// is lost too: the driver says when nothing of them is in use. One that hangs would not
// say it, so what it holds is left to it until this process ends.
func (d *device) idle() error {
	if d.lost != nil {
		if !d.hung {
			_ = d.v.WaitIdle() // that it is lost is known
		}
		return d.lost
	}
	return d.wait(d.submitted)
}
