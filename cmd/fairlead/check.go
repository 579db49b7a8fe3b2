package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"fairlead.dev/config"
	"github.com/spf13/cobra"
)

func checkCommand(s *system) *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check the configuration and show every value in force",
		Long: "Check the configuration and show every value in force with where it came from: a line of the file, a variable,\n" +
			"another file, or the default. Keys are never shown. Exits with 78 and all faults on stderr when something is wrong.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				if err := cmd.Flags().Set("config", args[0]); err != nil {
					return err
				}
			}
			return s.check(cmd)
		},
	}
}

func (s *system) check(cmd *cobra.Command) error {
	l, err := s.load(cmd)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(s.stdout, 0, 8, 2, ' ', 0)
	for _, v := range l.places.Values(&l.file) {
		fmt.Fprintln(w, row(v))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "\n%s is good: providers %d, models %d\n", l.name, len(l.client.Providers), len(l.client.Models))
	return nil
}

// row is one value with where it came from.
func row(v config.Value) string {
	text, origin := v.Text, v.Origin.String()
	if text == "(set)" {
		from := "the file"
		if len(v.Origin.From) > 0 {
			from = strings.Join(v.Origin.From, " and ")
		}
		text, origin = "(set, from "+from+")", fmt.Sprintf("%s:%d", v.Origin.File, v.Origin.Line)
	}
	return v.Path + "\t" + text + "\t" + origin
}
