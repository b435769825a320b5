package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Interrupts asks the system for this process's requests to stop: Ctrl+C,
// termination, and a terminal that was closed, unless that is to be ignored
// (nohup).
func Interrupts() <-chan os.Signal {
	// Room for two: one that stops the work, one that does not wait for it.
	c := make(chan os.Signal, 2)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(c, syscall.SIGHUP)
	}
	return c
}

// interruptible gives a context that the next interrupt cancels, with
// errInterrupted as its cause. Should the work not end, one more interrupt
// ends the process. After stop has returned, interrupts wait for whoever asks
// next.
func (a *App) interruptible(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	done := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() {
		select {
		case <-a.interrupts:
			cancel(errInterrupted)
		case <-done:
			return
		}
		select {
		case <-a.interrupts:
			a.exit(ExitInterrupted)
		case <-done:
		}
	})
	return ctx, func() {
		close(done)
		watcher.Wait()
		cancel(nil)
	}
}

// orInterrupted is errInterrupted if err came of an interrupt, else err.
func orInterrupted(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), errInterrupted) {
		return errInterrupted
	}
	return err
}

// unlessInterrupted does work that cannot be cancelled, and leaves it behind at
// an interrupt.
func unlessInterrupted[T any](a *App, work func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := work()
		done <- result{value, err}
	}()
	select {
	case got := <-done:
		return got.value, got.err
	case <-a.interrupts:
		var none T
		return none, errInterrupted
	}
}
