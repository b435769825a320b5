package hardware

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// bandwidthBytes is the least that one pass reads, if that much can be spared, and
	// cacheTimes how many times the processor's last level caches, so that a pass
	// comes from memory.
	bandwidthBytes = 512 << 20
	cacheTimes     = 4
	// bandwidthLeastBytes is the least buffer worth measuring with.
	bandwidthLeastBytes = 64 << 20
	// bandwidthTime is how long passes are repeated.
	bandwidthTime = 500 * time.Millisecond
)

// bandwidthSink keeps the sums, so that the compiler keeps the reads.
var bandwidthSink atomic.Uint64

// ReadBandwidth measures how fast this many threads together read main memory,
// in bytes per second. Each thread sums 64-bit words of its own part of a
// buffer of 512 MiB (four times the caches of a processor that has larger ones,
// less on a machine that has less to spare), over and over
// for half a second; the fastest pass counts, since other programs only ever
// slow a pass down. It measures plain sequential loads by compiled Go, which
// is what reading weights once per token amounts to: what vector loads reach
// with the same threads may be a little higher where one thread cannot keep
// enough loads in flight.
func ReadBandwidth(ctx context.Context, threads int) (float64, error) {
	size := max(bandwidthBytes, cacheTimes*int(min(cacheBytes(os.DirFS("/")), mostCache)))
	if m, err := ReadMemory(); err == nil {
		size = min(size, int(m.Available/4))
	}
	if size < bandwidthLeastBytes {
		return 0, fmt.Errorf("hardware: measuring memory bandwidth: %d MiB can be spared, want %d", size>>20, bandwidthLeastBytes>>20)
	}
	return readBandwidth(ctx, threads, size, bandwidthTime)
}

// mostCache is more cache than a machine of two sockets has.
const mostCache = 4 << 30

// cacheBytes is what the processor's last level caches hold together, as Linux tells
// (the kernel's Documentation/ABI/testing/sysfs-devices-system-cpu); 0 elsewhere.
func cacheBytes(root fs.FS) (sum int64) {
	const dir = "sys/devices/system/cpu"
	seen := map[string]bool{}
	for _, cpu := range names(root, dir) {
		cache := dir + "/" + cpu + "/cache/index3"
		shared := readText(root, cache+"/shared_cpu_list")
		if shared == "" || seen[shared] {
			continue // no processor, or one more of those that share this cache
		}
		seen[shared] = true
		sum += parseInt(strings.TrimSuffix(readText(root, cache+"/size"), "K")) << 10
	}
	return max(0, sum)
}

// Rounds is a rate that was measured several times.
type Rounds struct {
	Best   float64
	Spread float64 // how far the worst lies below the best, as a share of it
	Count  int
}

// Measure measures a rate in rounds, of which the best counts: other programs only
// ever slow one down. The spread says how much they did.
func Measure(rounds int, rate func() (float64, error)) (Rounds, error) {
	var r Rounds
	worst := 0.0
	for range rounds {
		x, err := rate()
		if err != nil {
			return r, err
		}
		if r.Count == 0 || x < worst {
			worst = x
		}
		r.Best = max(r.Best, x)
		r.Count++
	}
	if r.Best > 0 {
		r.Spread = 1 - worst/r.Best
	}
	return r, nil
}

// readBandwidth reads size bytes a pass for at least the given time.
func readBandwidth(ctx context.Context, threads, size int, atLeast time.Duration) (float64, error) {
	if threads < 1 {
		return 0, fmt.Errorf("hardware: measuring memory bandwidth: %d threads, want at least 1", threads)
	}
	words := make([]uint64, size/8)
	parts := make([][]uint64, threads)
	for i := range parts {
		parts[i] = words[i*len(words)/threads : (i+1)*len(words)/threads]
	}
	// The thread that will read a part writes it first: that is what gives it
	// pages, and near memory on machines with several nodes.
	inParallel(parts, func(part []uint64) {
		for i := range part {
			part[i] = uint64(i)
		}
	})
	var best float64
	for start := time.Now(); best == 0 || time.Since(start) < atLeast; {
		if err := ctx.Err(); err != nil {
			return 0, fmt.Errorf("hardware: measuring memory bandwidth: %w", err)
		}
		pass := time.Now()
		inParallel(parts, func(part []uint64) { bandwidthSink.Add(sumWords(part)) })
		if d := time.Since(pass); d > 0 {
			best = max(best, float64(len(words)*8)/d.Seconds())
		}
	}
	return best, nil
}

// inParallel runs work on every part at once and returns when all are done.
func inParallel(parts [][]uint64, work func(part []uint64)) {
	var wg sync.WaitGroup
	for _, part := range parts {
		wg.Go(func() { work(part) })
	}
	wg.Wait()
}

// sumWords is the sum of words, modulo 2^64. Four independent sums keep the
// additions from waiting for one another.
func sumWords(words []uint64) uint64 {
	var a, b, c, d uint64
	for len(words) >= 16 {
		w := words[:16:16]
		a += w[0] + w[4] + w[8] + w[12]
		b += w[1] + w[5] + w[9] + w[13]
		c += w[2] + w[6] + w[10] + w[14]
		d += w[3] + w[7] + w[11] + w[15]
		words = words[16:]
	}
	for _, w := range words {
		a += w
	}
	return a + b + c + d
}
