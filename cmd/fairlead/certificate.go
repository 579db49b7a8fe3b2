package main

import (
	"crypto/tls"
	"sync/atomic"
)

// certificate is what clients see over TLS. It can be replaced while serving.
type certificate struct {
	atomic.Pointer[tls.Certificate]
}

// certificate reads both files.
func (s *system) certificate(t tlsBlock) (*certificate, error) {
	cert, err := s.readFile(t.Cert)
	if err != nil {
		return nil, err
	}
	key, err := s.readFile(t.Key)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	c := &certificate{}
	c.Store(&pair)
	return c, nil
}

// config is for a listener.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.Load(), nil },
	}
}
