package faultserver

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// network joins clients and servers inside the process.
type network struct {
	mu        sync.Mutex
	listeners map[string]*pipes
}

// pipes is a listener whose connections are pipes in memory.
type pipes struct {
	address net.Addr
	arrived chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

type pipeAddress string

func (a pipeAddress) Network() string { return "tcp" }
func (a pipeAddress) String() string  { return string(a) }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.arrived:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return p.address }

// listen makes a listener at an address that exists only here.
func (n *network) listen(address string) *pipes {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := &pipes{address: pipeAddress(address), arrived: make(chan net.Conn), closed: make(chan struct{})}
	if n.listeners == nil {
		n.listeners = map[string]*pipes{}
	}
	n.listeners[address] = p
	return p
}

// dial reaches a listener.
func (n *network) dial(ctx context.Context, address string) (net.Conn, error) {
	n.mu.Lock()
	p := n.listeners[address]
	n.mu.Unlock()
	if p == nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf("nobody listens at %s", address)}
	}
	ours, theirs := net.Pipe()
	select {
	case p.arrived <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
