package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"fairlead.dev/config"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Exit codes, as sysexits.h and shells have them.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitConfig      = 78
	exitInterrupted = 130
)

// Errors that decide the exit code.
var (
	errUsage       = errors.New("usage")
	errInterrupted = errors.New("interrupted")
	errBadConfig   = errors.New("bad configuration")
)

// run is the whole program but for its exit.
func run(s *system, args []string) int {
	root, started := commands(s)
	root.SetArgs(args)
	err := root.ExecuteContext(context.Background())
	if err != nil && !*started {
		err = fmt.Errorf("%w: %w\nrun 'fairlead --help' for what there is", errUsage, err)
	}
	if err != nil {
		fmt.Fprintln(s.stderr, complaint(err))
	}
	return exitCode(err)
}

// complaint is what a person reads of an error.
func complaint(err error) string {
	if faults, ok := config.AsFaults(err); ok {
		return faults.Error()
	}
	text := err.Error()
	for _, sentinel := range []error{errUsage, errBadConfig} {
		text = strings.TrimPrefix(text, sentinel.Error()+": ")
	}
	if !strings.HasPrefix(text, "fairlead: ") {
		text = "fairlead: " + text
	}
	return redactLines(text)
}

func exitCode(err error) int {
	_, faults := config.AsFaults(err)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errUsage):
		return exitUsage
	case faults || errors.Is(err, errBadConfig):
		return exitConfig
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	}
	return exitFailure
}

// commands is the tree of commands. started tells whether one of them began: an
// error before that is a mistake in the command line.
func commands(s *system) (root *cobra.Command, started *bool) {
	started = new(bool)
	root = &cobra.Command{
		Use:   "fairlead",
		Short: "Keeps calls to LLM APIs running when providers fail",
		Long: "Fairlead guides calls to LLM APIs around rate limits, overload, outages and bad answers,\n" +
			"within their deadlines and without making an outage worse, and says what happened and why.",
		SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(suggest)
	root.SetIn(s.stdin)
	root.SetOut(s.stdout)
	root.SetErr(s.stderr)
	root.PersistentFlags().String("config", "", "configuration `FILE` (else FAIRLEAD_CONFIG, ./fairlead.yaml, /etc/fairlead/fairlead.yaml)")
	root.AddCommand(
		serveCommand(s), askCommand(s), checkCommand(s), jsonSchemaCommand(s), keyCommand(s), explainCommand(s),
		fakeCommand(s), versionCommand(s), manCommand(s),
	)
	root.PersistentPreRun = func(*cobra.Command, []string) { *started = true }
	return root, started
}

// suggest names the flag that a misspelled one may have meant.
func suggest(cmd *cobra.Command, err error) error {
	wrong, isUnknown := errors.AsType[*pflag.NotExistError](err)
	if !isUnknown {
		return err
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if guess := config.Nearest(wrong.GetSpecifiedName(), names); guess != "" {
		return fmt.Errorf("%w: did you mean --%s?", err, guess)
	}
	return err
}
