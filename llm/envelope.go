package llm

import (
	"errors"
	"net/http"
	"slices"
	"strings"
)

// maxModelName bounds a model's name in bytes; the longest known ones, ARNs of Bedrock, have about 150.
const maxModelName = 512

// CleanPath brings a request's path into the form that a dialect matches: one /v1, where a client's base URL and its
// SDK both brought one. A path with dot segments is refused: a proxy or the provider might resolve them, and the
// request would be another one than the one that was looked at.
func CleanPath(path string) (string, error) {
	for seg := range strings.SplitSeq(path, "/") {
		if s := strings.ReplaceAll(strings.ToLower(seg), "%2e", "."); s == "." || s == ".." {
			return "", Badf(http.StatusNotFound, "the path has dot segments")
		}
	}
	for strings.HasPrefix(path, "/v1/v1/") {
		path = path[len("/v1"):]
	}
	return path, nil
}

// PlainBody refuses a request body that is encoded: it is not decoded here, and what is not understood is not passed on.
func PlainBody(h http.Header) error {
	for _, v := range h["Content-Encoding"] {
		if v = strings.TrimSpace(strings.ToLower(v)); v != "" && v != "identity" {
			return Badf(http.StatusUnsupportedMediaType, "request bodies with Content-Encoding %.40q are not read, send it plain", v)
		}
	}
	return nil
}

// Envelope makes the one pass over the body of r that finds its envelope: the members that dialects share (model,
// stream, messages, tools) are noted in r, every other one is handed to see. The error is a *[BadRequest].
func (r *Request) Envelope(see func(m Member, raw []byte) error) error {
	s := ScanObject(r.Body)
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		if err := r.member(m, see); err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return badJSON(err)
	}
	if r.ModelAt.Empty() {
		return Badf(http.StatusBadRequest, "model: the field is required")
	}
	return nil
}

func (r *Request) member(m Member, see func(Member, []byte) error) error {
	raw := r.Body[m.Start:m.End]
	switch string(m.Key) {
	case "model":
		name, ok := Str(raw)
		switch {
		case !ok:
			return Badf(http.StatusBadRequest, "model: must be a string")
		case name == "":
			return Badf(http.StatusBadRequest, "model: must not be empty")
		case len(name) > maxModelName:
			return Badf(http.StatusBadRequest, "model: longer than %d bytes", maxModelName)
		}
		r.Model, r.ModelAt = name, Span{m.Start, m.End}
	case "stream":
		on, ok := Bool(raw)
		if !ok && m.Kind != Null {
			return Badf(http.StatusBadRequest, "stream: must be true or false")
		}
		r.Stream = on
	case "messages":
		r.MessagesAt = Span{m.Start, m.End}
	case "tools":
		r.Tools = r.Tools || Holds(raw)
	default:
		return see(m, raw)
	}
	return nil
}

// Count reads a member that is a number of tokens. null is the same as absent. A number that is no integer is left to
// the provider, as unknown.
func Count(m Member, raw []byte) (n int, err error) {
	switch m.Kind {
	case Null:
		return 0, nil
	case Number:
		n, _ = Int(raw)
		return max(n, 0), nil
	}
	return 0, Badf(http.StatusBadRequest, "%s: must be a number", m.Key)
}

// Holds reports whether raw is an object or array with at least one member, or a string that is not empty.
func Holds(raw []byte) bool {
	switch {
	case len(raw) < 3: // {} [] ""
		return false
	case raw[0] == '"':
		return true
	}
	s := ScanNested(raw, Member{End: len(raw)})
	_, ok := s.Next()
	return ok
}

// badJSON tells a client what is wrong with its body, and where.
func badJSON(err error) error {
	if e, ok := errors.AsType[*SyntaxError](err); ok && e.Reason == DuplicateKey {
		return Badf(http.StatusBadRequest, "the request body has the key %q twice", e.Key)
	} else if ok && e.Reason == WrongKind {
		return Badf(http.StatusBadRequest, "the request body must be a JSON object")
	}
	return Badf(http.StatusBadRequest, "the request body cannot be read: %s", strings.TrimPrefix(err.Error(), "llm: "))
}

// neverForwarded are headers that no allow list may admit: hop-by-hop ones (RFC 9110, 7.6.1), those that name the
// client or its credentials, and those that change what Go's transport does. Idempotency-Key is among them: with it
// the transport would repeat a POST by itself, unseen by any budget.
var neverForwarded = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Connection": true, "Te": true, "Trailer": true, "Transfer-Encoding": true,
	"Upgrade": true, "Host": true, "Content-Length": true, "Content-Encoding": true, "Accept-Encoding": true, "Expect": true,
	"Authorization": true, "X-Api-Key": true, "Api-Key": true, "X-Goog-Api-Key": true, "Proxy-Authorization": true,
	"Cookie": true, "Forwarded": true, "Via": true, "X-Real-Ip": true, "Idempotency-Key": true, "X-Idempotency-Key": true,
}

// Forward copies to dst the headers of r that allow admits. Whatever it admits, credentials, cookies, hop-by-hop
// headers, x-forwarded-* and fairlead-* stay here. It asks for an answer without compression, and says that a body is JSON if
// the client did not say what it is. Values are shared with r, but never appended to.
func (r *Request) Forward(dst http.Header, body []byte, allow func(name string) bool) {
	for name, values := range r.Header {
		if allow(name) && !neverForwarded[name] && !strings.HasPrefix(name, "Fairlead-") &&
			!strings.HasPrefix(name, "X-Forwarded-") && !r.hopByHop(name) {
			dst[name] = slices.Clip(values)
		}
	}
	dst["Accept-Encoding"] = identity
	if len(body) > 0 && len(dst["Content-Type"]) == 0 {
		dst["Content-Type"] = isJSON
	}
}

var (
	identity = []string{"identity"}
	isJSON   = []string{"application/json"}
)

// hopByHop reports whether the client's Connection header names the header.
func (r *Request) hopByHop(name string) bool {
	for _, v := range r.Header["Connection"] {
		for token := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(token), name) {
				return true
			}
		}
	}
	return false
}

// Sign puts the credential into dst: the client's own headers, both forms, as they came; or our secret under the
// credential's header, else under usual. Under "authorization" it is a bearer token.
func (c Credential) Sign(dst, client http.Header, usual string) {
	if c.Client {
		for _, name := range [...]string{"X-Api-Key", "Authorization"} {
			if v := client[name]; len(v) > 0 {
				dst[name] = slices.Clip(v)
			}
		}
		return
	}
	if c.Secret == "" {
		return
	}
	if c.Header != "" {
		usual = c.Header
	}
	if strings.EqualFold(usual, "authorization") {
		dst.Set("Authorization", "Bearer "+c.Secret)
		return
	}
	dst.Set(usual, c.Secret)
}
