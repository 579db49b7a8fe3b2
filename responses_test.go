package fairlead_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"fairlead.dev"
	"fairlead.dev/event"
	"fairlead.dev/fakellm"
	"fairlead.dev/provider/openai"
)

// respond asks in the form of the Responses API.
func (w *world) respond(model string, stream bool, more string, calls ...func(*fairlead.Call)) (res result) {
	w.Helper()
	began := time.Now()
	defer func() { res.took = time.Since(began) }()
	text := fmt.Sprintf(`{"model":%q,"input":"hi","stream":%v%s}`, model, stream, more)
	r, err := openai.Provider{}.Parse("POST", "/v1/responses", "", http.Header{"Content-Type": {"application/json"}}, []byte(text))
	if err != nil {
		w.Fatal(err)
	}
	if res = w.do(w.Context(), r, calls); res.answered {
		res.readResponse()
	}
	return res
}

// readResponse finds the text of an answer, with no code of ours.
func (r *result) readResponse() {
	type response struct {
		Status string
		Output []struct{ Content []struct{ Text string } }
	}
	if strings.HasPrefix(string(r.body), "{") {
		var v response
		r.complete = json.Unmarshal(r.body, &v) == nil && v.Status == "completed"
		for _, o := range v.Output {
			for _, c := range o.Content {
				r.text += c.Text
			}
		}
		return
	}
	for line := range strings.Lines(string(r.body)) {
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		var v struct {
			Type     string
			Delta    string
			Response response
		}
		if json.Unmarshal([]byte(data), &v) != nil {
			r.failure += "bad event: " + data
		}
		switch v.Type {
		case "response.output_text.delta":
			r.text += v.Delta
		case "response.completed":
			r.complete = true
		case "error":
			r.failure += data
		}
	}
}

// bothForms runs f plain and streamed.
func bothForms(t *testing.T, f func(t *testing.T, stream bool)) {
	t.Helper()
	for _, stream := range []bool{false, true} {
		t.Run(fmt.Sprintf("stream=%v", stream), func(t *testing.T) { bubble(t, func(t *testing.T) { f(t, stream) }) })
	}
}

// A response that fails before its first content is asked for again, elsewhere
// if need be, and nobody notices.
func TestResponsesAreRepaired(t *testing.T) {
	for _, fault := range []string{
		"ok", "fail-529", "fail-500", "fail-503", "html-502", "reset", "silent", "fail-401", "no-quota", "unknown-model", "retry-after-3600",
		"empty", "bad-json", "cut-after-0", "close-after-0", "error-after-0", "lifecycle-only", "pings-only", "gzip",
	} {
		t.Run(fault, func(t *testing.T) {
			bothForms(t, func(t *testing.T, stream bool) {
				w := newWorld(t, twice(func(cfg *fairlead.Config) { chain("o/"+fault, "o2/good")(cfg) }))
				w.whole(w.respond("m", stream, ""))
			})
		})
	}
}

// After the first content a failure is an error event in the form of this API,
// never an end.
func TestResponsesThatAreCutSaySo(t *testing.T) {
	for _, fault := range []string{"cut-after-40", "close-after-40", "error-after-40", "malformed-after-40", "stall-after-40", "no-end"} {
		bubble(t, func(t *testing.T) {
			w := newWorld(t, chain("o/"+fault, "o/good"))
			r := w.respond("m", true, "")
			e, ok := errors.AsType[*fairlead.Error](r.err)
			if !ok || r.complete || !strings.HasPrefix(fakellm.Text(60), r.text) || r.text == "" || e.Verdict != event.Truncated {
				t.Fatalf("%s: err %v, text %q", fault, r.err, r.text)
			}
			var v struct {
				Type    string
				Code    *string
				Message string
				Error   struct{ Message string }
			}
			data, ok := strings.CutPrefix(string(e.Event), "event: error\ndata: ")
			if err := json.Unmarshal([]byte(data), &v); !ok || err != nil || v.Type != "error" || v.Message == "" || v.Error.Message != v.Message {
				t.Errorf("%s: event %q", fault, e.Event)
			}
			w.whole(w.respond("m", true, "", complete)) // all or nothing works here too
		})
	}
}

// What a provider remembers, nobody else can go on with.
func TestABoundResponseNeverHops(t *testing.T) {
	bothForms(t, func(t *testing.T, stream bool) {
		for _, more := range []string{`,"previous_response_id":"resp_1"`, `,"conversation":{"id":"conv_1"}`} {
			w := newWorld(t, twice(func(cfg *fairlead.Config) { chain("o/fail-529", "o2/good")(cfg) }))
			if r := w.respond("m", stream, more); r.err == nil || r.status < 500 || len(w.asked("o")) != 2 {
				t.Errorf("status %d, asked %v", r.status, w.asked("o"))
			}
			w = newWorld(t, chain("o/fail-529-once"))
			w.whole(w.respond("m", stream, more))
		}
	})
}

func TestResponsesKnowTheirUsage(t *testing.T) {
	bothForms(t, func(t *testing.T, stream bool) {
		w := newWorld(t, chain("o/good"))
		r := w.respond("m", stream, `,"max_output_tokens":30`)
		if u := r.report.Summary().Usage; r.err != nil || u.Output != 30 || u.Input == 0 || r.text != fakellm.Text(30) {
			t.Errorf("err %v, usage %+v, text %q", r.err, u, r.text)
		}
		r = w.respond("m", stream, `,"tools":[{"type":"function","name":"look","parameters":{"type":"object","properties":{"q":{"type":"string"}}}}],"tool_choice":"required"`)
		if r.err != nil || !strings.Contains(string(r.body), `"function_call"`) {
			t.Errorf("err %v, %s", r.err, r.body)
		}
	})
}
