package fakellm

import (
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// exchange is one request being served.
type exchange struct {
	server *Server
	stage  *stage
	w      http.ResponseWriter
	r      *http.Request
	body   []byte
	wire   wire
	path   string // without /v1
	req    *request
	// parseErr is why the body is no request; req is never nil.
	parseErr error
	fault    Fault
	levels   levels       // of the rate limit, once it is known
	pool     *pool        // whose output is charged; nil: none
	zip      *gzip.Writer // nil: identity encoding

	attempt Attempt
	epoch   int  // of the log that attempt is in
	gone    bool // the client left, or the server closes
}

// begin opens the log entry of a request that has been read.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, body []byte, size int64) *exchange {
	x := &exchange{server: s, stage: s.playing(), w: w, r: r, body: body, path: strings.TrimPrefix(r.URL.Path, "/v1")}
	x.wire = dialectOf(x.path, r.Header)
	kept := body[:min(len(body), s.cfg.KeepBody)]
	x.attempt = Attempt{At: time.Now(), Method: r.Method, Path: r.URL.Path, Key: x.stage.keyName(keyOf(r.Header)),
		BytesIn: size, Header: redacted(r.Header), Body: append(Body(nil), kept...)}
	if x.req, x.parseErr = parseRequest(body); x.parseErr == nil {
		x.attempt.Model, x.attempt.Stream = x.req.Model, x.req.Stream
	}
	switch x.wire.(type) {
	case anthropicWire:
		x.req.N = nil // unknown there
	case responsesWire:
		x.req.readResponses()
	}
	x.epoch = s.log.add(&x.attempt)
	return x
}

// dialectOf: the path decides; /models is the same in both, so the version
// header does.
func dialectOf(path string, h http.Header) wire {
	switch {
	case path == "/responses":
		return responsesWire{}
	case strings.HasPrefix(path, "/messages") || h.Get("Anthropic-Version") != "":
		return anthropicWire{}
	}
	return openaiWire{}
}

// keyName is how a key shows in the log.
func (st *stage) keyName(key string) string {
	if key == "" {
		return ""
	}
	if name, ok := st.keys[key]; ok {
		return name
	}
	return shortHash(key)
}

// finish closes the log entry. It runs while a panic passes, too.
func (x *exchange) finish() {
	x.attempt.End = time.Now()
	select {
	case <-x.server.done:
	default:
		x.attempt.Canceled = x.gone
	}
	x.server.log.update(x.epoch, x.attempt)
	if x.server.cfg.Log != nil {
		x.server.cfg.Log(x.attempt)
	}
}

// serve goes through the gates in the order of a real provider: connection,
// key, body, model, limits, capacity; then comes the fault, or the answer.
func (x *exchange) serve() {
	if shut, _ := x.stage.refused(x.attempt.At); shut {
		x.attempt.Fault = doRefused
		x.reset() // a kept connection outlived the listener
	}
	switch {
	case x.r.Method == http.MethodHead:
		x.send(http.StatusOK, "text/plain", nil)
	case !x.authorized():
	case x.r.Method == http.MethodGet:
		x.afterFault(x.models)
	case x.r.Method != http.MethodPost:
		x.refuse("unknown-path", x.wire.status(http.StatusMethodNotAllowed))
	default:
		x.post()
	}
	if x.zip != nil && !x.gone {
		_ = x.zip.Close() // a client that left here has the answer
	}
}

func (x *exchange) post() {
	routes := map[string]func(){
		"/messages":              x.generate,
		"/chat/completions":      x.generate,
		"/responses":             x.generate,
		"/messages/count_tokens": x.countTokens,
		"/embeddings":            x.embed,
	}
	answer, ok := routes[x.path]
	if !ok {
		x.unknownPath()
		return
	}
	if x.valid() {
		x.afterFault(answer)
	}
}

func (x *exchange) unknownPath() {
	f := x.wire.status(http.StatusNotFound)
	f.code, f.message = "", fmt.Sprintf("Invalid URL (%s %s)", x.r.Method, x.r.URL.Path) // no model is to blame
	x.refuse("unknown-path", f)
}

