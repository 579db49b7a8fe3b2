package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"fairlead.dev/config"
)

// story is a call's report as it travels: what /api/calls/{id} answers, and what
// an event.Report marshals to.
type story struct {
	ID       string      `json:"id"`
	Model    string      `json:"model"`
	Start    time.Time   `json:"start"`
	End      time.Time   `json:"end"`
	Target   string      `json:"target"`
	Attempts int         `json:"attempts"`
	Fallback bool        `json:"fallback"`
	Verdict  string      `json:"verdict"`
	Status   int         `json:"status"`
	Events   []happening `json:"events"`
}

// happening is one event of a story.
type happening struct {
	At      time.Time     `json:"at"`
	Kind    string        `json:"kind"`
	Reason  string        `json:"reason"`
	Target  string        `json:"target"`
	Verdict string        `json:"verdict"`
	Status  int           `json:"status"`
	Attempt int           `json:"attempt"`
	Wait    time.Duration `json:"wait_ns"`
	N       int           `json:"n"`
	M       int           `json:"m"`
	Detail  string        `json:"detail"`
}

// sentence says who answered and what it took.
func (s *story) sentence() string {
	var b strings.Builder
	fmt.Fprintf(&b, "answered by %s", s.Target)
	if s.Attempts > 1 {
		fmt.Fprintf(&b, " after %d attempts", s.Attempts)
	}
	fmt.Fprintf(&b, " in %s", short(s.End.Sub(s.Start)))
	if why := s.because(); why != "" {
		b.WriteString(", because " + why)
	}
	return b.String()
}

// because names what stood in the way, each thing once.
func (s *story) because() string {
	var whys []string
	add := func(why string) {
		if !slices.Contains(whys, why) {
			whys = append(whys, why)
		}
	}
	for _, e := range s.Events {
		switch {
		case e.Kind == "ended" && e.Verdict != "" && e.Verdict != "ok" && e.Verdict != "refused":
			add(modelOf(e.Target) + " was " + words(e.Verdict))
		case e.Kind == "skipped":
			add(modelOf(e.Target) + " was not asked (" + words(e.Reason) + ")")
		}
	}
	return strings.Join(whys, " and ")
}

func modelOf(target string) string {
	if _, model, ok := strings.Cut(target, "/"); ok {
		return model
	}
	return target
}

func words(name string) string { return strings.ReplaceAll(name, "_", " ") }

func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	default:
		return fmt.Sprintf("%dms", d.Milliseconds())
	}
}

// tell writes every event as a line.
func (s *story) tell(w io.Writer) {
	for _, e := range s.Events {
		fmt.Fprintln(w, config.Redact(e.line(s.Start)))
	}
}

// line is one event: when, what, about whom, why, the numbers.
func (e *happening) line(start time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  %8s  %-11s", "+"+short(e.At.Sub(start)), words(e.Kind))
	put := func(ok bool, format string, args ...any) {
		if ok {
			fmt.Fprintf(&b, " "+format, args...)
		}
	}
	put(e.Target != "", "%s", e.Target)
	put(e.Attempt > 0, "attempt %d", e.Attempt)
	put(e.Verdict != "", "%s", words(e.Verdict))
	put(e.Status > 0, "(status %d)", e.Status)
	put(e.Reason != "" && e.Reason != "verdict", "because of %s", words(e.Reason))
	put(e.Wait > 0, waits[e.Kind], short(e.Wait))
	put(e.N > 0 || e.M > 0, "%s", e.numbers())
	put(e.Detail != "", "%s", e.Detail)
	return strings.TrimRight(b.String(), " ")
}

// waits says what the time of an event is.
var waits = map[string]string{
	"arrived": "(%s to answer)", "queued": "for %s", "ended": "after %s", "waiting": "for %s",
	"hedged": "after %s without content", "held": "the client, which had got nothing for %s",
}

// numbers says what the numbers of an event are.
func (e *happening) numbers() string {
	switch e.Kind {
	case "arrived":
		return fmt.Sprintf("about %d tokens for", e.N)
	case "finished":
		return fmt.Sprintf("%d tokens in, %d out, for", e.M, e.N)
	case "resumed":
		return fmt.Sprintf("behind %d bytes of text,", e.N)
	case "narrowed":
		return fmt.Sprintf("to %d calls at once, from %d", e.N, e.M)
	case "ended":
		return fmt.Sprintf("(about %d tokens of input for nothing)", e.N)
	}
	return fmt.Sprintf("%d of %d attempts failed,", e.N, e.M)
}
