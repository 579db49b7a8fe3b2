package llm_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fairlead.dev/llm"
)

// fit adapts a body to a later target of a chain that is known by one row, as a
// dialect does without changes of its own.
func fit(t testing.TB, body string, row llm.Adapt, betas ...string) (llm.Body, error) {
	t.Helper()
	r := request(t, body)
	if len(betas) > 0 {
		r.Header["Anthropic-Beta"] = betas
	}
	if i := strings.Index(body, `"max_tokens":`); i >= 0 {
		i += len(`"max_tokens":`)
		r.MaxTokensAt = llm.Span{Start: i, End: i + strings.IndexAny(body[i:], ",}")}
		r.MaxTokens, _ = llm.Int(r.Body[i:r.MaxTokensAt.End])
	}
	row.Model = "*"
	f := llm.NewFit(r, llm.Model{Name: "n", Primary: "m", Hop: true, Adapt: []llm.Adapt{row}}, nil)
	if err := f.Check(func() bool { return strings.Contains(body, "image") }); err != nil {
		return llm.Body{}, err
	}
	return f.Body()
}

// TestFitDrops: fields by name, inside fields, and by what they hold; a field of
// which all goes, goes.
func TestFitDrops(t *testing.T) {
	for name, row := range map[string]struct {
		body  string
		drop  []string
		want  string
		edits string
	}{
		"nothing to drop":            {`{"model":"m","a":1}`, []string{"b", "b.c", "a.c", "a?c=d"}, `{"model":"n","a":1}`, "model"},
		"the first":                  {`{"a":1,"model":"m"}`, []string{"a"}, `{"model":"n"}`, "model drop:a"},
		"the last":                   {`{"model":"m","a":1}`, []string{"a"}, `{"model":"n"}`, "model drop:a"},
		"several in a row":           {`{"a":1, "b":2 ,"model":"m","c":3}`, []string{"b", "a", "c"}, `{"model":"n"}`, "model drop:b drop:a drop:c"},
		"inside":                     {`{"model":"m","a":{"b":1,"c":2}}`, []string{"a.b"}, `{"model":"n","a":{"c":2}}`, "model drop:a.b"},
		"all inside":                 {`{"model":"m","a":{"b":1,"c":2}}`, []string{"a.c", "a.b"}, `{"model":"n"}`, "model drop:a.c drop:a.b"},
		"the whole and a part":       {`{"model":"m","a":{"b":1,"c":2}}`, []string{"a.b", "a"}, `{"model":"n"}`, "model drop:a.b drop:a"},
		"by its member":              {`{"model":"m","a":{"type":"x","b":1}}`, []string{"a?type=x"}, `{"model":"n"}`, "model drop:a"},
		"not by another member":      {`{"model":"m","a":{"type":"y"}}`, []string{"a?type=x", "a?kind=y"}, `{"model":"n","a":{"type":"y"}}`, "model"},
		"by a number":                {`{"model":"m","a":{"n":5}}`, []string{"a?n=5"}, `{"model":"n"}`, "model drop:a"},
		"twice is once":              {`{"model":"m","a":{"type":"x"}}`, []string{"a", "a?type=x", "a"}, `{"model":"n"}`, "model drop:a"},
		"a value that is no object":  {`{"model":"m","a":"b"}`, []string{"a.b"}, `{"model":"n","a":"b"}`, "model"},
		"an escaped key":             {`{"model":"m","\u0061":1}`, []string{"a"}, `{"model":"n"}`, "model drop:a"},
		"white space and the others": {"{ \"model\" : \"m\",\n \"a\":1,\n \"b\" : [1.0] }", []string{"a"}, "{ \"model\" : \"n\",\n \"b\" : [1.0] }", "model drop:a"},
	} {
		b, err := fit(t, row.body, llm.Adapt{Drop: row.drop})
		if err != nil || string(b.Bytes) != row.want || strings.Join(b.Edits, " ") != row.edits {
			t.Errorf("%s: %v, %q\ngot  %s\nwant %s", name, err, b.Edits, b.Bytes, row.want)
		}
	}
}

func TestFitClampsTheLimit(t *testing.T) {
	for _, row := range []struct {
		body   string
		most   int
		want   string
		edited bool
	}{
		{`{"model":"m","max_tokens":100}`, 50, `{"model":"n","max_tokens":50}`, true},
		{`{"model":"m","max_tokens":50}`, 50, `{"model":"n","max_tokens":50}`, false},
		{`{"model":"m","max_tokens":49}`, 50, `{"model":"n","max_tokens":49}`, false},
		{`{"model":"m","max_tokens":100}`, 0, `{"model":"n","max_tokens":100}`, false},
		{`{"model":"m"}`, 50, `{"model":"n"}`, false},
	} {
		b, err := fit(t, row.body, llm.Adapt{MaxOutput: row.most})
		if err != nil || string(b.Bytes) != row.want || slices.Contains(b.Edits, "max_tokens") != row.edited {
			t.Errorf("%s for %d: %v, %q, %s", row.body, row.most, err, b.Edits, b.Bytes)
		}
	}
}

