package e2e

import (
	"bytes"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"fairlead.dev/fakellm"
)

// fake is a fake provider on a loopback port.
type fake struct {
	*fakellm.Server
	url string

	mu      sync.Mutex
	replies []reply // guarded by mu
}

// reply is what the provider put on the wire for one request, for comparisons
// byte for byte. fakellm's own log keeps no answers.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// newFake starts a fake that plays a script in JSON; "" is a healthy provider.
func newFake(t *testing.T, script string) *fake {
	t.Helper()
	server, err := fakellm.New(fakellm.Config{KeepBody: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{Server: server, url: "http://" + ln.Addr().String()}
	f.play(t, script)
	web := &http.Server{Handler: http.HandlerFunc(f.serve)}
	done := make(chan struct{})
	go func() { defer close(done); _ = web.Serve(ln) }()
	t.Cleanup(func() {
		_ = server.Close() // releases the requests that are silent on purpose
		_ = web.Close()
		<-done
	})
	return f
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	rec := &recorder{ResponseWriter: w}
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.replies = append(f.replies, reply{rec.status, w.Header().Clone(), rec.body.Bytes()})
	}()
	f.ServeHTTP(rec, r)
}

// play replaces the script.
func (f *fake) play(t *testing.T, script string) {
	t.Helper()
	if script == "" {
		script = "{}"
	}
	s, err := fakellm.ParseScript([]byte(script))
	if err == nil {
		err = f.SetScript(s)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// answering are the paths whose requests want an answer.
var answering = []string{"/messages", "/chat/completions", "/responses"}

// always is a script with one fault for every request for an answer. Lists of
// models and token counts stay healthy.
func always(fault string) string { return rule(fault, "") }

// once is a script in which only the first request for an answer fails.
func once(fault string) string { return rule(fault, `,"times":1`) }

func rule(fault, more string) string {
	var rules []string
	for _, path := range answering {
		rules = append(rules, `{"match":{"path":"*`+path+`"},"fault":"`+fault+`"`+more+`}`)
	}
	return `{"rules":[` + strings.Join(rules, ",") + `]}`
}

// asked are the requests for an answer that the provider got, oldest first.
func (f *fake) asked() (list []fakellm.Attempt) {
	for _, a := range f.Attempts() {
		if slices.ContainsFunc(answering, func(path string) bool { return strings.HasSuffix(a.Path, path) }) {
			list = append(list, a)
		}
	}
	return list
}

// said are the provider's answers so far.
func (f *fake) said() []reply {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]reply(nil), f.replies...)
}

// recorder keeps a copy of what is written.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.body.Write(b)
	return r.ResponseWriter.Write(b)
}

// Unwrap lets the fake flush and hijack the connection under r.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
