package fakellm

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Script is what a provider does over time. [ParseScript] reads it from JSON,
// whose keys stand behind the fields.
type Script struct {
	// Clock says where the times of the rules count from: "start" (the
	// default) from New, Reset or SetScript; "first" from the first API request
	// after that.
	Clock string `json:"clock"`
	Seed  uint64 `json:"seed"` // of every rule's probability that has no seed of its own

	Tokens   int           `json:"tokens"`    // length of the answers; 0: Config.Tokens
	TTFT     time.Duration `json:"ttft"`      // 0: Config.TTFT
	PerToken time.Duration `json:"per_token"` // 0: Config.PerToken

	Keys           map[string]string `json:"keys"`            // name to key, besides Config.Keys
	Strict         bool              `json:"strict"`          // 404 for models that Models does not name
	RequireVersion bool              `json:"require_version"` // 400 without anthropic-version, as the real one
	Capacity       int               `json:"capacity"`        // requests answered at once; more get 529 or 503; 0: no bound

	Rules  []Rule  `json:"rules"`
	Limits []Limit `json:"limits"` // the first that matches key and model counts
	Models []Model `json:"models"` // the first that matches counts
}

// Rule applies a fault to the requests it matches, in its window of time. The
// first rule that applies wins; a rule that is exhausted, skips this request,
// or is outside its window lets the next one look, and in the end the model's
// name.
type Rule struct {
	Match Match         `json:"match"`
	From  time.Duration `json:"from"`
	To    time.Duration `json:"to"` // exclusive; 0: for ever

	// Every applies the rule to each k-th request that it matches: the k-th,
	// the 2k-th, ... Probability then leaves some out, by chance but the same
	// ones in every run. Times ends the rule after so many faults.
	Every       int      `json:"every"`
	Probability *float64 `json:"probability"` // nil: always
	Seed        uint64   `json:"seed"`
	Times       int      `json:"times"`

	Fault Fault `json:"fault"` // a name or an object
}

// Match selects requests; every field that is set must fit. Patterns know "*"
// (anything, slashes too) and "?" (one character).
type Match struct {
	Model  string `json:"model"`
	Key    string `json:"key"` // the name (or hash) as in the log
	Path   string `json:"path"`
	Stream *bool  `json:"stream"`
}

// Model says what a model takes. It refuses the rest with 400 as the real ones
// do, naming the field.
type Model struct {
	Name         string   `json:"name"`          // pattern
	MaxTokens    int      `json:"max_tokens"`    // largest max_tokens; 0: any
	Context      int      `json:"context"`       // window in tokens (bytes / 4); 0: any
	RejectFields []string `json:"reject_fields"` // dotted paths: "thinking", "output_config.effort"
	RejectBetas  []string `json:"reject_betas"`  // patterns for values of anthropic-beta
	NoImages     bool     `json:"no_images"`
	NoPrefill    bool     `json:"no_prefill"`
	OwnThinking  bool     `json:"own_thinking"` // refuse thinking blocks that another model signed
	Capacity     int      `json:"capacity"`     // requests answered at once by this model; 0: no bound
}

// faults names everything that is wrong with the script, each with its place.
func (s *Script) faults() []error {
	f := faultList{where: "script: "}
	f.check(s.Clock == "" || s.Clock == "start" || s.Clock == "first", "clock", `want "start" or "first"`)
	f.check(s.Tokens >= 0, "tokens", negative)
	f.check(s.TTFT >= 0, "ttft", negative)
	f.check(s.PerToken >= 0, "per_token", negative)
	f.check(s.Capacity >= 0, "capacity", negative)
	f.keys(s.Keys, "keys")
	for i := range s.Rules {
		s.Rules[i].faults(&f, fmt.Sprintf("rules[%d]", i))
	}
	for i := range s.Limits {
		s.Limits[i].faults(&f, fmt.Sprintf("limits[%d]", i))
	}
	for i := range s.Models {
		s.Models[i].faults(&f, fmt.Sprintf("models[%d]", i))
	}
	return f.list
}

const negative = "must not be negative"

// faultList collects what is wrong, each with its place.
type faultList struct {
	where string // before every place
	list  []error
}

func (f *faultList) check(ok bool, place, problem string) {
	if !ok {
		f.list = append(f.list, fmt.Errorf("fakellm: %s%s: %s", f.where, place, problem))
	}
}

func (f *faultList) keys(keys map[string]string, place string) {
	for name, key := range keys {
		f.check(name != "" && key != "", place, "a key and its name must not be empty")
	}
}

