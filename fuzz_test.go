package fairlead_test

import (
	"strings"
	"testing"

	"fairlead.dev"
)

// Whatever is taken as a base URL has a host, and no credentials, query or
// trailing /v1 is left in it.
func FuzzParseBaseURL(f *testing.F) {
	for _, s := range []string{"https://api.anthropic.com", "http://127.0.0.1:9000/v1/", "http://u:p@h", "h", "http://h/v1?x=1", "http://h/%2fv1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := fairlead.ParseBaseURL(s)
		if err != nil {
			if strings.Contains(s, "@") && strings.Contains(err.Error(), "@") {
				t.Errorf("what may be a password is printed: %v", err)
			}
			return
		}
		if u.Host == "" || u.User != nil || u.RawQuery != "" || strings.HasSuffix(u.Path, "/v1") && !strings.HasSuffix(s, "/v1/v1") && strings.Count(s, "/v1") < 2 {
			t.Errorf("%q became %q", s, u)
		}
	})
}
