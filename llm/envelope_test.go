package llm_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fairlead.dev/llm"
)

// TestEnvelopeNotesWhatDialectsShare, with the places in the body; the rest is
// handed on, in order.
func TestEnvelopeNotesWhatDialectsShare(t *testing.T) {
	body := "\t{ \"max_tokens\" : 7 ,\"messages\":[ {\"a\":[]} ] , \"model\" : \"cl\\u0061ude\",\"stream\":true,\"tools\":[{}],\"x\":null}\n"
	r := &llm.Request{Body: []byte(body)}
	var rest []string
	err := r.Envelope(func(m llm.Member, raw []byte) error {
		rest = append(rest, fmt.Sprintf("%s=%s", m.Key, raw))
		return nil
	})
	if err != nil || !slices.Equal(rest, []string{"max_tokens=7", "x=null"}) {
		t.Errorf("%v, %q", err, rest)
	}
	if r.Model != "claude" || !r.Stream || !r.Tools {
		t.Errorf("%+v", r)
	}
	for want, at := range map[string]llm.Span{`"cl\u0061ude"`: r.ModelAt, `[ {"a":[]} ]`: r.MessagesAt} {
		if got := body[at.Start:at.End]; got != want {
			t.Errorf("%s is said to stand at %s", want, got)
		}
	}
}

func TestEnvelopeDefaults(t *testing.T) {
	for body, want := range map[string]llm.Request{
		`{"model":"m"}`:                             {},
		`{"model":"m","stream":null}`:               {},
		`{"model":"m","stream":false,"tools":null}`: {},
		`{"model":"m","tools":[]}`:                  {},
		`{"model":"m","tools":{"a":1}}`:             {Tools: true},
		`{"stream":true,"model":"m"}`:               {Stream: true},
	} {
		if r := request(t, body); r.Stream != want.Stream || r.Tools != want.Tools || !r.MessagesAt.Empty() {
			t.Errorf("%s: %+v", body, r)
		}
	}
}

// TestEnvelopeRefuses: what cannot be read is the caller's mistake, told with the
// place or the field.
func TestEnvelopeRefuses(t *testing.T) {
	for body, says := range map[string]string{
		``:                               "cannot be read",
		`{`:                              "offset 1",
		`{"model":"m"`:                   "offset 12",
		`{"model":"m"}x`:                 "offset 13",
		`{"model":"m",}`:                 "offset 13",
		"\ufeff{\"model\":\"m\"}":        "byte order mark",
		`[{"model":"m"}]`:                "must be a JSON object",
		`"m"`:                            "must be a JSON object",
		`{"model":"a","model":"b"}`:      `key "model" twice`,
		`{"a":1,"model":"m","\u0061":2}`: `key "a" twice`,
		`{}`:                             "model: the field is required",
		`{"model":null}`:                 "model: must be a string",
		`{"model":["m"]}`:                "model: must be a string",
		`{"model":""}`:                   "model: must not be empty",
		`{"model":"` + strings.Repeat("m", 513) + `"}`: "model: longer than 512",
		`{"model":"m","stream":1}`:                     "stream: must be true or false",
		`{"model":"m","stream":"true"}`:                "stream: must be true or false",
		`{"model":"m","x":"\ud83d"}`:                   "surrogate",
		"{\"model\":\"m\xff\"}":                        "UTF-8",
	} {
		r := &llm.Request{Body: []byte(body)}
		err := r.Envelope(func(llm.Member, []byte) error { return nil })
		bad, ok := errors.AsType[*llm.BadRequest](err)
		if !ok || bad.Status != http.StatusBadRequest || !strings.Contains(bad.Message, says) {
			t.Errorf("%.60q: %v, want %q", body, err, says)
		}
	}
	longest := strings.Repeat("m", 512)
	if r := request(t, `{"model":"`+longest+`"}`); r.Model != longest {
		t.Error("the longest name was cut")
	}
	stop := errors.New("stop")
	r := &llm.Request{Body: []byte(`{"model":"m","x":1,"y":2}`)}
	if err := r.Envelope(func(llm.Member, []byte) error { return stop }); err != stop {
		t.Errorf("the error of the one who sees: %v", err)
	}
}

