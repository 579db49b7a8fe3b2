package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
)

func serveCommand(s *system) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the gateway",
		Long: "Run the gateway. Point the base URL of any SDK, Claude Code, Codex or curl at it.\n\n" +
			"Without a configuration file, one is made of ANTHROPIC_API_KEY and OPENAI_API_KEY (and ANTHROPIC_BASE_URL,\n" +
			"OPENAI_BASE_URL) and printed; with neither, clients' own keys are passed through to Anthropic.\n\n" +
			"SIGTERM and SIGINT drain: open calls may finish within the limit of drain; a second signal ends at once.\n" +
			"SIGHUP reloads: a bad file is refused and the old configuration stays.\n\n" +
			"FAIRLEAD_LISTEN, FAIRLEAD_ADMIN and FAIRLEAD_LOG_LEVEL (debug, info, warn, error) override the file.",
		Example: "  fairlead serve\n  ANTHROPIC_BASE_URL=http://127.0.0.1:8080 claude",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return s.serve(cmd) },
	}
	cmd.Flags().String("listen", "", "`ADDRESS` for clients (default 127.0.0.1:8080)")
	cmd.Flags().String("admin", "", "`ADDRESS` for people and monitoring, or off (default 127.0.0.1:8081)")
	return cmd
}

func (s *system) serve(cmd *cobra.Command) error {
	log, err := s.logger()
	if err != nil {
		return err
	}
	l, err := s.load(cmd)
	if err != nil {
		return err
	}
	if l.generated != "" {
		fmt.Fprintf(s.stdout, "# no configuration file: this one was made of the environment\n%s", l.generated)
	}
	if _, set := s.env("GOGC"); !set {
		defer tuneGC()()
	}
	signals, stop := s.signals(append(ending, reloading)...)
	defer stop()
	v, err := s.start(l, log)
	if err != nil {
		return err
	}
	return s.watch(cmd, v, signals)
}

// watch waits for signals until one ends the process.
func (s *system) watch(cmd *cobra.Command, v *server, signals <-chan os.Signal) error {
	for {
		select {
		case err := <-v.failed:
			return fmt.Errorf("%w (%w)", err, v.stop(signals))
		case got := <-signals:
			if got != reloading {
				v.log.Info("draining", "signal", got.String(), "limit", v.setup.file.Drain.String())
				return v.stop(signals)
			}
			s.reload(cmd, v)
		}
	}
}

// reload reads the configuration again. What is wrong with it is logged, and
// the one in force stays.
func (s *system) reload(cmd *cobra.Command, v *server) {
	l, err := s.load(cmd)
	if err == nil {
		err = v.reload(l)
	}
	if err != nil {
		v.log.Error("the new configuration is refused, the old one stays", "error", complaint(err))
		return
	}
	v.log.Info("reloaded", "file", l.name)
}

// stop drains; another signal cuts that short.
func (v *server) stop(signals <-chan os.Signal) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	drained := make(chan error, 1)
	go func() { drained <- v.drain(ctx) }()
	for {
		select {
		case err := <-drained:
			if err != nil {
				return fmt.Errorf("open calls were ended when the time to drain was over: %w", err)
			}
			v.log.Info("drained")
			return nil
		case got := <-signals:
			if got != reloading {
				v.log.Warn("ending at once", "signal", got.String())
				cancel()
			}
		}
	}
}

// logger writes text to stderr.
func (s *system) logger() (*slog.Logger, error) {
	level := slog.LevelInfo
	if name, _ := s.env("FAIRLEAD_LOG_LEVEL"); name != "" {
		if err := level.UnmarshalText([]byte(name)); err != nil {
			return nil, fmt.Errorf("%w: FAIRLEAD_LOG_LEVEL: want debug, info, warn or error", errBadConfig)
		}
	}
	return slog.New(slog.NewTextHandler(s.stderr, &slog.HandlerOptions{Level: level})), nil
}
