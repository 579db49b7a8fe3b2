package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"fairlead.dev/event"
)

// authenticate finds out which key of ours the client presents, and takes every
// credential that must not travel further out of h. Without keys in the
// configuration it returns nil.
//
// A key arrives as fairlead-key, x-api-key or a Bearer token. When
// fairlead-key is there it alone counts, and the other two are the client's own
// credential for the provider. Claude Code can send both of the other two; one
// that matches is enough.
func (s *settings) authenticate(h http.Header) (*Key, *refusal) {
	defer s.strip(h)
	if len(s.Keys) == 0 {
		return nil, nil
	}
	for _, name := range [...]string{"Fairlead-Key", "X-Api-Key", "Authorization"} {
		if len(h[name]) > 1 {
			return nil, badRequest("the header %s occurs more than once", strings.ToLower(name))
		}
	}
	if own := h["Fairlead-Key"]; len(own) > 0 {
		return s.known(s.match(own[0]))
	}
	key := s.match(h.Get("X-Api-Key"))
	if key != nil {
		delete(h, "X-Api-Key")
	}
	if other := s.match(bearer(h)); other != nil {
		delete(h, "Authorization")
		if key == nil {
			key = other
		}
	}
	return s.known(key)
}

// known refuses callers without a key, all in the same words: nobody learns
// whether a key was missing, wrong or revoked.
func (s *settings) known(key *Key) (*Key, *refusal) {
	if key == nil {
		return nil, &refusal{
			status: http.StatusUnauthorized, verdict: event.Unauthorized,
			message: "this gateway wants one of its own keys, as x-api-key, as a Bearer token or as fairlead-key",
		}
	}
	return key, nil
}

// match finds the key of a secret. Time does not depend on which key it is, or
// whether it is one: hashes are compared, all of them, in constant time.
func (s *settings) match(secret string) *Key {
	if secret == "" {
		return nil
	}
	sum, at := sha256.Sum256([]byte(secret)), -1
	for i := range s.Keys {
		at = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(sum[:], s.Keys[i].SHA256[:]), i, at)
	}
	if at < 0 {
		return nil
	}
	return &s.Keys[at]
}

// strip removes the client's credentials unless they may be its upstream ones.
// (Headers of ours, fairlead-key among them, are callOf's to remove.) h is the server's map of this request and nobody reads
// it after us, so that no copy is needed.
func (s *settings) strip(h http.Header) {
	if !s.Passthrough {
		delete(h, "X-Api-Key")
		delete(h, "Authorization")
	}
}

// bearer returns the token of an Authorization header, or "".
func bearer(h http.Header) string {
	scheme, token, _ := strings.Cut(h.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
