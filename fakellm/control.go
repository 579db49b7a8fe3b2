package fakellm

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// control is the surface for tests in another process. It has no key: the fake
// is no place for secrets.
func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "GET /fake/attempts":
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Fake-Dropped", strconv.Itoa(s.Dropped()))
		_ = json.NewEncoder(w).Encode(s.Attempts()) // a client that left does not matter
	case "GET /fake/faults":
		for _, f := range Faults() {
			fmt.Fprintf(w, "%-24s%s\n", f.Name, f.Means)
		}
	case "POST /fake/reset":
		s.Reset()
		w.WriteHeader(http.StatusNoContent)
	case "PUT /fake/script":
		s.putScript(w, r)
	default:
		http.Error(w, "fakellm: GET /fake/attempts, GET /fake/faults, POST /fake/reset or PUT /fake/script", http.StatusNotFound)
	}
}

func (s *Server) putScript(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		http.Error(w, "fakellm: "+err.Error(), http.StatusBadRequest)
		return
	}
	script, err := ParseScript(data)
	if err == nil {
		err = s.SetScript(script)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
