package fairlead_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev"
	"fairlead.dev/event"
	"fairlead.dev/fakellm"
)

var (
	schedules = flag.Int("schedules", 400, "how many random schedules of faults to run")
	schedule  = flag.Uint64("schedule", 0, "run only the schedule of this seed")
)

// A schedule is a chain, what becomes of each attempt at each of its targets,
// and how the caller asks.
type scheduled struct {
	rnd     *rand.Rand
	dialect string
	p       string
	stream  bool
	http2   bool
	chain   []string
	edit    func(*fairlead.Config)
	call    func(*fairlead.Call)
}

// faultOf draws what becomes of an attempt.
func faultOf(r *rand.Rand) string {
	k := r.IntN(62)
	late := []string{"cut-after-%d", "close-after-%d", "error-after-%d", "malformed-after-%d", "stall-after-%d"}
	early := []string{
		"fail-529", "fail-500", "fail-503", "fail-408", "html-502", "reset", "silent", "bad-json", "empty", "no-end", "gzip",
		"pings-only", "lifecycle-only", "retry-after-1", "retry-after-100", "ramp-limit", "spend-limit", "bad-key", "unknown-model",
		"too-long", "wrong-length", "fail-504", "html-200",
	}
	fault := early[r.IntN(len(early))]
	if r.IntN(2) == 0 {
		fault = fmt.Sprintf(late[r.IntN(len(late))], k)
	}
	if r.IntN(4) == 0 && !strings.HasPrefix(fault, "reset") && !strings.HasPrefix(fault, "silent") {
		fault = fmt.Sprintf("slow-first-%ds+%s", 1+r.IntN(12), fault)
	}
	if r.IntN(4) == 0 {
		fault += []string{"-once", "-twice"}[r.IntN(2)]
	}
	return fault
}

func newSchedule(seed uint64) *scheduled {
	r := rand.New(rand.NewPCG(seed, 1))
	s := &scheduled{rnd: r, dialect: "anthropic", p: "a", stream: r.IntN(4) > 0}
	if r.IntN(2) == 0 {
		s.dialect, s.p = "openai", "o"
	}
	for i := range 1 + r.IntN(3) {
		model := fmt.Sprintf("%s%d", []string{"prefilling", "good", "m"}[r.IntN(3)], i)
		if r.IntN(5) > 0 {
			model += ":" + faultOf(r)
		}
		s.chain = append(s.chain, s.p+[]string{"", "2"}[r.IntN(2)]+"/"+model)
	}
	resume := []fairlead.Resume{fairlead.ResumeAuto, fairlead.ResumeLoose, fairlead.ResumeOff}[r.IntN(3)]
	hedge, whole, complete, final := r.IntN(3) == 0, r.IntN(3) == 0, r.IntN(6) == 0, r.IntN(6) == 0
	attempts := r.IntN(3)
	s.http2 = r.IntN(4) == 0
	s.edit = twice(func(cfg *fairlead.Config) {
		chain(s.chain...)(cfg)
		tight(cfg)
		m := &cfg.Models[len(cfg.Models)-1]
		cfg.Retry.Attempts = attempts
		cfg.Streams.Resume = resume
		if hedge {
			m.Equal, cfg.Timeouts.HedgeAfter = s.chain[1:], 2*time.Second
		}
		if whole {
			cfg.Streams.Upstream = fairlead.UpstreamAlways
		}
		cfg.Models = append(cfg.Models, fairlead.Model{Name: "healthy", Chain: []string{s.p + "/healthy"}})
	})
	s.call = func(c *fairlead.Call) { c.Complete, c.Final = complete, final }
	return s
}

func (s *scheduled) String() string {
	return fmt.Sprintf("%s stream=%v http2=%v %v", s.dialect, s.stream, s.http2, s.chain)
}

// run asks once, and says what is wrong with what came of it.
func (s *scheduled) run(t *testing.T) error {
	w := makeWorld(t, s.edit, s.http2)
	r := w.ask(s.dialect, "m", s.stream, s.call)
	whole := fakellm.Text(60)
	switch {
	case r.err == nil && (r.text != whole || !r.complete || r.failure != "" || r.status != 200):
		return fmt.Errorf("a success that is none: status %d, complete %v, %q, text %q", r.status, r.complete, r.failure, r.text)
	case r.err == nil && s.stream:
		if err := oneMessage(s.dialect, r.body); err != nil {
			return fmt.Errorf("%w\n%s", err, r.body)
		}
	case r.err != nil && (!strings.HasPrefix(whole, r.text) || r.complete):
		return fmt.Errorf("a failure that looks like an answer: %q", r.text)
	case r.err != nil && s.stream && len(r.err.(*fairlead.Error).Event) == 0:
		return fmt.Errorf("a failure without an event: %v", r.err)
	}
	if asked := len(w.asked("a")) + len(w.asked("o")); asked > 5 {
		return fmt.Errorf("%d attempts", asked)
	}
	if r.took > 10*time.Minute {
		return fmt.Errorf("took %v", r.took)
	}
	if sum := r.report.Summary(); sum.End.IsZero() || (sum.Verdict == event.OK) != (r.err == nil) {
		return fmt.Errorf("the report says %v of %v", sum.Verdict, r.err)
	}
	synctest.Wait()
	for _, target := range w.client.Targets() {
		if target.Load.InFlight != 0 || target.Load.Waiting != 0 {
			return fmt.Errorf("%s: %+v", target.Name, target.Load)
		}
	}
	if r := w.ask(s.dialect, "healthy", s.stream); r.err != nil || r.text != whole {
		if e, ok := r.err.(*fairlead.Error); !ok || !s.blocked(e) {
			return fmt.Errorf("the next healthy call: %v, %q", r.err, r.text)
		}
	}
	return nil
}

// blocked reports whether a call was refused for a reason that the faults gave:
// the credential, the provider, or the rate limit that it shares.
func (s *scheduled) blocked(e *fairlead.Error) bool {
	for _, cause := range []event.Reason{event.KeyShut, event.ProviderDown, event.PoolShut} {
		if strings.Contains(string(e.Body), cause.String()) || e.Status == 429 {
			return true
		}
	}
	return false
}

// Whatever the faults, no caller sees success for an incomplete answer, two
// starts or ends, missing or repeated text, or a hang, and nothing is left.
// The seed of a failure runs it again: go test -run Schedules -schedule SEED .
func TestRandomSchedules(t *testing.T) {
	first, last := uint64(1), uint64(*schedules)
	if *schedule > 0 {
		first, last = *schedule, *schedule
	}
	failed := 0
	for seed := first; seed <= last && failed < 5; seed++ {
		s := newSchedule(seed)
		synctest.Test(t, func(t *testing.T) {
			if err := s.run(t); err != nil {
				failed++
				t.Errorf("-schedule %d: %v: %v", seed, s, err)
			}
		})
	}
}
