package gateway

import (
	"context"
	"encoding/json"
	"net/http"
)

// events streams what happens, as server-sent events named by their kind. It
// ends when the watcher leaves, stops reading for a minute, or the gateway is
// drained. A watcher that is slow misses events; calls never wait for one.
func (g *Gateway) events(w http.ResponseWriter, r *http.Request, s *settings) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer g.watch(r, cancel)()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	out := streamWriter{w: w, rc: http.NewResponseController(w)}
	if out.send([]byte(": events of all calls from now on\n\n")) != nil {
		return
	}
	var line []byte
	for e := range s.Client.Events(ctx) {
		data, err := json.Marshal(e)
		if err != nil {
			continue // an Event has nothing that JSON cannot say
		}
		line = append(append(append(line[:0], "event: "...), e.Kind.String()...), "\ndata: "...)
		line = append(append(line, data...), "\n\n"...)
		if out.send(line) != nil {
			return
		}
	}
}

// watch notes an open event stream until the function that it returns is
// called, so that Drain can end it.
func (g *Gateway) watch(r *http.Request, cancel context.CancelFunc) func() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.watchers[r] = cancel
	if g.draining.Load() {
		cancel()
	}
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.watchers, r)
	}
}
