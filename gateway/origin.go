package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"fairlead.dev/event"
)

// Loopback reports whether addr, host:port or a host alone, can be reached from
// this machine only. A listener without keys must be there.
func Loopback(addr string) bool {
	host := addr
	if h, _, err := net.SplitHostPort(addr); err == nil {
		host = h
	}
	return loopbackHost(strings.Trim(host, "[]"))
}

func loopbackHost(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// hostAllowed reports whether a Host header is one that a program on this
// machine would send. A page whose DNS name was pointed at 127.0.0.1 after it
// was loaded (DNS rebinding) sends that name.
func (s *settings) hostAllowed(host string) bool {
	if Loopback(host) {
		return true
	}
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.Trim(name, "[]")
	return name != "" && slices.ContainsFunc(s.Hosts, func(h string) bool { return strings.EqualFold(h, name) })
}

// foreign refuses requests that a web page makes in the name of whoever looks
// at it.
func (s *settings) foreign(r *http.Request) *refusal {
	if len(s.Keys) == 0 && !s.hostAllowed(r.Host) {
		return forbidden("the Host header names another machine; use localhost, 127.0.0.1 or [::1], or set up keys")
	}
	if !s.originAllowed(r.Header) {
		return forbidden("this Origin is not listed in the gateway's configuration")
	}
	return nil
}

func (s *settings) originAllowed(h http.Header) bool {
	for _, origin := range h["Origin"] {
		if !slices.Contains(s.Origins, origin) {
			return false
		}
	}
	return true
}

func forbidden(message string) *refusal {
	return &refusal{status: http.StatusForbidden, verdict: event.Unauthorized, message: message}
}

// allowOrigin lets the page of a listed origin read the answer, and answers the
// question that a browser asks before it sends one (a preflight).
func (x *exchange) allowOrigin() (answered bool) {
	origin := x.r.Header["Origin"]
	if len(origin) == 0 {
		return false
	}
	h := x.w.Header()
	h["Access-Control-Allow-Origin"] = origin[:1]
	h["Access-Control-Expose-Headers"] = []string{"*"}
	h.Add("Vary", "Origin")
	if x.r.Method != http.MethodOptions || x.r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
	h.Set("Access-Control-Allow-Headers", x.r.Header.Get("Access-Control-Request-Headers"))
	h.Set("Access-Control-Max-Age", "600")
	x.w.WriteHeader(http.StatusNoContent)
	return true
}
