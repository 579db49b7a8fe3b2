package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"fairlead.dev"
	"fairlead.dev/event"
	"github.com/spf13/cobra"
)

// question is what `fairlead ask` was asked.
type question struct {
	model, system string
	maxTokens     int
	verbose       bool
}

func askCommand(s *system) *cobra.Command {
	var q question
	cmd := &cobra.Command{
		Use:   "ask [flags] PROMPT...",
		Short: "Ask a model and print its answer as it comes",
		Long: "Ask a model and print its answer as it comes. Who answered, and what it took, goes to stderr.\n" +
			"The prompt comes from the arguments, or from stdin with - or when something is piped in.",
		Example: "  fairlead ask why is the sky blue\n  git diff | fairlead ask --system 'Review this patch.' -",
		RunE:    func(cmd *cobra.Command, args []string) error { return s.ask(cmd, q, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&q.model, "model", "m", "", "`NAME` of the configuration's models (default: its first)")
	f.StringVarP(&q.system, "system", "s", "", "instructions")
	f.IntVar(&q.maxTokens, "max-tokens", 0, "longest answer (default 4096)")
	f.BoolVarP(&q.verbose, "verbose", "v", false, "tell the whole story on stderr")
	return cmd
}

func (s *system) ask(cmd *cobra.Command, q question, args []string) error {
	prompt, err := s.prompt(args)
	if err != nil {
		return err
	}
	l, err := s.load(cmd)
	if err != nil {
		return err
	}
	if q.model, err = l.modelFor(q.model); err != nil {
		return err
	}
	client, err := fairlead.New(l.client)
	if err != nil {
		return fmt.Errorf("%w: %w", errBadConfig, err)
	}
	defer client.Close()
	ctx, stop := s.interruptible(cmd.Context())
	defer stop()
	return s.answer(ctx, client, q, prompt)
}

// prompt is the arguments, or stdin.
func (s *system) prompt(args []string) (string, error) {
	text := strings.Join(args, " ")
	if text == "-" || text == "" && s.piped {
		data, err := io.ReadAll(io.LimitReader(s.stdin, maxFile))
		if err != nil {
			return "", fmt.Errorf("cannot read the prompt: %w", err)
		}
		text = string(data)
	}
	if strings.TrimSpace(text) == "" {
		return "", fmt.Errorf("%w: there is no prompt: give it as arguments or on stdin", errUsage)
	}
	return text, nil
}

// modelFor chooses the model when the person does not.
func (l *setup) modelFor(asked string) (string, error) {
	if l.generated != "" && l.client.Providers[0].Passthrough {
		return "", fmt.Errorf("%w: there is nobody to ask: set ANTHROPIC_API_KEY or OPENAI_API_KEY, or write a fairlead.yaml", errBadConfig)
	}
	if asked != "" {
		return asked, nil
	}
	for _, m := range l.client.Models {
		if m.Name != "*" {
			return m.Name, nil
		}
	}
	return "", fmt.Errorf("%w: --model is needed: the configuration names no model but \"*\"", errUsage)
}

// interruptible is a context that ends with the person's patience.
func (s *system) interruptible(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals, stop := s.signals(ending...)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-signals:
			cancel(errInterrupted)
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-done
		stop()
	}
}

// answer streams the answer to stdout.
func (s *system) answer(ctx context.Context, client *fairlead.Client, q question, prompt string) error {
	var report *event.Report
	var failed error
	last := ""
	for chunk, err := range client.Stream(ctx, fairlead.Request{Model: q.model, System: q.system, Prompt: prompt, MaxTokens: q.maxTokens}) {
		if chunk.Report != nil {
			report = chunk.Report
		}
		if failed = err; err != nil {
			break
		}
		if chunk.Text != "" {
			last = chunk.Text
		}
		if _, err := io.WriteString(s.stdout, chunk.Text); err != nil {
			return fmt.Errorf("cannot write the answer: %w", err)
		}
	}
	if last != "" && !strings.HasSuffix(last, "\n") {
		fmt.Fprintln(s.stdout)
	}
	if e, ok := errors.AsType[*fairlead.Error](failed); ok && report == nil {
		report = e.Report
	}
	s.tellStory(report, q.verbose, failed)
	if errors.Is(context.Cause(ctx), errInterrupted) {
		return errInterrupted
	}
	return failed
}

// tellStory says on stderr what the call took.
func (s *system) tellStory(report *event.Report, verbose bool, failed error) {
	if report == nil {
		return
	}
	told, err := storyOf(report)
	if err != nil {
		return // the answer is what counts; a report always marshals
	}
	if verbose {
		told.tell(s.stderr)
	}
	if failed == nil {
		fmt.Fprintln(s.stderr, told.sentence())
	} else if why := told.because(); why != "" {
		fmt.Fprintf(s.stderr, "attempts: %d; %s\n", told.Attempts, why)
	}
}

// storyOf turns a report into what travels, so that there is one way to tell it.
func storyOf(report *event.Report) (*story, error) {
	data, err := json.Marshal(report)
	if err != nil {
		return nil, err
	}
	var s story
	return &s, json.Unmarshal(data, &s)
}
