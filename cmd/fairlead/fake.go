package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"fairlead.dev/fakellm"
	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
)

// fakeFlags are the flags of `fairlead fake`.
type fakeFlags struct {
	listen, script string
	ttft, perToken time.Duration
	tokens         int
}

func fakeCommand(s *system) *cobra.Command {
	var f fakeFlags
	cmd := &cobra.Command{
		Use:     "fake",
		Short:   "Run a fake provider that fails on purpose",
		Long:    "Run a fake provider that speaks both dialects and fails on purpose. It accepts any key.\n\n" + faultsTable(),
		Example: "  fairlead fake --listen 127.0.0.1:9000 --per-token 20ms\n  fairlead fake --script outage.yaml",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return s.fake(f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:9000", "`ADDRESS`")
	flags.StringVar(&f.script, "script", "", "`FILE` with a timeline of faults (YAML or JSON)")
	flags.DurationVar(&f.ttft, "ttft", 0, "wait before the first token")
	flags.DurationVar(&f.perToken, "per-token", 0, "wait between two tokens")
	flags.IntVar(&f.tokens, "tokens", 0, "length of an answer (default 60)")
	return cmd
}

// faultsTable is what a model's name can ask for.
func faultsTable() string {
	var b strings.Builder
	b.WriteString("A model with one of these names, or with one after a \":\" or \"/\", fails like this:\n\n")
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	for _, f := range fakellm.Faults() {
		fmt.Fprintf(w, "  %s\t%s\n", f.Name, f.Means)
	}
	_ = w.Flush() // a strings.Builder takes everything
	b.WriteString("\nAdd -once, -twice or -x<N> for the first attempts only; join faults with +.")
	return b.String()
}

func (s *system) fake(f fakeFlags) error {
	script, err := s.script(f.script)
	if err != nil {
		return err
	}
	log, err := s.logger()
	if err != nil {
		return err
	}
	server, err := fakellm.New(fakellm.Config{
		Script: script, Tokens: f.tokens, TTFT: f.ttft, PerToken: f.perToken,
		Log: func(a fakellm.Attempt) {
			log.Info("attempt", "n", a.N, "path", a.Path, "model", a.Model, "key", a.Key, "fault", a.Fault,
				"stream", a.Stream, "status", a.Status, "tokens", a.Tokens, "canceled", a.Canceled)
		},
	})
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	ln, err := s.listen("tcp", f.listen)
	if err != nil {
		return fmt.Errorf("cannot listen: %w", errors.Join(err, server.Close()))
	}
	log.Info("listening", "for", "fake calls", "url", "http://"+ln.Addr().String())
	signals, stop := s.signals(ending...)
	defer stop()
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	select {
	case err = <-served:
		return errors.Join(err, server.Close())
	case <-signals:
	}
	err = server.Close()
	if end := <-served; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	return err
}

// script reads a script. YAML becomes the JSON that fakellm knows.
func (s *system) script(name string) (*fakellm.Script, error) {
	if name == "" {
		return nil, nil
	}
	data, err := s.readFile(name)
	if err != nil {
		return nil, fmt.Errorf("%w: cannot read the script: %w", errBadConfig, err)
	}
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		if data, err = yaml.YAMLToJSON(data); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", errBadConfig, name, err)
		}
	}
	script, err := fakellm.ParseScript(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errBadConfig, name, err)
	}
	return script, nil
}
