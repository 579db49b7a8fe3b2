package config

import (
	"encoding/json"

	"github.com/invopop/jsonschema"
)

// JSONSchema describes the file that Load reads into the type of v, for editors:
// draft 2020-12, with the `jsonschema_description` and `jsonschema` tags of its
// fields and no key beyond them.
func JSONSchema(v any, id, title string) ([]byte, error) {
	r := jsonschema.Reflector{FieldNameTag: "yaml", RequiredFromJSONSchemaTags: true, ExpandedStruct: true, Anonymous: true}
	s := r.Reflect(v)
	s.ID, s.Title = jsonschema.ID(id), title
	return json.MarshalIndent(s, "", "  ")
}

// orReference is a pattern that also takes text with a reference in it.
func orReference(pattern string) string { return `^(` + pattern + `)$|\$\{` }

// JSONSchema describes a duration.
func (Duration) JSONSchema() *jsonschema.Schema {
	return textOr(&jsonschema.Schema{Type: "integer", Const: 0},
		`off|0|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+`, "a duration such as 500ms, 30s or 2m; off switches off")
}

// JSONSchema describes a size.
func (Size) JSONSchema() *jsonschema.Schema {
	return textOr(&jsonschema.Schema{Type: "integer", Minimum: "0"},
		`off|[0-9]+(\.[0-9]+)? ?(KiB|MiB|GiB|kB|KB|MB|GB|B)?`, "a size such as 256MiB, or a number of bytes; off switches off")
}

// JSONSchema describes a count.
func (Count) JSONSchema() *jsonschema.Schema {
	return textOr(&jsonschema.Schema{Type: "integer", Minimum: "0"}, `off`, "a whole number; off switches off")
}

// JSONSchema describes a ratio.
func (Ratio) JSONSchema() *jsonschema.Schema {
	return textOr(&jsonschema.Schema{Type: "number", Minimum: "0", Maximum: "1"}, `off`, "a share from 0 to 1; off switches off")
}

// JSONSchema describes a secret.
func (Secret) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", MinLength: new(uint64(1)), Description: "a secret: better a reference, ${VAR} or ${file:/path}, than the text itself"}
}

// textOr describes what may be a number or a text with the pattern.
func textOr(number *jsonschema.Schema, pattern, description string) *jsonschema.Schema {
	text := &jsonschema.Schema{Type: "string", Pattern: orReference(pattern)}
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{number, text}, Description: description}
}
