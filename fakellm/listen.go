package fakellm

import (
	"errors"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Serve answers the connections of ln until [Server.Close], and then returns
// nil. While a rule with the fault "refused" is in force, nobody can connect: a
// TCP listener (any listener, with Config.Listen) is closed and opened again at
// the same address, any other accepts and resets at once. Requests on
// connections from before are reset.
func (s *Server) Serve(ln net.Listener) error {
	g := &gate{server: s, ln: ln, address: ln.Addr(), reopen: s.cfg.Listen, changed: make(chan struct{}, 1)}
	if _, tcp := ln.(*net.TCPListener); tcp && g.reopen == nil {
		g.reopen = net.Listen
	}
	web := &http.Server{Handler: s}
	g.web = web
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return errors.Join(http.ErrServerClosed, ln.Close())
	}
	s.gates[g] = true
	s.mu.Unlock()
	err := web.Serve(g)
	s.mu.Lock()
	delete(s.gates, g)
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return nil
	}
	return errors.Join(err, web.Close())
}

// Close ends Serve, breaks its connections, releases every request that is
// being served, however it came, and waits for them. Later requests are
// aborted.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		s.busy.Wait()
		return nil
	}
	s.closed = true
	close(s.done)
	gates := slices.Collect(maps.Keys(s.gates))
	s.mu.Unlock()
	var errs []error
	for _, g := range gates {
		errs = append(errs, g.web.Close())
	}
	s.busy.Wait()
	return errors.Join(errs...)
}

// reviewGates tells the listeners that the script may want something else now.
// mu is not held.
func (s *Server) reviewGates() {
	s.mu.Lock()
	gates := slices.Collect(maps.Keys(s.gates))
	s.mu.Unlock()
	for _, g := range gates {
		g.review()
	}
}

// gate is a listener that can refuse connections for a while.
type gate struct {
	server  *Server
	web     *http.Server
	address net.Addr
	reopen  func(network, address string) (net.Listener, error) // nil: it cannot be opened again
	changed chan struct{}                                       // holds one token after a review

	mu     sync.Mutex
	ln     net.Listener // guarded by mu; nil while refusing
	timer  *time.Timer  // guarded by mu; the next review
	closed bool         // guarded by mu
}

// Accept returns the next connection that the script lets in.
func (g *gate) Accept() (net.Conn, error) {
	for {
		if err := g.align(); err != nil {
			return nil, err
		}
		ln := g.listener()
		if ln == nil {
			select {
			case <-g.changed:
			case <-g.server.done:
				return nil, net.ErrClosed
			}
			continue
		}
		conn, err := ln.Accept()
		if err != nil && g.listener() == ln {
			return nil, err
		}
		if err != nil {
			continue // it was closed to refuse
		}
		if shut, _ := g.server.playing().refused(time.Now()); !shut {
			return conn, nil
		}
		resetConn(conn)
	}
}

func (g *gate) listener() net.Listener {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.ln
}

// review is align for everybody but Accept, which it wakes.
func (g *gate) review() {
	_ = g.align() // Accept tries again and reports the error
	select {
	case g.changed <- struct{}{}:
	default:
	}
}

// align opens or closes the listener as the script wants it now, and sees to
// it that this happens again when the script changes its mind.
func (g *gate) align() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	shut, change := g.server.playing().refused(time.Now())
	if g.closed {
		return net.ErrClosed
	}
	if g.timer != nil {
		g.timer.Stop()
	}
	if !change.IsZero() {
		g.timer = time.AfterFunc(time.Until(change), g.review)
	}
	switch {
	case g.reopen == nil:
	case shut && g.ln != nil:
		_ = g.ln.Close()
		g.ln = nil
	case !shut && g.ln == nil:
		ln, err := g.reopen(g.address.Network(), g.address.String())
		if err != nil {
			return err
		}
		g.ln = ln
	}
	return nil
}

// Close closes the listener for good.
func (g *gate) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	if g.timer != nil {
		g.timer.Stop()
	}
	if g.ln == nil {
		return nil
	}
	return g.ln.Close()
}

// Addr is where the listener was at first.
func (g *gate) Addr() net.Addr { return g.address }
