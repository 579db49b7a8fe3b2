package fakellm

import (
	"encoding/json"
	"slices"
)

// schema is the part of JSON Schema that tools use to describe their input.
type schemaNode struct {
	Type       any                    `json:"type"`
	Properties map[string]*schemaNode `json:"properties"`
	Required   []string               `json:"required"`
	Items      *schemaNode            `json:"items"`
	Enum       []json.RawMessage      `json:"enum"`
	Const      json.RawMessage        `json:"const"`
	MinItems   int                    `json:"minItems"`
}

// sampleInput returns the smallest input that a tool's JSON Schema accepts, as
// far as types, required fields, enums and constants go. Without required
// fields it has the fake's own field, so that there is something to stream.
func sampleInput(params json.RawMessage) string {
	var n schemaNode
	if json.Unmarshal(params, &n) != nil || len(n.Required) == 0 {
		return `{"input":"` + Text(3) + `"}`
	}
	out, err := json.Marshal(n.sample(0))
	if err != nil {
		return "{}"
	}
	return string(out)
}

func (n *schemaNode) sample(depth int) any {
	switch {
	case n == nil || depth > 16: // a description may be nested without end
		return nil
	case n.Const != nil:
		return n.Const
	case len(n.Enum) > 0:
		return n.Enum[0]
	}
	switch n.kind() {
	case "object":
		out := map[string]any{}
		for _, name := range n.Required {
			out[name] = n.Properties[name].sample(depth + 1)
		}
		return out
	case "array":
		return slices.Repeat([]any{n.Items.sample(depth + 1)}, max(0, min(n.MinItems, 16)))
	case "integer", "number":
		return 1
	case "boolean":
		return true
	case "null":
		return nil
	}
	return Text(3)
}

// kind is the first of the types; several are allowed.
func (n *schemaNode) kind() string {
	switch t := n.Type.(type) {
	case string:
		return t
	case []any:
		if len(t) > 0 {
			s, _ := t[0].(string)
			return s
		}
	}
	if n.Properties != nil || n.Required != nil {
		return "object"
	}
	return "string"
}