// TestFitRefuses: what cannot be adapted passes the target over, and says why.
func TestFitRefuses(t *testing.T) {
	long := `{"model":"m","x":"` + strings.Repeat("x", 6000) + `"}`
	for name, row := range map[string]struct {
		body string
		row  llm.Adapt
		why  string // empty: it is taken
	}{
		"tools":                 {`{"model":"m","tools":[{}]}`, llm.Adapt{NoTools: true}, "tools"},
		"no tools":              {`{"model":"m","tools":[]}`, llm.Adapt{NoTools: true}, ""},
		"an image":              {`{"model":"m","x":"image"}`, llm.Adapt{NoImages: true}, "images"},
		"no image":              {`{"model":"m"}`, llm.Adapt{NoImages: true}, ""},
		"a field":               {`{"model":"m","a":1}`, llm.Adapt{Refuse: []string{"a"}}, "a"},
		"a field inside":        {`{"model":"m","a":{"b":null}}`, llm.Adapt{Refuse: []string{"a.b"}}, "a.b"},
		"a value":               {`{"model":"m","a":{"type":"x"}}`, llm.Adapt{Refuse: []string{"a?type=x"}}, "a"},
		"another value":         {`{"model":"m","a":{"type":"y"}}`, llm.Adapt{Refuse: []string{"a?type=x"}}, ""},
		"certainly too long":    {long, llm.Adapt{Window: 1000}, "window of 1000"},
		"perhaps too long":      {long, llm.Adapt{Window: 1003}, ""},
		"refused before drops":  {`{"model":"m","a":1}`, llm.Adapt{Refuse: []string{"a"}, Drop: []string{"a"}}, "a"},
		"nothing known, so all": {`{"model":"m","tools":[{}],"x":"image"}`, llm.Adapt{}, ""},
	} {
		_, err := fit(t, row.body, row.row)
		if (err != nil) != (row.why != "") {
			t.Errorf("%s: %v", name, err)
		} else if err != nil && (!errors.Is(err, llm.ErrCannot) || !strings.Contains(err.Error(), "n: ") || !strings.Contains(err.Error(), row.why)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFitDropsBetas: by pattern, each once, and named.
func TestFitDropsBetas(t *testing.T) {
	b, err := fit(t, `{"model":"m"}`, llm.Adapt{DropBetas: []string{"old-*", "exact"}}, "old-1, keep-1,,old-2 ", "exact,old-1,exactly")
	if err != nil || !slices.Equal(b.Betas, []string{"old-1", "old-2", "exact"}) {
		t.Errorf("%v, %q", err, b.Betas)
	}
	if want := []string{"model", "drop-beta:old-1", "drop-beta:old-2", "drop-beta:exact"}; !slices.Equal(b.Edits, want) {
		t.Errorf("edits %q, want %q", b.Edits, want)
	}
}

// TestFitEdits: a dialect's own changes are made with all others, in one copy, and
// the request keeps its bytes.
func TestFitEdits(t *testing.T) {
	const body = `{"a":1,"model":"m","b":{"c":2,"d":3}}`
	r := request(t, body)
	f := llm.NewFit(r, llm.Model{Name: "n", Hop: true}, nil)
	f.Replace("one", llm.Span{Start: 5, End: 6}, "11")
	f.Drop("b.c")
	f.Edit("insert", llm.Edit{Start: 1, End: 1, With: []byte(`"z":0,`)})
	b, err := f.Body()
	if want := `{"z":0,"a":11,"model":"n","b":{"d":3}}`; err != nil || string(b.Bytes) != want || string(r.Body) != body {
		t.Errorf("%v\ngot  %s\nwant %s\nthe request has %s", err, b.Bytes, want, r.Body)
	}
	if want := []string{"model", "one", "drop:b.c", "insert"}; !slices.Equal(b.Edits, want) {
		t.Errorf("edits %q, want %q", b.Edits, want)
	}
	if !f.Dropped("b.c") || f.Dropped("b") || f.Dropped("a") {
		t.Error("what was dropped is not known")
	}
}

// TestTheFirstTargetIsNotAdaptedTo: the client chose it, and only it can refuse.
func TestTheFirstTargetIsNotAdaptedTo(t *testing.T) {
	r := request(t, `{"model":"m","a":1,"tools":[{}]}`)
	r.Header = http.Header{"Anthropic-Beta": {"x"}}
	all := []llm.Adapt{{Model: "*", Window: 1, MaxOutput: 1, NoTools: true, NoImages: true, Drop: []string{"a"}, DropBetas: []string{"*"}, Refuse: []string{"a"}}}
	f := llm.NewFit(r, llm.Model{Name: "m", Primary: "m", Adapt: all}, all)
	if err := f.Check(func() bool { t.Error("images were looked for"); return true }); err != nil {
		t.Error(err)
	}
	if b, err := f.Body(); err != nil || &b.Bytes[0] != &r.Body[0] || len(b.Edits)+len(b.Betas) > 0 {
		t.Errorf("%v, %q, %q", err, b.Edits, b.Betas)
	}
}