func TestCount(t *testing.T) {
	for raw, want := range map[string]int{"7": 7, "0": 0, "-7": 0, "1e3": 0, "1.5": 0, "99999999999999999999": 0, "null": 0} {
		m := llm.Member{Key: []byte("max_tokens"), Kind: llm.Number}
		if raw == "null" {
			m.Kind = llm.Null
		}
		if n, err := llm.Count(m, []byte(raw)); n != want || err != nil {
			t.Errorf("%s: %d, %v; want %d", raw, n, err, want)
		}
	}
	for _, kind := range []llm.ValueKind{llm.String, llm.Array, llm.Object, llm.True} {
		_, err := llm.Count(llm.Member{Key: []byte("max_tokens"), Kind: kind}, []byte(`"7"`))
		if bad, ok := errors.AsType[*llm.BadRequest](err); !ok || bad.Message != "max_tokens: must be a number" {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// TestPlainBody: what we cannot read we do not pass on.
func TestPlainBody(t *testing.T) {
	for _, plain := range [][]string{nil, {""}, {"identity"}, {" Identity "}, {"", "identity"}} {
		if err := llm.PlainBody(http.Header{"Content-Encoding": plain}); err != nil {
			t.Errorf("%q: %v", plain, err)
		}
	}
	for _, coded := range [][]string{{"gzip"}, {"identity", "zstd"}, {"identity, br"}, {strings.Repeat("x", 500)}} {
		bad, ok := errors.AsType[*llm.BadRequest](llm.PlainBody(http.Header{"Content-Encoding": coded}))
		if !ok || bad.Status != http.StatusUnsupportedMediaType || len(bad.Message) > 200 {
			t.Errorf("%.30q: %v", coded, bad)
		}
	}
}

// TestSign: whose credential goes where. A client's own goes as it came, both
// forms; ours goes once.
func TestSign(t *testing.T) {
	client := http.Header{"X-Api-Key": {"theirs"}, "Authorization": {"Bearer theirs too"}, "Api-Key": {"other"}, "Cookie": {"c"}}
	for name, row := range map[string]struct {
		cred  llm.Credential
		usual string
		want  http.Header
	}{
		"none":               {llm.Credential{}, "x-api-key", http.Header{}},
		"none, with a place": {llm.Credential{Header: "x-key"}, "x-api-key", http.Header{}},
		"the usual place":    {llm.Credential{Secret: "s"}, "x-api-key", http.Header{"X-Api-Key": {"s"}}},
		"a bearer":           {llm.Credential{Secret: "s"}, "authorization", http.Header{"Authorization": {"Bearer s"}}},
		"another place":      {llm.Credential{Secret: "s", Header: "api-key"}, "authorization", http.Header{"Api-Key": {"s"}}},
		"a bearer by name":   {llm.Credential{Secret: "s", Header: "Authorization"}, "x-api-key", http.Header{"Authorization": {"Bearer s"}}},
		"the client's":       {llm.Credential{Client: true}, "x-api-key", http.Header{"X-Api-Key": {"theirs"}, "Authorization": {"Bearer theirs too"}}},
		"never both":         {llm.Credential{Client: true, Secret: "s", Header: "api-key"}, "x-api-key", http.Header{"X-Api-Key": {"theirs"}, "Authorization": {"Bearer theirs too"}}},
	} {
		dst := http.Header{}
		row.cred.Sign(dst, client, row.usual)
		if fmt.Sprint(dst) != fmt.Sprint(row.want) {
			t.Errorf("%s: %v, want %v", name, dst, row.want)
		}
	}
	dst := http.Header{}
	llm.Credential{Client: true}.Sign(dst, client, "x-api-key")
	dst.Add("X-Api-Key", "more")
	if len(client["X-Api-Key"]) != 1 {
		t.Error("an append reached the client's header")
	}
}

// TestForwardLeavesTheClientsHeaderAlone, and describes a body that says nothing
// of itself.
func TestForwardLeavesTheClientsHeaderAlone(t *testing.T) {
	values := append(make([]string, 0, 4), "a")
	r := &llm.Request{Header: http.Header{"X-Good": values, "Connection": {"keep-alive", "x-hop , X-Other"}, "X-Hop": {"h"}, "X-Other": {"o"}}}
	all := func(string) bool { return true }
	for body, kind := range map[string]string{"": "", "{}": "application/json"} {
		dst := http.Header{}
		r.Forward(dst, []byte(body), all)
		dst.Add("X-Good", "ours")
		if dst.Get("Content-Type") != kind || dst.Get("X-Hop")+dst.Get("X-Other") != "" {
			t.Errorf("%q: %v", body, dst)
		}
	}
	if len(r.Header["X-Good"]) != 1 || values[:2][1] != "" {
		t.Errorf("an append reached the client's header: %q", values[:2])
	}
	dst := http.Header{}
	r.Forward(dst, nil, func(string) bool { return false })
	if fmt.Sprint(dst) != "map[Accept-Encoding:[identity]]" {
		t.Errorf("nothing is allowed, and yet: %v", dst)
	}
}

// TestNamed: the one change of nearly every request, byte for byte.
func TestNamed(t *testing.T) {
	for _, row := range []struct{ body, model, want string }{
		{`{"model":"old"}`, "old", `{"model":"old"}`},
		{`{"model":"old"}`, "new", `{"model":"new"}`},
		{"{ \"x\":[1.0],\n\"model\" : \"o\\u006cd\" ,\"y\":\"\\/\"}", "a\"b\\\n", "{ \"x\":[1.0],\n\"model\" : \"a\\\"b\\\\\\n\" ,\"y\":\"\\/\"}"},
		{`{"model":"old"}`, "bad\xff", "{\"model\":\"bad\ufffd\"}"},
		{`{"model":"old"}`, "", `{"model":""}`},
	} {
		r := request(t, row.body)
		b := r.Named(llm.Model{Name: row.model})
		if string(b.Bytes) != row.want || string(r.Body) != row.body {
			t.Errorf("%q:\ngot  %s\nwant %s", row.model, b.Bytes, row.want)
		}
		if changed := row.body != row.want; changed != slices.Equal(b.Edits, []string{"model"}) || !changed && &b.Bytes[0] != &r.Body[0] {
			t.Errorf("%q: edits %q", row.model, b.Edits)
		}
	}
	if b := (&llm.Request{Body: []byte("x")}).Named(llm.Model{Name: "new"}); string(b.Bytes) != "x" || b.Edits != nil {
		t.Errorf("a body without a model: %s, %q", b.Bytes, b.Edits)
	}
	r := request(t, `{"model":"old","x":"`+strings.Repeat("x", 5000)+`"}`)
	if n := testing.AllocsPerRun(100, func() { r.Named(llm.Model{Name: "new"}) }); n > 1 {
		t.Errorf("%v allocations, want one", n)
	}
}

// TestNumbersBeyondAnInt are unknown: they are never the largest number instead.
func TestNumbersBeyondAnInt(t *testing.T) {
	for _, raw := range []string{"9223372036854775808", "-9223372036854775809", "1" + strings.Repeat("0", 400), "1.0", "1e3", "01", "", "-", "x", `"1"`} {
		if n, ok := llm.Int([]byte(raw)); n != 0 || ok {
			t.Errorf("%.30s: %d, %v", raw, n, ok)
		}
	}
	for raw, want := range map[string]int{"9223372036854775807": 1<<63 - 1, "-9223372036854775808": -1 << 63, "0": 0, "-0": 0, "42": 42} {
		if n, ok := llm.Int([]byte(raw)); n != want || !ok {
			t.Errorf("%s: %d, %v", raw, n, ok)
		}
	}
}