// authorized accepts the keys that are listed, or any key if none is.
func (x *exchange) authorized() bool {
	key := keyOf(x.r.Header)
	_, known := x.stage.keys[key]
	if key != "" && (known || len(x.stage.keys) == 0) {
		return true
	}
	f := x.wire.named("bad-key")
	if key == "" {
		f.message = "x-api-key header is required"
		if _, anthropic := x.wire.(anthropicWire); !anthropic {
			f.message = "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth."
		}
	}
	x.refuse("unauthorized", f)
	return false
}

// valid refuses what the API itself and the model's capabilities refuse.
func (x *exchange) valid() bool {
	script := x.stage.script
	if len(x.body) > maxRequest {
		x.refuse("invalid", x.wire.status(http.StatusRequestEntityTooLarge))
		return false
	}
	if x.parseErr != nil {
		x.refuse("invalid", x.wire.invalid("", x.parseErr.Error()))
		return false
	}
	_, anthropic := x.wire.(anthropicWire)
	if script != nil && script.RequireVersion && anthropic && x.r.Header.Get("Anthropic-Version") == "" {
		x.refuse("invalid", x.wire.invalid("anthropic-version", "header is required"))
		return false
	}
	if f := x.checkBody(); f != nil {
		x.refuse("invalid", *f)
		return false
	}
	model := script.modelOf(x.req.Model)
	if model == nil && script != nil && script.Strict {
		x.refuse("unknown-model", failureOf(x.wire, &Fault{Error: "unknown-model"}, x.req.Model))
		return false
	}
	if model == nil || x.req.Messages == nil {
		return true
	}
	if f := model.refuse(x.wire, x.req, x.r.Header); f != nil {
		x.refuse("incapable", *f)
		return false
	}
	return true
}

// checkBody is the dialect's own check, eased for side calls.
func (x *exchange) checkBody() *failure {
	r := *x.req
	switch x.path {
	case "/messages/count_tokens":
		one := 1
		r.MaxTokens = &one
	case "/embeddings":
		if r.Messages = &[]message{{}}; r.Input == nil {
			f := x.wire.invalid("input", "Missing required parameter: 'input'.")
			return &f
		}
	}
	return x.wire.check(&r)
}

// afterFault picks the fault for the request, and answers with it or, if it
// lets the answer begin, with answer.
func (x *exchange) afterFault(answer func()) {
	q := query{model: x.req.Model, key: x.attempt.Key, path: x.r.URL.Path, stream: x.req.Stream}
	if !x.admit(q) {
		return
	}
	leave, ok := x.stage.enter(x.stage.script.modelOf(q.model))
	if !ok {
		x.refuse("capacity", x.overloaded())
		return
	}
	defer leave()
	started := x.stage.start(x.attempt.At)
	f, err := x.stage.choose(q, x.attempt.At)
	if err != nil {
		x.refuse("invalid", x.wire.invalid("model", fmt.Sprint(err)))
		return
	}
	x.fault, x.attempt.Fault = f, f.Name
	if started {
		x.server.reviewGates()
	}
	x.server.log.update(x.epoch, x.attempt)
	if x.before() {
		answer()
	}
}

// admit applies the rate limits to messages; side calls have none.
func (x *exchange) admit(q query) bool {
	if x.path != "/messages" && x.path != "/chat/completions" && x.path != "/responses" {
		return true
	}
	now := time.Now()
	pool, l, wait := x.stage.admit(q, x.req.inputTokens(), now)
	x.pool, x.levels = pool, l
	if wait == 0 {
		return true
	}
	f := x.wire.limited(x.wire.status(http.StatusTooManyRequests), l, q.model)
	f.retryAfter = seconds(wait)
	x.refuse("rate-limit", f)
	return false
}

// overloaded is what the dialect says when it has no capacity left.
func (x *exchange) overloaded() failure {
	if _, anthropic := x.wire.(anthropicWire); anthropic {
		return x.wire.status(529)
	}
	return x.wire.status(http.StatusServiceUnavailable)
}
