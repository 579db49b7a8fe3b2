package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"fairlead.dev"
	"fairlead.dev/config"
	"fairlead.dev/gateway"
	"github.com/spf13/cobra"
)

// setup is a configuration that was found, read, checked and built.
type setup struct {
	name      string // of the file, or "environment"
	generated string // the file that the environment stands for; empty: there is a real one
	file      file
	places    *config.File
	client    fairlead.Config
	gateway   gateway.Config // without its Client
	tls       *certificate   // nil: plain HTTP
}

// searched are the places for a configuration that nobody names.
var searched = []string{"fairlead.yaml", "/etc/fairlead/fairlead.yaml"}

// find reads the configuration's file. With none, name is empty.
func (s *system) find(flag string) (name string, data []byte, err error) {
	named := flag
	if named == "" {
		named, _ = s.env("FAIRLEAD_CONFIG")
	}
	if named != "" {
		data, err := s.readFile(named)
		if err != nil {
			return "", nil, fmt.Errorf("%w: cannot read the configuration: %w", errBadConfig, err)
		}
		return named, data, nil
	}
	for _, name := range searched {
		data, err := s.readFile(name)
		if err == nil {
			return name, data, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", nil, fmt.Errorf("%w: cannot read the configuration: %w", errBadConfig, err)
		}
	}
	return "", nil, nil
}

// load finds a configuration and makes it ready. All faults come at once.
func (s *system) load(cmd *cobra.Command) (*setup, error) {
	flag, _ := cmd.Flags().GetString("config")
	name, data, err := s.find(flag)
	if err != nil {
		return nil, err
	}
	l := &setup{name: name}
	if name == "" {
		l.name, l.generated = "environment", s.fromEnvironment()
		data = []byte(l.generated)
	}
	l.places, err = config.Load(l.name, data, s.env, s.readFile, &l.file)
	if l.places == nil {
		return nil, err
	}
	s.override(cmd, l)
	v := validator{system: s, setup: l, places: l.places}
	v.all()
	if err := l.places.Err(); err != nil {
		return nil, err
	}
	return l, l.try()
}

// try builds client and gateway once: what only they can find is refused before
// anything runs.
func (l *setup) try() error {
	client, err := fairlead.New(l.client)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", errBadConfig, l.name, err)
	}
	defer client.Close()
	g := l.gateway
	g.Client = client
	if _, err := gateway.New(g); err != nil {
		return fmt.Errorf("%w: %s: %w", errBadConfig, l.name, err)
	}
	return nil
}

// override lets flags and variables stand for keys of the file.
func (s *system) override(cmd *cobra.Command, l *setup) {
	for _, o := range []struct {
		flag, variable, path string
		into                 *string
	}{
		{"listen", "FAIRLEAD_LISTEN", "listen", &l.file.Listen},
		{"admin", "FAIRLEAD_ADMIN", "admin", &l.file.Admin},
	} {
		if v, _ := s.env(o.variable); v != "" {
			*o.into = v
			l.places.Override(o.path, "${"+o.variable+"}")
		}
		if f := cmd.Flags().Lookup(o.flag); f != nil && f.Changed {
			*o.into = f.Value.String()
			l.places.Override(o.path, "--"+o.flag)
		}
	}
}

// redactLines keeps line breaks and nothing else that a terminal would act on.
func redactLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = config.Redact(lines[i])
	}
	return strings.Join(lines, "\n")
}

// fromEnvironment writes the file that the environment stands for: the providers
// whose keys are there, else Anthropic with the keys of the clients.
func (s *system) fromEnvironment() string {
	var b bytes.Buffer
	var chain []string
	b.WriteString("providers:\n")
	add := func(dialect, variable, url, credential string) {
		fmt.Fprintf(&b, "  %s:\n    dialect: %s\n    base_url: %s\n    %s\n", dialect, dialect, s.orElse(variable+"_BASE_URL", url), credential)
		chain = append(chain, fmt.Sprintf("%q", dialect+"/*"))
	}
	for _, p := range official {
		if key, _ := s.env(p.variable + "_API_KEY"); key != "" {
			add(p.dialect, p.variable, p.url, `api_keys: ["${`+p.variable+`_API_KEY}"]`)
		}
	}
	if len(chain) == 0 {
		add(official[0].dialect, official[0].variable, official[0].url, "credentials: passthrough")
	}
	fmt.Fprintf(&b, "models:\n  \"*\":\n    chain: [%s]\n", strings.Join(chain, ", "))
	return b.String()
}

// orElse refers to a variable where it is set, else gives the text itself.
func (s *system) orElse(variable, text string) string {
	if v, _ := s.env(variable); v != "" {
		return "${" + variable + "}"
	}
	return text
}

// official are the APIs that the environment's usual names stand for.
var official = []struct{ dialect, variable, url string }{
	{"anthropic", "ANTHROPIC", "https://api.anthropic.com"},
	{"openai", "OPENAI", "https://api.openai.com/v1"},
}
