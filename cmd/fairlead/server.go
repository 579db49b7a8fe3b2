package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"fairlead.dev"
	"fairlead.dev/event"
	"fairlead.dev/gateway"
	"fairlead.dev/telemetry"
)

// server is a running gateway with everything that belongs to it.
type server struct {
	setup   *setup
	log     *slog.Logger
	client  *fairlead.Client
	gateway *gateway.Gateway
	metrics *telemetry.Metrics
	clients net.Listener
	admin   net.Listener // nil: off
	https   []*http.Server
	failed  chan error     // a listener that died
	running sync.WaitGroup // the goroutines that accept
}

// start opens both listeners and then serves: nothing is half started.
func (s *system) start(l *setup, log *slog.Logger) (*server, error) {
	v := &server{setup: l, log: log, metrics: telemetry.New(version()), failed: make(chan error, 2)}
	if err := v.open(s); err != nil {
		return nil, err
	}
	if err := v.build(); err != nil {
		v.closeListeners()
		return nil, err
	}
	v.serve("clients", v.clients, v.gateway, l.tls)
	if v.admin != nil {
		v.serve("admin", v.admin, v.gateway.Admin(), nil)
	}
	return v, nil
}

// open takes both addresses.
func (v *server) open(s *system) (err error) {
	if v.clients, err = s.listen("tcp", v.setup.file.Listen); err != nil {
		return fmt.Errorf("cannot listen for clients: %w", err)
	}
	if v.setup.file.Admin == "off" {
		return nil
	}
	if v.admin, err = s.listen("tcp", v.setup.file.Admin); err != nil {
		v.closeListeners()
		return fmt.Errorf("cannot open the admin listener: %w", err)
	}
	return nil
}

func (v *server) closeListeners() {
	for _, ln := range []net.Listener{v.clients, v.admin} {
		if ln != nil {
			_ = ln.Close() // it served nobody
		}
	}
}

// build makes client and gateway.
func (v *server) build() (err error) {
	cfg := v.setup.client
	cfg.Observe = v.observe
	if v.client, err = fairlead.New(cfg); err != nil {
		return fmt.Errorf("%w: %w", errBadConfig, err)
	}
	if v.gateway, err = gateway.New(v.gatewayConfig(v.setup)); err != nil {
		return fmt.Errorf("%w: %w", errBadConfig, errors.Join(err, v.client.Close()))
	}
	v.metrics.Watch(v.client)
	return nil
}

func (v *server) gatewayConfig(l *setup) gateway.Config {
	g := l.gateway
	g.Client, g.Log = v.client, v.log
	g.Mounts = map[string]http.Handler{"GET /metrics": v.metrics.Handler()}
	return g
}

// observe counts every event and logs the rare ones that a person should see.
func (v *server) observe(e event.Event) {
	v.metrics.Observe(e)
	switch e.Kind {
	case event.BreakerMoved, event.KeyClosed, event.Marked, event.Panicked:
		v.log.Warn(e.Kind.String(), "reason", e.Reason.String(), "target", e.Target, "key", e.Key, "detail", e.Detail)
	}
}

// serve accepts on a listener in a goroutine of its own.
func (v *server) serve(what string, ln net.Listener, h http.Handler, cert *certificate) {
	srv := gateway.NewServer(h, v.log)
	v.https = append(v.https, srv)
	scheme := "http"
	wrapped := ln
	if cert != nil {
		scheme, wrapped = "https", tls.NewListener(ln, cert.config())
	}
	v.log.Info("listening", "for", what, "url", scheme+"://"+ln.Addr().String())
	v.running.Go(func() {
		if err := srv.Serve(gateway.StrictListener(wrapped)); !errors.Is(err, http.ErrServerClosed) {
			v.failed <- fmt.Errorf("the listener for %s failed: %w", what, err)
		}
	})
}

// reload puts another configuration in force, or changes nothing.
func (v *server) reload(l *setup) error {
	old := v.setup
	switch {
	case l.generated != "" && old.generated == "":
		return errors.New("there is no configuration file any more")
	case l.file.Listen != old.file.Listen:
		return fmt.Errorf("listen was %s and is %s: that needs a restart", old.file.Listen, l.file.Listen)
	case l.file.Admin != old.file.Admin:
		return fmt.Errorf("admin was %s and is %s: that needs a restart", old.file.Admin, l.file.Admin)
	case (l.tls == nil) != (old.tls == nil):
		return errors.New("tls was switched on or off: that needs a restart")
	}
	cfg := l.client
	cfg.Observe = v.observe
	if err := v.client.Reload(cfg); err != nil {
		return err
	}
	// load has built a gateway of this already, so that it cannot be refused now.
	if err := v.gateway.Reload(v.gatewayConfig(l)); err != nil {
		return err
	}
	if l.tls != nil {
		old.tls.Store(l.tls.Load())
		l.tls = old.tls
	}
	v.setup = l
	return nil
}

// What answers get to leave after their calls have ended: the error event of a
// call that was cut short is worth half a second even when in a hurry.
const (
	flushTime   = 5 * time.Second
	hurriedTime = 500 * time.Millisecond
)

// drain refuses new calls, lets open ones finish within the limit, and ends the
// rest with an error event. It returns nil when none had to be ended. When ctx
// ends, everything ends at once.
func (v *server) drain(ctx context.Context) error {
	v.gateway.Drain()
	_ = v.clients.Close() // http.Server closes it too; nobody new from now on
	calls, cancel := v.drainLimit(ctx)
	defer cancel()
	err := v.client.Drain(calls)
	left := flushTime
	if ctx.Err() != nil {
		left = hurriedTime
	}
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), left)
	defer cancel()
	for _, srv := range v.https {
		if srv.Shutdown(flush) != nil {
			_ = srv.Close() // what is still open after that has had its time
		}
	}
	v.running.Wait()
	return err
}

func (v *server) drainLimit(ctx context.Context) (context.Context, context.CancelFunc) {
	if v.setup.file.Drain < 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Duration(v.setup.file.Drain))
}
