package fairlead_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev"
	"fairlead.dev/fakellm"
	"fairlead.dev/internal/traces"
)

// TestNobodyIsTold429 offers three times what a provider takes a minute, in the
// real order and sizes of three traces, for nine minutes. With its limits
// configured nothing is refused there; with limits from its headers nearly
// nothing after the first minute; and the quota is used.
func TestNobodyIsTold429(t *testing.T) {
	minutes, names := time.Duration(9), traces.Names
	if !*loads {
		minutes, names = 3, []string{"azure_conv"}
	}
	for _, name := range names {
		list := traces.Read(name)
		perMinute := rates(list, minutes*time.Minute)
		for _, known := range []string{"configured", "learned", "unknown"} {
			t.Run(name+"/"+known, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					limits := fakellm.Limit{RPM: int(perMinute[0] / 2), ITPM: int(perMinute[1] / 3), OTPM: int(perMinute[2] / 2)}
					w := makeWorld(t, func(cfg *fairlead.Config) {
						chain("a/good")(cfg)
						if known == "unknown" {
							cfg.Providers[slices.IndexFunc(cfg.Providers, func(p fairlead.Provider) bool { return p.Name == "a" })].BaseURL = "http://muted:80"
						}
						if known == "configured" {
							cfg.Limits.RPM, cfg.Limits.ITPM, cfg.Limits.OTPM = limits.RPM, limits.ITPM, limits.OTPM
						}
					}, false)
					w.script("a", fmt.Sprintf(`{%s,"limits":[{"rpm":%d,"itpm":%d,"otpm":%d}]}`, slowly, limits.RPM, limits.ITPM, limits.OTPM))
					if known == "unknown" {
						w.muted()
					}
					l := newLoad(w)
					var waits []bool
					l.callers.Go(func() { waits = l.backlog(minutes * time.Minute) })
					l.replay(list, 1, minutes*time.Minute, normal)
					synctest.Wait()
					b := l.book(time.Minute, minutes*time.Minute)
					busy, taken := 0, 0
					for i := 60; i < len(waits); i++ {
						if waits[i-1] && waits[i] {
							busy, taken = busy+1, taken+b.perSecond[i]
						}
					}
					used := float64(taken) / float64(limits.ITPM) / float64(busy) * 60
					t.Logf("%d attempts, %d refused, %.1f%% of the input used in %d s with a backlog", b.asked, b.refused, 100*used, busy)
					if known == "configured" {
						b.refused = l.book(0, time.Hour).refused
					}
					if float64(b.refused) > map[string]float64{"configured": 0, "learned": 0.005, "unknown": 0.05}[known]*float64(b.asked) {
						t.Errorf("%d of %d refused", b.refused, b.asked)
					}
					if used < map[string]float64{"configured": 0.95, "learned": 0.9, "unknown": 0.85}[known] {
						t.Errorf("%.1f%% used", 100*used)
					}
					l.callers.Wait()
					synctest.Wait()
				})
			})
		}
	}
}

// muted serves the fake of provider "a" once more, at "muted", without the
// headers that tell of limits.
func (w *world) muted() {
	w.Helper()
	ln, err := w.net.Listen("muted:80")
	if err != nil {
		w.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) { w.fake["a"].ServeHTTP(&mute{out}, r) })}
	go srv.Serve(ln)
	w.Cleanup(func() { srv.Close() })
}

// mute takes the headers that tell of limits out of an answer.
type mute struct{ http.ResponseWriter }

func (m *mute) WriteHeader(status int) {
	for name := range m.Header() {
		if strings.Contains(name, "Ratelimit") || name == "Retry-After" {
			m.Header().Del(name)
		}
	}
	m.ResponseWriter.WriteHeader(status)
}

func (m *mute) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// TestUrgentWorkGoesFirst plays a trace at three times what its limit of
// requests takes, a quarter of it critical: those calls wait for less than an
// answer takes, whatever the others do.
func TestUrgentWorkGoesFirst(t *testing.T) {
	minutes := time.Duration(9)
	if !*loads {
		minutes = 3
	}
	bubble(t, func(t *testing.T) {
		list := traces.Read("azure_conv")
		perMinute := rates(list, minutes*time.Minute)
		rpm := int(perMinute[0] / 3)
		w := newWorld(t, func(cfg *fairlead.Config) {
			chain("a/good")(cfg)
			cfg.Limits.RPM = rpm
		})
		w.script("a", fmt.Sprintf(`{%s,"limits":[{"rpm":%d}]}`, slowly, rpm))
		l := newLoad(w)
		l.replay(list, 1, minutes*time.Minute, mix)
		l.callers.Wait()
		if refused := l.book(0, time.Hour).refused; refused > 0 {
			t.Errorf("%d refused", refused)
		}
		l.fair(t, 5.5*float64(time.Second))
	})
}
