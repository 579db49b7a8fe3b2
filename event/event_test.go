package event_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev/event"
)

func TestVerdictsAreNamedAndReadBack(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range event.Verdicts() {
		name := v.String()
		if name == "" || name == "unknown" || seen[name] {
			t.Errorf("verdict %d: name %q", v, name)
		}
		seen[name] = true
		var back event.Verdict
		if err := back.UnmarshalText([]byte(name)); err != nil || back != v {
			t.Errorf("%q reads back as %v, %v", name, back, err)
		}
	}
	var v event.Verdict
	if err := v.UnmarshalText([]byte("fine")); err == nil {
		t.Error("an unknown verdict was read")
	}
	if len(seen) != 18 {
		t.Errorf("%d verdicts, the table of the design has 18", len(seen))
	}
}

func TestReasonsAreNamedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range event.Reasons() {
		if name := r.String(); name == "" || name == "unknown" || seen[name] {
			t.Errorf("reason %d: name %q", r, name)
		} else {
			seen[name] = true
		}
	}
	if event.Reason(250).String() != "unknown" || event.Kind(250).String() != "unknown" {
		t.Error("numbers outside the set have a name")
	}
}

func TestReportKeepsOrderAndBounds(t *testing.T) {
	r := event.NewReport(event.Summary{ID: "c"})
	for i := range event.MaxEvents + 10 {
		r.Add(event.Event{Kind: event.Started, Reason: event.Hint, Attempt: i})
	}
	events := r.Events()
	if len(events) != event.MaxEvents || r.Summary().Dropped != 10 {
		t.Fatalf("%d events kept, %d dropped", len(events), r.Summary().Dropped)
	}
	for i, e := range events {
		if e.Attempt != i {
			t.Fatalf("event %d is attempt %d", i, e.Attempt)
		}
	}
	if r.Count(event.Hint) != event.MaxEvents || r.Count(event.Backoff) != 0 {
		t.Error("Count counts something else")
	}
	events[0].Attempt = 99
	if r.Events()[0].Attempt != 0 {
		t.Error("Events hands out the report's own memory")
	}
}

func TestReportAsJSON(t *testing.T) {
	r := event.NewReport(event.Summary{ID: "call_1", Model: "m"})
	r.Add(event.Event{Kind: event.Ended, Verdict: event.Overloaded, Status: 529, Wait: time.Second})
	r.Update(func(s *event.Summary) { s.Verdict = event.OK })
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"id":"call_1"`, `"verdict":"ok"`, `"kind":"ended"`, `"verdict":"overloaded"`, `"status":529`, `"wait_ns":1000000000`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in %s", want, b)
		}
	}
	if strings.Contains(string(b), `"reason"`) || strings.Contains(string(b), `"until"`) {
		t.Errorf("empty fields are written: %s", b)
	}
}

func TestReportMayBeReadWhileItGrows(t *testing.T) {
	r := event.NewReport(event.Summary{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				r.Add(event.Event{})
				r.Update(func(s *event.Summary) { s.Attempts++ })
				_, _ = r.MarshalJSON()
			}
		})
	}
	wg.Wait()
	if r.Summary().Attempts != 400 {
		t.Errorf("attempts %d", r.Summary().Attempts)
	}
}

func TestLogForgetsTheOldest(t *testing.T) {
	l := event.NewLog(2)
	for _, id := range []string{"a", "b", "c"} {
		l.Open(event.NewReport(event.Summary{ID: id}))
	}
	latest := l.Latest()
	if len(latest) != 2 || latest[0].Summary().ID != "c" || latest[1].Summary().ID != "b" {
		t.Fatalf("kept %d", len(latest))
	}
	if _, ok := l.Find("a"); ok {
		t.Error("the oldest is still there")
	}
	if r, ok := l.Find("b"); !ok || r.Summary().ID != "b" {
		t.Error("b is gone")
	}
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := event.NewLog(1)
		if l.Watched() {
			t.Error("watched by nobody")
		}
		ctx, cancel := context.WithCancel(t.Context())
		var got []string
		done := make(chan struct{})
		go func() {
			defer close(done)
			for e := range l.Watch(ctx) {
				got = append(got, e.Call)
			}
		}()
		synctest.Wait()
		l.Publish(event.Event{Call: "1"})
		l.Publish(event.Event{Call: "2"})
		synctest.Wait()
		cancel()
		<-done
		l.Publish(event.Event{Call: "3"})
		if strings.Join(got, "") != "12" || l.Watched() {
			t.Errorf("got %v, watched %v", got, l.Watched())
		}
	})
}

// A watcher that does not read never holds up a call.
func TestASlowWatcherMissesEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := event.NewLog(1)
		ctx, cancel := context.WithCancel(t.Context())
		release := make(chan struct{})
		seen := 0
		go func() {
			for range l.Watch(ctx) {
				<-release
				seen++
			}
		}()
		synctest.Wait()
		const sent = 5000
		for range sent {
			l.Publish(event.Event{})
		}
		close(release)
		synctest.Wait()
		cancel()
		synctest.Wait()
		if l.Dropped() == 0 || seen+int(l.Dropped()) != sent {
			t.Errorf("%d seen, %d dropped of %d", seen, l.Dropped(), sent)
		}
	})
}

func FuzzVerdict(f *testing.F) {
	f.Add("ok")
	f.Fuzz(func(t *testing.T, name string) {
		var v event.Verdict
		if v.UnmarshalText([]byte(name)) == nil && v.String() != name {
			t.Errorf("%q was read as %q", name, v)
		}
	})
}
