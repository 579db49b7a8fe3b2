package main

import (
	"fmt"

	"fairlead.dev/config"
	"github.com/invopop/jsonschema"
	"github.com/spf13/cobra"
)

func jsonSchemaCommand(s *system) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of fairlead.yaml, for editors",
		Long: "Print the JSON Schema of fairlead.yaml. Editors with the YAML language server use it after this first line:\n\n" +
			"  # yaml-language-server: $schema=fairlead.schema.json",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			text, err := config.JSONSchema(&file{}, "https://fairlead.dev/fairlead.schema.json", "fairlead.yaml")
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(s.stdout, "%s\n", text)
			return err
		},
	}
}

// JSONSchemaExtend adds the short form of a chain's entry.
func (entry) JSONSchemaExtend(long *jsonschema.Schema) {
	object := *long
	*long = jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string", Pattern: `/|\$\{`}, &object}}
}
