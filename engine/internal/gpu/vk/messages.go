//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package vk

import (
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Callbacks are never freed and a process has few, so that one serves all; the
// user data tells whose message it is.
var messages struct {
	sync.Mutex
	callback uintptr
	next     uintptr
	to       map[uintptr]func(string)
}

// Messages sends what the instance and its layers have to say, warnings and
// errors, to fn, which may be called on a thread of the driver. It needs
// Instance.Debug. stop ends it and must be called before Destroy.
func (in *Instance) Messages(fn func(string)) (stop func(), err error) {
	if !in.Debug || in.procs.CreateDebugUtilsMessengerEXT == 0 {
		return nil, ErrExtensionNotPresent
	}
	messages.Lock()
	if messages.callback == 0 {
		messages.to = map[uintptr]func(string){}
		messages.callback = purego.NewCallback(deliver)
	}
	messages.next++
	id := messages.next
	messages.to[id] = fn
	messages.Unlock()
	const warning, failure, everyKind = 0x100, 0x1000, 7
	info := &DebugUtilsMessengerCreateInfo{
		SType: TypeDebugUtilsMessengerCreateInfo, MessageSeverity: warning | failure, MessageType: everyKind,
		PfnUserCallback: messages.callback, PUserData: id,
	}
	var h Handle
	r := call(in.procs.CreateDebugUtilsMessengerEXT, uintptr(in.Handle), uintptr(unsafe.Pointer(info)), 0, uintptr(unsafe.Pointer(&h)))
	return func() {
		call(in.procs.DestroyDebugUtilsMessengerEXT, uintptr(in.Handle), uintptr(h), 0)
		messages.Lock()
		delete(messages.to, id)
		messages.Unlock()
	}, Check(r)
}

func deliver(_, _ uint32, data *DebugUtilsMessengerCallbackData, user uintptr) uint32 {
	messages.Lock()
	fn := messages.to[user]
	messages.Unlock()
	if fn != nil {
		fn(Text(data.PMessage))
	}
	return 0
}
