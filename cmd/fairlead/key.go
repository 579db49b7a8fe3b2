package main

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func keyCommand(s *system) *cobra.Command {
	group := &cobra.Command{
		Use: "key", Short: "Keys that clients present to Fairlead", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	group.AddCommand(&cobra.Command{
		Use:   "new NAME",
		Short: "Make a key: print it once, and its line for fairlead.yaml",
		Long: "Make a key. The key goes to stdout, once: Fairlead keeps only its hash.\n" +
			"The line for auth.keys goes to stderr.",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return s.newKey(args[0]) },
	})
	return group
}

func (s *system) newKey(name string) error {
	if name == "" || len(name) > 64 || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
		return fmt.Errorf("%w: a name of 1 to 64 printable ASCII characters without spaces is needed", errUsage)
	}
	key := "fl-" + rand.Text() // 130 bits
	fmt.Fprintf(s.stderr, "the key, shown this once, is on stdout; its line for fairlead.yaml, under auth.keys:\n")
	if _, err := fmt.Fprintln(s.stdout, key); err != nil {
		return err
	}
	fmt.Fprintf(s.stderr, "  - {name: %q, sha256: \"%x\", class: normal}\n", name, sha256.Sum256([]byte(key)))
	return nil
}
