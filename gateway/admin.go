package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"fairlead.dev/event"
)

const (
	defaultCalls = 100  // reports in a list when none are asked for
	maxCalls     = 1000 // and at most
)

// adminMux makes the routes of the admin listener. Two mounts that contradict
// each other are a fault.
func (g *Gateway) adminMux(s *settings) (mux *http.ServeMux, err error) {
	defer func() {
		if v := recover(); v != nil { // how http.ServeMux tells it
			err = fmt.Errorf("gateway: Config.Mounts: %v", v)
		}
	}()
	mux = http.NewServeMux()
	mux.HandleFunc("GET /livez", alive)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { g.ready(w, s) })
	mux.HandleFunc("GET /api/targets", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.Client.Targets())
	})
	mux.HandleFunc("GET /api/tenants", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.Client.Tenants())
	})
	mux.HandleFunc("GET /api/load", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.Client.Load())
	})
	mux.HandleFunc("GET /api/calls", s.calls)
	mux.HandleFunc("GET /api/calls/{id}", s.report)
	mux.HandleFunc("GET /api/events", func(w http.ResponseWriter, r *http.Request) { g.events(w, r, s) })
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		adminError(w, http.StatusNotFound, "there is nothing at this path, or not for this method")
	})
	for pattern, mounted := range s.Mounts {
		mux.Handle(pattern, mounted)
	}
	return mux, nil
}

// serveAdmin lets nobody in whom a web page sent: there are no keys here, so
// Host and Origin are all that tells a person from a page that misuses their
// browser. The page that this listener itself serves is let in.
func (s *settings) serveAdmin(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	origin := r.Header.Get("Origin")
	own := len(r.Header["Origin"]) == 1 && (origin == "http://"+r.Host || origin == "https://"+r.Host)
	switch {
	case !s.hostAllowed(r.Host):
		adminError(w, http.StatusForbidden, "the Host header names another machine")
		return
	case !own && !s.originAllowed(r.Header):
		adminError(w, http.StatusForbidden, "this Origin is not listed in the gateway's configuration")
		return
	}
	setWriteDeadline(http.NewResponseController(w))
	s.admin.ServeHTTP(w, r)
}

func alive(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok") }

// ready says whether calls should come here.
func (g *Gateway) ready(w http.ResponseWriter, s *settings) {
	err := s.Client.Ready()
	if g.draining.Load() {
		err = errors.New("draining")
	}
	if err != nil {
		writeText(w, http.StatusServiceUnavailable, "not ready: "+err.Error())
		return
	}
	writeText(w, http.StatusOK, "ready")
}

// calls lists the latest calls, newest first.
func (s *settings) calls(w http.ResponseWriter, r *http.Request) {
	limit := defaultCalls
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			adminError(w, http.StatusBadRequest, "limit: a positive whole number is wanted")
			return
		}
		limit = min(n, maxCalls)
	}
	reports := s.Client.Reports()
	list := make([]event.Summary, min(limit, len(reports)))
	for i := range list {
		list[i] = reports[i].Summary()
	}
	writeJSON(w, http.StatusOK, list)
}

// report tells what happened to one call.
func (s *settings) report(w http.ResponseWriter, r *http.Request) {
	report, ok := s.Client.Report(r.PathValue("id"))
	if !ok {
		adminError(w, http.StatusNotFound, "no such call, or its report was pushed out by later ones")
		return
	}
	writeJSON(w, http.StatusOK, report)
}

func adminError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]string{"error": message})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error": "cannot be written as JSON"}`)
	}
	writeAdmin(w, status, "application/json", append(body, '\n'))
}

func writeText(w http.ResponseWriter, status int, text string) {
	writeAdmin(w, status, "text/plain; charset=utf-8", []byte(text+"\n"))
}

func writeAdmin(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // whoever asked and left misses nothing
}
