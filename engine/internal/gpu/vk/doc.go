// Package vk is a hand-written binding of the part of Vulkan that computing
// needs, without cgo: the loader is opened while the program runs, by purego.
//
// Structures are laid out as the C headers lay them out, for targets with 64-bit
// pointers; layout_test.go holds every size and offset against the numbers that a
// C compiler gives. Names are Vulkan's, without the prefix, and what a field
// means is told by the Vulkan specification (registry.khronos.org/vulkan).
//
// The build tag nogpu leaves the binding out: a program that can open libraries
// is linked to the system's C library, and some want one that is not.
package vk
