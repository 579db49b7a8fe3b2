package fakellm

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// maxRequest is the size from which a request is refused with 413, as
// api.anthropic.com does for messages and token counting.
const maxRequest = 32 << 20

// Config sets up a Server. The zero value is a healthy provider that accepts
// every key, answers at once, and fails only for models named after a fault.
type Config struct {
	// Script is the timeline of faults, limits and capabilities. Nil: only
	// faults by model name. [Server.SetScript] replaces it later.
	Script *Script

	// Log, if set, is called once for every finished attempt, from the
	// goroutine that served it. It must not call back into the Server's Close.
	Log func(Attempt)

	Tokens   int           // length of the default answer in tokens; 0: 60
	TTFT     time.Duration // wait between the headers and the first token; 0: none
	PerToken time.Duration // wait between two tokens; 0: none

	// Keys maps the names of the accepted keys to the keys. Empty: every
	// non-empty key is accepted and shows in the log as a short hash.
	Keys map[string]string

	// Limits are rate limits, added behind those of the script.
	Limits []Limit

	// Models are the ids that GET /v1/models lists when the script names none.
	// Empty: a few of today's names per dialect.
	Models []string

	// Listen opens Serve's listener again after the fault "refused". Nil:
	// net.Listen, for TCP listeners only.
	Listen func(network, address string) (net.Listener, error)

	KeepAttempts int // attempts kept in the log; 0: 4096
	KeepBody     int // bytes of a request body kept in the log; 0: 32 KiB
}

// validate reports all faults of the configuration, each with its field.
func (c *Config) validate() error {
	f := faultList{where: "Config."}
	f.check(c.Tokens >= 0, "Tokens", negative)
	f.check(c.TTFT >= 0, "TTFT", negative)
	f.check(c.PerToken >= 0, "PerToken", negative)
	f.check(c.KeepAttempts >= 0, "KeepAttempts", negative)
	f.check(c.KeepBody >= 0, "KeepBody", negative)
	f.keys(c.Keys, "Keys")
	for i := range c.Limits {
		c.Limits[i].faults(&f, fmt.Sprintf("Limits[%d]", i))
	}
	if c.Script != nil {
		f.list = append(f.list, c.Script.faults()...)
	}
	return errors.Join(f.list...)
}

// Server is the fake provider. Make one with [New], inside the synctest bubble
// that uses it if there is one. It is safe for concurrent use.
type Server struct {
	cfg  Config
	log  attemptLog
	done chan struct{} // closed by Close: ends every wait

	mu     sync.Mutex
	stage  *stage         // guarded by mu; the script being played
	closed bool           // guarded by mu
	busy   sync.WaitGroup // requests being served; Add only under mu
	gates  map[*gate]bool // guarded by mu; listeners being served
}

// New returns a Server for cfg, or all that is wrong with cfg.
func New(cfg Config) (*Server, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	orDefault(&cfg.Tokens, 60)
	orDefault(&cfg.KeepAttempts, 4096)
	orDefault(&cfg.KeepBody, 32<<10)
	s := &Server{cfg: cfg, done: make(chan struct{}), gates: map[*gate]bool{}}
	s.log.keep = cfg.KeepAttempts
	s.stage = newStage(&s.cfg, cfg.Script, time.Now())
	return s, nil
}

func orDefault(v *int, d int) {
	if *v == 0 {
		*v = d
	}
}

// ServeHTTP answers one request as the provider would, or as the fault wants.
// Faults that break the connection panic with [http.ErrAbortHandler], which
// net/http understands; the attempt is in the log by then.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		panic(http.ErrAbortHandler)
	}
	defer s.busy.Done()
	if strings.HasPrefix(r.URL.Path, "/fake/") {
		s.control(w, r)
		return
	}
	// Read to the very end: net/http watches for the client leaving only
	// once the body has been consumed.
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	rest, _ := io.Copy(io.Discard, r.Body)
	x := s.begin(w, r, body, int64(len(body))+rest)
	defer x.finish()
	if x.gone = err != nil; !x.gone {
		x.serve()
	}
	if x.gone { // nothing that the client or Close interrupted may look finished
		panic(http.ErrAbortHandler)
	}
}

// enter registers a request with Close, which waits for it.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.busy.Add(1)
	return true
}

// Attempts returns the log so far, oldest first, as a copy. Attempts that are
// still being served are in it with a zero End.
func (s *Server) Attempts() []Attempt { return s.log.all() }

// Dropped returns how many attempts the bounded log has forgotten.
func (s *Server) Dropped() int { return s.log.forgotten() }

// Reset forgets the log, all counters and all spent limits, and starts the
// script's timeline again.
func (s *Server) Reset() {
	s.log.reset()
	s.mu.Lock()
	s.stage = newStage(&s.cfg, s.stage.script, time.Now())
	s.mu.Unlock()
	s.reviewGates()
}

// SetScript plays another script from its beginning; nil leaves only the
// faults by model name. The log is kept; counters and limits start afresh.
// Requests already being served finish under the old script.
func (s *Server) SetScript(script *Script) error {
	if script != nil {
		if err := errors.Join(script.faults()...); err != nil {
			return err
		}
	}
	s.mu.Lock()
	s.stage = newStage(&s.cfg, script, time.Now())
	s.mu.Unlock()
	s.reviewGates()
	return nil
}

// playing returns the script's present state.
func (s *Server) playing() *stage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stage
}
