package fakellm

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Attempt is the provider's view of one request. Times marshal as RFC 3339
// with nanoseconds.
type Attempt struct {
	N      int       `json:"n"`  // 1 for the first since New or Reset
	At     time.Time `json:"at"` // when the request had been read
	Method string    `json:"method"`
	Path   string    `json:"path"` // as sent, without the query
	Model  string    `json:"model,omitempty"`
	// Key is the name of the key, or the first 8 hex digits of its SHA-256.
	Key string `json:"key,omitempty"`
	// Fault is the name of what was done to the request: a fault's name, or
	// why the fake refused it by itself: "invalid", "unauthorized",
	// "incapable", "unknown-path", "rate-limit", "capacity". Empty: healthy.
	Fault  string `json:"fault,omitempty"`
	Stream bool   `json:"stream"`
	Status int    `json:"status"` // 0: no headers were sent
	// First and End are when the headers went out and when the last byte had
	// been written. First is zero without headers, End while being served.
	First time.Time `json:"first,omitzero"`
	End   time.Time `json:"end,omitzero"`

	BytesIn  int64       `json:"bytes_in"`
	BytesOut int64       `json:"bytes_out"` // of the body, before chunking
	Tokens   int         `json:"tokens"`    // output tokens really sent
	Canceled bool        `json:"canceled"`  // the client left before the end
	Header   http.Header `json:"header,omitempty"`
	Body     Body        `json:"body,omitempty"` // the first Config.KeepBody bytes
}

// Body is a kept request body. It marshals as a JSON string.
type Body []byte

// MarshalText makes a body readable in the log's JSON.
func (b Body) MarshalText() ([]byte, error) { return b, nil }

// UnmarshalText undoes MarshalText.
func (b *Body) UnmarshalText(text []byte) error {
	*b = append(Body(nil), text...)
	return nil
}

// attemptLog is a ring of the latest attempts. Its slots are found by attempt
// number, so that an attempt can be updated while it is being served.
type attemptLog struct {
	mu    sync.Mutex
	keep  int
	epoch int       // guarded by mu; grows with every reset
	next  int       // guarded by mu; attempts begun in this epoch
	ring  []Attempt // guarded by mu; attempt n is at (n-1) % keep
}

// add gives a its number and keeps it.
func (l *attemptLog) add(a *Attempt) (epoch int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	a.N = l.next
	if len(l.ring) < l.keep {
		l.ring = append(l.ring, *a)
	} else {
		l.ring[(a.N-1)%l.keep] = *a
	}
	return l.epoch
}

// update replaces what is kept of attempt a, unless it has been forgotten.
func (l *attemptLog) update(epoch int, a Attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := (a.N - 1) % l.keep; epoch == l.epoch && l.ring[i].N == a.N {
		l.ring[i] = a
	}
}

func (l *attemptLog) all() []Attempt {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Attempt, 0, len(l.ring))
	for n := l.next - len(l.ring); n < l.next; n++ {
		out = append(out, l.ring[n%l.keep])
	}
	return out
}

func (l *attemptLog) forgotten() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next - len(l.ring)
}

func (l *attemptLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.epoch++
	l.next, l.ring = 0, nil
}

// credential reports whether a header carries a secret.
func credential(name string) bool {
	switch strings.ToLower(name) {
	case "authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-goog-api-key", "fairlead-key":
		return true
	}
	return false
}

// redacted copies h without its secrets. Their hashes stay, so that a test can
// tell which key came where.
func redacted(h http.Header) http.Header {
	out := h.Clone()
	for name, values := range out {
		if !credential(name) {
			continue
		}
		for i, v := range values {
			values[i] = "redacted " + shortHash(bearer(v))
		}
	}
	return out
}

// bearer strips the scheme of an Authorization value.
func bearer(v string) string {
	if scheme, rest, ok := strings.Cut(v, " "); ok && strings.EqualFold(scheme, "bearer") {
		return strings.TrimSpace(rest)
	}
	return v
}

// keyOf returns the credential of a request; x-api-key wins, as it does upstream.
func keyOf(h http.Header) string {
	if k := h.Get("X-Api-Key"); k != "" {
		return k
	}
	return bearer(h.Get("Authorization"))
}

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}
