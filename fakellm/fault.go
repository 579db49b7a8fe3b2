package fakellm

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrNoFault is wrapped by the error of [ParseFault] for a name that does not
// begin like the name of any fault: an ordinary model name, for example.
var ErrNoFault = errors.New("fakellm: not the name of a fault")

// Fault says how one attempt deviates from a healthy answer. The zero value is
// a healthy answer. Most faults are best written by name (see [ParseFault]);
// a script may also spell the fields out.
type Fault struct {
	Name string `json:"-"` // as written, for the log

	// First limits the fault to the first so many attempts; 0: all. The server
	// counts them per model name and path, or per rule of the script.
	First int `json:"first"`

	Status     int               `json:"status"`      // an error with this status; 0: an answer, or Body with 200
	Error      string            `json:"error"`       // a named error: "spend-limit", "too-long", ...
	Type       string            `json:"type"`        // error type instead of the usual one
	Code       string            `json:"code"`        // error code instead of the usual one
	Message    string            `json:"message"`     // error message instead of the usual one
	RetryAfter string            `json:"retry_after"` // value of the Retry-After header, verbatim
	Headers    map[string]string `json:"headers"`     // added to the response; "" removes one
	Body       json.RawMessage   `json:"body"`        // sent verbatim: a string's text, else the JSON
	HTML       bool              `json:"html"`        // an HTML page with Status as body

	HeadersAfter time.Duration  `json:"headers_after"` // wait before the headers
	TTFT         *time.Duration `json:"ttft"`          // wait before the first token; nil: Config.TTFT
	PerToken     *time.Duration `json:"per_token"`     // wait between tokens; nil: Config.PerToken
	Tokens       *int           `json:"tokens"`        // length of the answer; nil: Config.Tokens
	Text         *string        `json:"text"`          // the answer, instead of Tokens numbered words
	Stop         string         `json:"stop"`          // stop reason in Anthropic's words
	NoPrefill    bool           `json:"no_prefill"`    // refuse an assistant prefill with 400
	Gzip         bool           `json:"gzip"`          // compress the answer, asked or not

	// Do is what breaks, one of [Faults] without its number: "reset", "cut",
	// "stall", ... At is after how many tokens, Size the bytes of a huge line.
	Do   string `json:"do"`
	At   int    `json:"at"`
	Size int    `json:"size"`
}

// What Fault.Do can be. Those of the first line act before any header.
const (
	doReset, doSilent, doRefused                           = "reset", "silent", "refused"
	doStall, doCut, doClose, doError, doMalformed, doHuge  = "stall", "cut", "close", "error", "malformed", "huge"
	doNoEnd, doEmpty, doLength, doJSON, doPings, doNothing = "no-end", "empty", "wrong-length", "bad-json", "pings", "lifecycle"
)

// maxLine bounds huge-line-<bytes>.
const maxLine = 1 << 30

// FaultDoc describes one form of fault name.
type FaultDoc struct{ Name, Means string }

// Faults lists every form of fault name that [ParseFault] knows, in the order
// of the table in the package documentation.
func Faults() []FaultDoc {
	var out []FaultDoc
	for _, e := range faultTable {
		out = append(out, FaultDoc{e.form, e.means})
	}
	return out
}

// ParseFault parses the name of a fault, in any case. Names may be joined with
// "+" ("slow-first-2s+cut-after-40") and end in "-once", "-twice" or "-x<N>",
// which limits them to the first N attempts. The error wraps [ErrNoFault] if
// the name is no fault's at all, and says what is wrong otherwise.
func ParseFault(name string) (Fault, error) {
	f := Fault{Name: name}
	rest := strings.ToLower(name)
	rest, f.First = cutFirst(rest)
	for part := range strings.SplitSeq(rest, "+") {
		var one Fault
		if err := one.parse(part); err != nil {
			return Fault{}, err
		}
		if err := f.join(one); err != nil {
			return Fault{}, fmt.Errorf("fakellm: fault %q: %w", name, err)
		}
	}
	return f, nil
}

// MustFault is [ParseFault] for names that are written in Go; it panics on a
// name that is no fault's.
func MustFault(name string) Fault {
	f, err := ParseFault(name)
	if err != nil {
		panic(err)
	}
	return f
}

// cutFirst takes "-once" and its like off the end of a name.
func cutFirst(name string) (rest string, first int) {
	if r, ok := strings.CutSuffix(name, "-once"); ok {
		return r, 1
	}
	if r, ok := strings.CutSuffix(name, "-twice"); ok {
		return r, 2
	}
	i := strings.LastIndex(name, "-x")
	if i < 0 {
		return name, 0
	}
	n, err := number(name[i+2:], 1, 1<<30)
	if err != nil {
		return name, 0
	}
	return name[:i], n
}

// parse reads one name without suffix.
func (f *Fault) parse(name string) error {
	for _, e := range faultTable {
		arg, ok := e.match(name)
		if !ok {
			continue
		}
		if err := e.set(f, arg); err != nil {
			return fmt.Errorf("fakellm: fault %q: want %s: %w", name, e.form, err)
		}
		return nil
	}
	return fmt.Errorf("%w: %q", ErrNoFault, name)
}

// join merges o, one part of a "+" name, into f.
func (f *Fault) join(o Fault) error {
	if (f.breaks() && o.breaks()) || (f.TTFT != nil && o.TTFT != nil) ||
		(f.PerToken != nil && o.PerToken != nil) || (f.HeadersAfter > 0 && o.HeadersAfter > 0) {
		return errors.New("its parts contradict each other")
	}
	if o.breaks() {
		f.Do, f.At, f.Size, f.Stop = o.Do, o.At, o.Size, o.Stop
		f.Status, f.Error, f.RetryAfter, f.HTML = o.Status, o.Error, o.RetryAfter, o.HTML
	}
	if o.TTFT != nil {
		f.TTFT = o.TTFT
	}
	if o.PerToken != nil {
		f.PerToken = o.PerToken
	}
	f.HeadersAfter += o.HeadersAfter
	f.NoPrefill = f.NoPrefill || o.NoPrefill
	f.Gzip = f.Gzip || o.Gzip
	return nil
}

// breaks reports whether f changes the answer, beyond being late.
func (f *Fault) breaks() bool {
	return f.Do != "" || f.Status != 0 || f.Error != "" || f.Stop != ""
}

// faultOfModel returns the fault that a model name asks for: the whole name, or
// what follows its last ":" or "/". ok is false for a healthy model.
func faultOfModel(model string) (f Fault, ok bool, err error) {
	for _, name := range []string{model, after(model, ":"), after(model, "/")} {
		f, err = ParseFault(name)
		if err == nil {
			return f, true, nil
		}
		if !errors.Is(err, ErrNoFault) {
			return Fault{}, false, err
		}
	}
	return Fault{}, false, nil
}

func after(s, sep string) string { return s[strings.LastIndex(s, sep)+1:] }

// number parses a plain decimal number; signs and spaces are refused.
func number(s string, low, high int) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil || int(n) < low || int(n) > high {
		return 0, fmt.Errorf("%q is not a number from %d to %d", s, low, high)
	}
	return int(n), nil
}

// span parses a duration that is not negative.
func span(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration such as 20s", s)
	}
	return d, nil
}
