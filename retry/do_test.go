package retry_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev/retry"
)

var errUpstream = errors.New("529 overloaded_error")

// script is a Try that notes when it ran, and fails until it is used up.
type script struct {
	fails int
	hint  time.Duration
	last  bool // the failure is final
	took  time.Duration
	at    []time.Duration
	begin time.Time
}

// try runs in bubble where it takes time.
func (s *script) try(context.Context) (time.Duration, bool, error) {
	if s.begin.IsZero() {
		s.begin = time.Now()
	}
	s.at = append(s.at, time.Since(s.begin))
	time.Sleep(s.took)
	if len(s.at) > s.fails {
		return 0, false, nil
	}
	return s.hint, !s.last, errUpstream
}

func TestDo(t *testing.T) {
	const s = time.Second
	tests := []struct {
		name     string
		p        retry.Policy
		script   script
		deadline time.Duration
		want     error
		tries    int
		least    time.Duration // before the last try
		most     time.Duration // in all
	}{
		{name: "at once", tries: 1},
		{name: "second time", script: script{fails: 1}, tries: 2, least: retry.MinWait, most: s / 2},
		{name: "used up", script: script{fails: 9}, want: errUpstream, tries: 2, least: retry.MinWait, most: s / 2},
		{name: "more attempts", p: retry.Policy{Attempts: 4}, script: script{fails: 9}, want: errUpstream, tries: 4, least: 3 * retry.MinWait, most: 4 * s},
		{name: "fewer in all", p: retry.Policy{Attempts: 4, MaxAttempts: 3}, script: script{fails: 9}, want: errUpstream, tries: 3, most: 2 * s},
		{name: "off", p: retry.Policy{Attempts: -1}, script: script{fails: 9}, want: errUpstream, tries: 1},
		{name: "final", script: script{fails: 9, last: true}, want: errUpstream, tries: 1},
		{name: "hint", script: script{fails: 1, hint: 3 * s}, tries: 2, least: 3 * s, most: 3300 * time.Millisecond},
		{name: "hint over patience", script: script{fails: 1, hint: 6 * s}, want: errUpstream, tries: 1},
		{name: "with more of it", p: retry.Policy{Patience: time.Minute}, script: script{fails: 1, hint: 6 * s}, tries: 2, least: 6 * s, most: 7 * s},
		{name: "R6 hint past the deadline", script: script{fails: 1, hint: 3 * s}, deadline: 3 * s, want: errUpstream, tries: 1},
		{name: "R6 backoff past the deadline", script: script{fails: 1, took: s}, deadline: 1300 * time.Millisecond, want: errUpstream, tries: 1, most: s},
		{name: "R6 deadline with room", script: script{fails: 1, hint: 3 * s}, deadline: 4 * s, tries: 2, least: 3 * s, most: 4 * s},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, begin := t.Context(), time.Now()
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				if err := tt.p.Do(ctx, nil, tt.script.try); err != tt.want {
					t.Errorf("error %v, want the original: %v", err, tt.want)
				}
				at := tt.script.at
				if len(at) != tt.tries {
					t.Fatalf("%d tries, want %d", len(at), tt.tries)
				}
				if last := at[len(at)-1]; last < tt.least {
					t.Errorf("last try after %v, want at least %v", last, tt.least)
				}
				if took := time.Since(begin); took > tt.most {
					t.Errorf("took %v, want at most %v", took, tt.most)
				}
			})
		})
	}
}

// R7: a cancelled wait ends in the same tick, and the retry that was not made is not paid for.
func TestR7CancelEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := errors.New("the client left")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(left) })
		b, begin := retry.NewBudget(0), time.Now()
		err := retry.Policy{}.Do(ctx, b, (&script{fails: 9, hint: 3 * time.Second}).try)
		if !errors.Is(err, errUpstream) || !errors.Is(err, left) {
			t.Errorf("error %v, want both the attempt's and the cause", err)
		}
		if took := time.Since(begin); took != time.Second {
			t.Errorf("returned after %v, want 1s", took)
		}
		if got := b.Level(begin); got != 10 {
			t.Errorf("budget %v, want the token back", got)
		}
	})
}

func TestDoEndedBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := script{}
	if err := (retry.Policy{}).Do(ctx, nil, s.try); err != context.Canceled || len(s.at) != 0 {
		t.Errorf("error %v after %d tries", err, len(s.at))
	}
}

func TestDoEndedDuringTheTry(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	tries := 0
	err := retry.Policy{}.Do(ctx, nil, func(context.Context) (time.Duration, bool, error) {
		tries++
		cancel()
		return 0, true, errUpstream
	})
	if err != errUpstream || tries != 1 {
		t.Errorf("error %v after %d tries", err, tries)
	}
}

// R9 once more, through Do: 1,000 calls in an outage share one budget; who gets no token does not wait.
func TestR9DoAsksTheBudgetFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := retry.NewBudget(0)
		var mu sync.Mutex
		var wg sync.WaitGroup
		tries, waited := 0, 0
		for range 1000 {
			wg.Go(func() {
				begin := time.Now()
				err := retry.Policy{Attempts: 3}.Do(t.Context(), b, func(context.Context) (time.Duration, bool, error) {
					mu.Lock()
					defer mu.Unlock()
					tries++
					return 0, true, errUpstream
				})
				mu.Lock()
				defer mu.Unlock()
				if err != errUpstream {
					t.Errorf("error %v", err)
				}
				if time.Since(begin) > 0 {
					waited++
				}
			})
		}
		wg.Wait()
		if tries > 1211 || tries < 1200 {
			t.Errorf("%d attempts for 1,000 calls, want 1,200 and the burst of 10", tries)
		}
		if waited > tries-1000 {
			t.Errorf("%d calls waited for %d retries", waited, tries-1000)
		}
	})
}
