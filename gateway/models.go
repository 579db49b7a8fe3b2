package gateway

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"fairlead.dev"
	"fairlead.dev/event"
)

// listTime is how long a provider has for its list of models: Claude Code waits
// three seconds for ours.
const listTime = 2500 * time.Millisecond

// models answers the list of models, or a question for one of them. Names of
// our own configuration come first. Where any other name is taken too, the
// provider's are added; its silence does not hide ours.
func (x *exchange) models(call fairlead.Call) *refusal {
	names, open := x.Client.Models(x.api.Name())
	if call.Deadline == 0 || call.Deadline > listTime {
		call.Deadline = listTime
	}
	id := x.rt.model
	single := id != ""
	switch {
	case single && slices.Contains(names, id):
		x.write(http.StatusOK, x.api.ModelInfo(id))
	case single && !open:
		return &refusal{status: http.StatusNotFound, verdict: event.UnknownModel, message: "this gateway has no such model"}
	case !open:
		x.write(http.StatusOK, x.api.ModelList(names))
	case single, laterPage(x.r):
		return x.upstream(call)
	default:
		return x.list(call, names)
	}
	return nil
}

// laterPage reports whether a client goes on in a list that it has begun to
// read; our own names were on the first page.
func laterPage(r *http.Request) bool {
	q := r.URL.Query()
	return q.Has("after_id") || q.Has("before_id") || q.Has("after")
}

// upstream lets the provider answer.
func (x *exchange) upstream(call fairlead.Call) *refusal {
	answer, err := x.Client.Do(x.r.Context(), call)
	if err != nil {
		return x.fail(err)
	}
	return x.tell(answer)
}

// list answers with our names and the provider's.
func (x *exchange) list(call fairlead.Call, names []string) *refusal {
	ours := x.api.ModelList(names)
	answer, err := x.Client.Do(x.r.Context(), call)
	if err != nil {
		if len(names) == 0 {
			return x.fail(err)
		}
		x.write(http.StatusOK, ours)
		return nil
	}
	defer answer.Close()
	theirs, err := answer.Next()
	if err != nil || answer.Status != http.StatusOK {
		theirs = nil
	}
	x.copyHeader(answer.Header)
	x.write(http.StatusOK, mergeModels(ours, theirs))
	return nil
}

// mergeModels puts the entries of two lists into one, ours first. An entry that
// both have is told in the provider's words, which say more. All else about the
// list is the provider's, so that its cursors lead on. A list of theirs that
// cannot be read is left out.
func mergeModels(ours, theirs []byte) []byte {
	var list map[string]json.RawMessage
	var own struct{ Data []json.RawMessage }
	var data []json.RawMessage
	if json.Unmarshal(theirs, &list) != nil || json.Unmarshal(list["data"], &data) != nil ||
		json.Unmarshal(ours, &own) != nil {
		return ours
	}
	at := make(map[string]int, len(own.Data))
	for i, m := range own.Data {
		at[modelID(m)] = i
	}
	merged := own.Data
	for _, m := range data {
		id := modelID(m)
		if i, known := at[id]; known {
			merged[i] = m
			continue
		}
		at[id] = len(merged)
		merged = append(merged, m)
	}
	var err error
	if list["data"], err = json.Marshal(merged); err != nil {
		return ours
	}
	out, err := json.Marshal(list)
	if err != nil {
		return ours
	}
	return out
}

func modelID(entry json.RawMessage) string {
	var m struct{ ID string }
	_ = json.Unmarshal(entry, &m) // an entry that cannot be read has no id
	return m.ID
}
