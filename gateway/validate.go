package gateway

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// validate returns every fault of a Config.
func (c *Config) validate() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("gateway: Config."+format, args...))
	}
	if c.Client == nil {
		fault("Client: is missing")
	}
	if len(c.Dialects) == 0 {
		fault("Dialects: at least one is needed")
	}
	for i, d := range c.Dialects {
		if d == nil {
			fault("Dialects[%d]: is nil", i)
		}
	}
	if c.MaxBody < 0 {
		fault("MaxBody: must not be negative")
	}
	for i, origin := range c.Origins {
		if !validOrigin(origin) {
			fault("Origins[%d]: %q: write it as a browser does: https://name or https://name:port", i, origin)
		}
	}
	for i, host := range c.Hosts {
		if host == "" || strings.ContainsAny(host, "/ ") {
			fault("Hosts[%d]: %q is no host name", i, host)
		}
	}
	for pattern, mounted := range c.Mounts {
		if mounted == nil || !strings.Contains(pattern, "/") {
			fault("Mounts[%q]: a pattern such as /metrics and its handler are needed", pattern)
		}
	}
	faults = append(faults, keyFaults(c.Keys)...)
	return errors.Join(faults...)
}

// keyFaults refuses keys that anyone could guess, and those that would make it
// unclear who called.
func keyFaults(keys []Key) (faults []error) {
	fault := func(i int, format string, args ...any) {
		faults = append(faults, fmt.Errorf("gateway: Config.Keys[%d].%s", i, fmt.Sprintf(format, args...)))
	}
	empty := sha256.Sum256(nil)
	names, sums := map[string]bool{}, map[[32]byte]bool{}
	for i, k := range keys {
		switch {
		case !validTenant(k.Name):
			fault(i, "Name: %q: 1 to %d printable characters are needed", k.Name, maxTenant)
		case names[k.Name]:
			fault(i, "Name: %q is used twice", k.Name)
		}
		switch {
		case k.SHA256 == [32]byte{}:
			fault(i, "SHA256: is missing")
		case k.SHA256 == empty:
			fault(i, "SHA256: is that of an empty key")
		case sums[k.SHA256]:
			fault(i, "SHA256: another entry has the same key")
		}
		if k.MaxInFlight < 0 {
			fault(i, "MaxInFlight: %d is negative", k.MaxInFlight)
		}
		for _, n := range []int{k.Limits.RPM, k.Limits.ITPM, k.Limits.OTPM} {
			if n < 0 {
				fault(i, "Limits: %d is negative", n)
			}
		}
		if err := k.Limits.Validate(); err != nil {
			fault(i, "Limits: %v", err)
		}
		names[k.Name], sums[k.SHA256] = true, true
	}
	return faults
}

func validOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && s == u.Scheme+"://"+u.Host
}
