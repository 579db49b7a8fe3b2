package gateway

import (
	"net/http"
	"strings"
)

// The dialects that paths belong to, by their names in configuration.
const (
	anthropic = "anthropic"
	openai    = "openai"
)

// kind is what a path is for.
type kind uint8

const (
	nowhere kind = iota
	probe        // answered with 200 to anyone
	forward      // a call that goes upstream
	models       // the list of models, or one of them
)

// route is where a request goes.
type route struct {
	kind    kind
	dialect string // whose words errors are told in
	path    string // as the dialect knows it, escaped
	model   string // of /v1/models/{model}
	allow   string // methods, comma separated; empty: any that has a meaning upstream
}

// routeOf finds the route of a request. It looks at the path and, where both
// dialects have the same path, at the headers that only one of them sends.
func routeOf(r *http.Request) route {
	path := r.URL.Path
	rt := route{dialect: dialectOf(path, r.Header)}
	switch path {
	case "/", "/api/hello": // what Claude Code asks before it starts
		rt.kind, rt.allow = probe, "HEAD"
		return rt
	case "/healthz":
		rt.kind, rt.allow = probe, "GET, HEAD"
		return rt
	}
	rt.path = r.URL.EscapedPath()
	for strings.HasPrefix(path, "/v1/v1/") { // an SDK that adds /v1 to a base URL that has it
		path, rt.path = path[len("/v1"):], strings.TrimPrefix(rt.path, "/v1")
	}
	switch {
	case !strings.HasPrefix(path, "/v1/") || !plain(path):
	case path == "/v1/messages", path == "/v1/messages/count_tokens", path == "/v1/chat/completions":
		rt.kind, rt.allow = forward, "POST"
	case path == "/v1/models", strings.HasPrefix(path, "/v1/models/"):
		rt.kind, rt.allow = models, "GET"
		rt.model = strings.TrimPrefix(path[len("/v1/models"):], "/")
	default:
		rt.kind = forward
	}
	return rt
}

// dialectOf tells whose path it is. Both have /v1/models, and many other paths
// are theirs to invent: there the headers of Anthropic's SDKs decide.
func dialectOf(path string, h http.Header) string {
	path = strings.TrimPrefix(path, "/v1")
	switch {
	case strings.Contains(path, "/chat/completions"), strings.HasPrefix(path, "/responses"), strings.HasPrefix(path, "/v1/responses"):
		return openai
	case strings.HasPrefix(path, "/v1/messages"), strings.HasPrefix(path, "/messages"):
		return anthropic
	case len(h["Anthropic-Version"]) > 0:
		return anthropic
	case len(h["X-Api-Key"]) > 0 && !strings.HasPrefix(path, "/models") && !strings.HasPrefix(path, "/v1/models"):
		return anthropic
	}
	return openai
}

// plain reports whether a path names what it says: with "..", "." or an empty
// part it could leave the API's prefix upstream.
func plain(path string) bool {
	for part := range strings.SplitSeq(path[1:], "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return !strings.ContainsAny(path, "\\\x00")
}

// allows reports whether the route takes a method.
func (rt *route) allows(method string) bool {
	switch {
	case rt.allow == "":
		return method != http.MethodConnect && method != http.MethodTrace && method != http.MethodOptions
	case method == rt.allow:
		return true
	}
	for m := range strings.SplitSeq(rt.allow, ", ") {
		if m == method {
			return true
		}
	}
	return false
}

// methods is the value of Allow.
func (rt *route) methods() string {
	if rt.allow == "" {
		return "DELETE, GET, HEAD, PATCH, POST, PUT"
	}
	return rt.allow
}