func (r *Rule) faults(f *faultList, at string) {
	f.check(r.From >= 0, at+".from", negative)
	f.check(r.To == 0 || r.To > r.From, at+".to", "must be later than from")
	f.check(r.Every >= 0, at+".every", negative)
	f.check(r.Times >= 0, at+".times", negative)
	if p := r.Probability; p != nil {
		f.check(*p >= 0 && *p <= 1, at+".probability", "must be from 0 to 1")
	}
	if r.Fault.Do == doRefused {
		plain := r.Match == Match{} && r.Every == 0 && r.Times == 0 && r.Probability == nil && r.Fault.First == 0
		f.check(plain, at, "refused shuts the whole listener: it takes only from and to")
	}
	f.check(!reflect.ValueOf(r.Fault).IsZero(), at+".fault", `is missing; "ok" is a healthy answer`)
	r.Fault.faults(f, at+".fault")
}

// faults names what is wrong with a fault that was spelled out.
func (o *Fault) faults(f *faultList, at string) {
	known := []string{"", doReset, doSilent, doRefused, doStall, doCut, doClose, doError, doMalformed, doHuge,
		doNoEnd, doEmpty, doLength, doJSON, doPings, doNothing}
	f.check(slices.Contains(known, o.Do), at+".do", fmt.Sprintf("%q is none of%s", o.Do, strings.Join(known, " ")))
	f.check(o.Status == 0 || o.Status >= 200 && o.Status <= 999, at+".status", "must be from 200 to 999")
	_, named := anthropicErrors[o.Error]
	f.check(o.Error == "" || named, at+".error", fmt.Sprintf("there is no error named %q", o.Error))
	f.check(o.First >= 0, at+".first", negative)
	f.check(o.At >= 0, at+".at", negative)
	f.check(o.Size >= 0 && o.Size <= maxLine, at+".size", fmt.Sprintf("must be from 0 to %d", maxLine))
	f.check(o.HeadersAfter >= 0, at+".headers_after", negative)
	f.check(o.TTFT == nil || *o.TTFT >= 0, at+".ttft", negative)
	f.check(o.PerToken == nil || *o.PerToken >= 0, at+".per_token", negative)
	f.check(o.Tokens == nil || *o.Tokens >= 0, at+".tokens", negative)
	f.check(o.Tokens == nil || o.Text == nil, at, "tokens and text exclude each other")
	f.check(!o.HTML || o.Body == nil, at, "html and body exclude each other")
	answers := o.Do != "" || o.Stop != "" || o.Tokens != nil || o.Text != nil
	f.check(!answers || !o.fails(), at, "an error status or a body leaves no answer to break, stop or word")
}

func (m *Model) faults(f *faultList, at string) {
	f.check(m.Name != "", at+".name", "is missing")
	f.check(m.MaxTokens >= 0, at+".max_tokens", negative)
	f.check(m.Context >= 0, at+".context", negative)
	f.check(m.Capacity >= 0, at+".capacity", negative)
	f.check(!slices.Contains(m.RejectFields, ""), at+".reject_fields", "a field must not be empty")
	f.check(!slices.Contains(m.RejectBetas, ""), at+".reject_betas", "a beta must not be empty")
}

// describe names a fault that was spelled out, for the log.
func (o *Fault) describe() string {
	switch {
	case o.Error != "":
		return o.Error
	case o.HTML:
		return fmt.Sprintf("html-%d", o.Status)
	case o.Status != 0:
		return fmt.Sprintf("fail-%d", o.Status)
	case o.Do != "":
		return o.Do
	}
	return "custom"
}

// fails reports whether f replaces the answer by an error or a body.
func (o *Fault) fails() bool {
	return o.Error != "" || o.HTML || o.Body != nil || o.Status != 0
}

// ParseScript reads a script from JSON, strictly: unknown and duplicate keys,
// wrong types, values out of range and unknown faults are refused, all of them
// at once and each with its place, such as rules[2].fault.at.
func ParseScript(data []byte) (*Script, error) {
	s := new(Script)
	errs := decodeScript(data, s)
	if len(errs) == 0 {
		errs = s.faults()
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return s, nil
}

// glob reports whether s fits the pattern; an empty pattern fits everything.
func glob(pattern, s string) bool {
	if pattern == "" {
		return true
	}
	star, mark := -1, 0 // the latest "*" and where in s its match ends
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == '?':
			_, n := utf8.DecodeRuneInString(s[i:])
			p, i = p+1, i+n
		case p < len(pattern) && pattern[p] == s[i]:
			p, i = p+1, i+1
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
