package fakellm

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
)

// countTokens answers POST /v1/messages/count_tokens.
func (x *exchange) countTokens() {
	x.send(http.StatusOK, "application/json", fmt.Appendf(nil, `{"input_tokens":%d}`, x.req.inputTokens()))
}

// embed answers POST /v1/embeddings with vectors of four numbers.
func (x *exchange) embed() {
	var many []json.RawMessage
	n := 1
	if json.Unmarshal(x.req.Input, &many) == nil && len(many) > 0 && many[0][0] == '"' {
		n = len(many)
	}
	vector := []float32{0.5, -0.5, 0.5, -0.5}
	encoded, _ := json.Marshal(vector)
	if x.req.EncodingFormat == "base64" {
		var raw []byte
		for _, v := range vector {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
		encoded = []byte(quote(base64.StdEncoding.EncodeToString(raw)))
	}
	data := make([]string, n)
	for i := range data {
		data[i] = fmt.Sprintf(`{"object":"embedding","index":%d,"embedding":%s}`, i, encoded)
	}
	in := x.req.inputTokens()
	x.send(http.StatusOK, "application/json", fmt.Appendf(nil,
		`{"object":"list","data":[%s],"model":%s,"usage":{"prompt_tokens":%d,"total_tokens":%d}}`,
		strings.Join(data, ","), quote(x.req.Model), in, in))
}

// models answers GET /v1/models and /v1/models/{id}.
func (x *exchange) models() {
	id, one := strings.CutPrefix(x.path, "/models/")
	if !one && x.path != "/models" {
		x.unknownPath()
		return
	}
	var list []string
	for _, name := range x.modelNames() {
		if !one || name == id {
			list = append(list, x.wire.modelInfo(name))
		}
	}
	switch {
	case !one:
		x.send(http.StatusOK, "application/json", x.wire.modelList(x.modelNames(), list))
	case len(list) == 0:
		x.refuse("unknown-model", failureOf(x.wire, &Fault{Error: "unknown-model"}, id))
	default:
		x.send(http.StatusOK, "application/json", []byte(list[0]))
	}
}

// modelNames are the ids on offer: the script's, the configuration's, or the
// dialect's own.
func (x *exchange) modelNames() []string {
	var names []string
	if x.stage.script != nil {
		for _, m := range x.stage.script.Models {
			if !strings.ContainsAny(m.Name, "*?") {
				names = append(names, m.Name)
			}
		}
	}
	if len(names) == 0 {
		names = x.server.cfg.Models
	}
	if len(names) == 0 {
		names = x.wire.defaultModels()
	}
	return names
}

func (anthropicWire) defaultModels() []string {
	return []string{"claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"}
}

func (anthropicWire) modelInfo(name string) string {
	return fmt.Sprintf(`{"type":"model","id":%s,"display_name":%s,"created_at":"2026-10-01T00:00:00Z",`+
		`"max_input_tokens":200000,"max_tokens":128000,"lifecycle":"active"}`, quote(name), quote(name))
}

func (anthropicWire) modelList(names, infos []string) []byte {
	return fmt.Appendf(nil, `{"data":[%s],"has_more":false,"first_id":%s,"last_id":%s}`,
		strings.Join(infos, ","), quote(names[0]), quote(names[len(names)-1]))
}

func (openaiWire) defaultModels() []string { return []string{"gpt-5.5", "gpt-5.5-mini"} }

func (openaiWire) modelInfo(name string) string {
	return fmt.Sprintf(`{"id":%s,"object":"model","created":1790812800,"owned_by":"fakellm"}`, quote(name))
}

func (openaiWire) modelList(_, infos []string) []byte {
	return fmt.Appendf(nil, `{"object":"list","data":[%s]}`, strings.Join(infos, ","))
}
