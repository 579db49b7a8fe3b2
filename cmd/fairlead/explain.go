package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func explainCommand(s *system) *cobra.Command {
	admin := ""
	cmd := &cobra.Command{
		Use:     "explain CALL",
		Short:   "Tell what happened to a call, and why",
		Long:    "Tell what happened to a call. CALL is the id in the header fairlead-call; the gateway keeps the latest 1,000.",
		Example: "  fairlead explain 7f3c1a",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return s.explain(cmd, admin, args[0]) },
	}
	cmd.Flags().StringVar(&admin, "admin", "127.0.0.1:8081", "`ADDRESS` or URL of the gateway's admin listener")
	return cmd
}

// maxReport bounds what a gateway may answer.
const maxReport = 4 << 20

func (s *system) explain(cmd *cobra.Command, admin, id string) error {
	if v, _ := s.env("FAIRLEAD_ADMIN"); v != "" && !cmd.Flags().Changed("admin") {
		admin = v
	}
	if !strings.Contains(admin, "://") {
		admin = "http://" + admin
	}
	req, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, strings.TrimRight(admin, "/")+"/api/calls/"+url.PathEscape(id), nil)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("cannot ask the gateway: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the gateway does not know the call %q (status %d)", id, resp.StatusCode)
	}
	var told story
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxReport)).Decode(&told); err != nil {
		return fmt.Errorf("the gateway's answer is no report: %w", err)
	}
	s.print(&told)
	return nil
}

// print tells a whole story on stdout.
func (s *system) print(told *story) {
	fmt.Fprintf(s.stdout, "call %s to %s\n", redactLines(told.ID), redactLines(told.Model))
	told.tell(s.stdout)
	switch {
	case told.End.IsZero():
		fmt.Fprintln(s.stdout, "still open")
	case told.Verdict == "ok" || told.Verdict == "refused":
		fmt.Fprintln(s.stdout, redactLines(told.sentence()))
	default:
		fmt.Fprintf(s.stdout, "failed after %d attempts in %s: %s\n", told.Attempts, short(told.End.Sub(told.Start)), redactLines(told.because()))
	}
}
