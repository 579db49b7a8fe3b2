package memnet_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev/internal/memnet"
)

// A site is a server on a network of its own, and a client that reaches it.
type site struct {
	net    *memnet.Network
	server *http.Server
	client *http.Client
	served chan error
	protocol
}

// protocol names what client and server speak.
type protocol struct {
	name   string
	secure bool
	set    func(*http.Protocols)
	major  int
	posts  int // at once; fewer with TLS, whose handshakes are slow under -race
}

var protocols = []protocol{
	{"HTTP1", false, func(p *http.Protocols) { p.SetHTTP1(true) }, 1, 500},
	{"h2c", false, func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }, 2, 100},
	{"TLS", true, func(p *http.Protocols) { p.SetHTTP1(true) }, 1, 20},
	{"h2", true, func(p *http.Protocols) { p.SetHTTP2(true) }, 2, 20},
}

// eachProtocol runs check in a bubble per protocol and closes the site.
func eachProtocol(t *testing.T, h http.Handler, check func(t *testing.T, s *site, url string)) {
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, p, h)
				url := "http://api.test"
				if p.secure {
					url = "https://api.test"
				}
				check(t, s, url)
				s.close(t)
			})
		})
	}
}

func newSite(t *testing.T, p protocol, h http.Handler) *site {
	t.Helper()
	speak := new(http.Protocols)
	p.set(speak)
	s := &site{net: memnet.New(), served: make(chan error, 1), protocol: p}
	s.server = &http.Server{Handler: h, Protocols: speak}
	transport := &http.Transport{DialContext: s.net.Dial, Protocols: speak}
	s.client = &http.Client{Transport: transport}
	address, serve := "api.test:80", s.server.Serve
	if p.secure {
		address = "api.test:443"
		s.server.TLSConfig, transport.TLSClientConfig = certificate(t)
		serve = func(l net.Listener) error { return s.server.ServeTLS(l, "", "") }
	}
	l, err := s.net.Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	go func() { s.served <- serve(l) }()
	return s
}

// close shuts down in order. What is left then fails the bubble as a deadlock.
func (s *site) close(t *testing.T) {
	t.Helper()
	s.client.CloseIdleConnections()
	if err := s.server.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if err := <-s.served; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve: %v", err)
	}
}

// certificate makes what server and client need to trust each other.
func certificate(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"api.test"},
		NotBefore: time.Now(), NotAfter: time.Now().Add(1000 * time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		&tls.Config{RootCAs: roots}
}

// slowEcho reads the body, waits an hour and sends it back, in bubble.
func slowEcho(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	time.Sleep(time.Hour)
	w.Write(body)
}

func TestManyLargePosts(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789"), 10_000)
	eachProtocol(t, http.HandlerFunc(slowEcho), func(t *testing.T, s *site, url string) {
		start := time.Now()
		var wg sync.WaitGroup
		for range s.posts {
			wg.Go(func() { postAndCompare(t, s.client, url, body) })
		}
		wg.Wait()
		if d := time.Since(start); d < time.Hour || d > 2*time.Hour {
			t.Errorf("%d posts of one hour each at once took %v", s.posts, d)
		}
	})
}

func postAndCompare(t *testing.T, client *http.Client, url string, body []byte) {
	resp, err := client.Post(url, "text/plain", bytes.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Equal(got, body) {
		t.Errorf("%s: answer of %d bytes, %v; want the %d of the question", resp.Status, len(got), err, len(body))
	}
}

func TestProtocolIsTheOneAskedFor(t *testing.T) {
	eachProtocol(t, http.HandlerFunc(slowEcho), func(t *testing.T, s *site, url string) {
		resp, err := s.client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.ProtoMajor != s.major {
			t.Errorf("spoke %s, want HTTP/%d", resp.Proto, s.major)
		}
	})
}

// TestStreamWithStalls sleeps in bubble: eachProtocol makes one.
func TestStreamWithStalls(t *testing.T) {
	const events = 60
	h := func(w http.ResponseWriter, r *http.Request) {
		for i := range events {
			fmt.Fprintf(w, "data: %d\n\n", i)
			http.NewResponseController(w).Flush()
			time.Sleep(time.Second)
		}
	}
	eachProtocol(t, http.HandlerFunc(h), func(t *testing.T, s *site, url string) {
		start := time.Now()
		resp, err := s.client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		if n := strings.Count(string(got), "data:"); n != events || err != nil {
			t.Errorf("%d events, %v; want %d", n, err, events)
		}
		if d := time.Since(start); d != events*time.Second {
			t.Errorf("took %v, want 60s", d)
		}
	})
}

// TestEarlyAnswer is the pattern that a synchronous pipe turns into a deadlock: the
// server answers while the client still writes its body.
func TestEarlyAnswer(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
	}
	eachProtocol(t, http.HandlerFunc(h), func(t *testing.T, s *site, url string) {
		resp, err := s.client.Post(url, "text/plain", bytes.NewReader(make([]byte, 300<<10)))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		io.Copy(io.Discard, resp.Body)
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d, want 413", resp.StatusCode)
		}
	})
}

func TestClientGoesAway(t *testing.T) {
	left := make(map[string]time.Duration)
	var mu sync.Mutex
	h := func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		<-r.Context().Done()
		mu.Lock()
		left[r.URL.Path] = time.Since(start)
		mu.Unlock()
	}
	eachProtocol(t, http.HandlerFunc(h), func(t *testing.T, s *site, url string) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, "GET", url+"/"+t.Name(), nil)
		if _, err := s.client.Do(req); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the deadline", err)
		}
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if d := left["/"+t.Name()]; d != time.Minute {
			t.Errorf("the server noticed after %v, want 1m", d)
		}
	})
}

func TestServerResetsMidStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, protocols[0], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, buf, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			buf.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
			buf.Flush()
			time.Sleep(time.Second)
			c.(*memnet.Conn).Reset()
		}))
		resp, err := s.client.Get("http://api.test/")
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if string(got) != "hello" || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("ReadAll = %q, %v; want hello and ECONNRESET", got, err)
		}
		resp.Body.Close()
		s.close(t)
	})
}

func TestHeaderTimeoutIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, protocols[0], http.HandlerFunc(slowEcho))
		s.client.Transport.(*http.Transport).ResponseHeaderTimeout = 5 * time.Second
		start := time.Now()
		_, err := s.client.Get("http://api.test/")
		if ne, ok := errors.AsType[net.Error](err); !ok || !ne.Timeout() || time.Since(start) != 5*time.Second {
			t.Errorf("error %v after %v, want a timeout after 5s", err, time.Since(start))
		}
		s.close(t)
	})
}

func TestShutdownWaitsForTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, protocols[0], http.HandlerFunc(slowEcho))
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			postAndCompare(t, s.client, "http://api.test/", []byte("wait for me"))
		}()
		synctest.Wait()
		start := time.Now()
		s.close(t)
		<-answered
		if d := time.Since(start); d < time.Hour {
			t.Errorf("Shutdown returned after %v, before the answer", d)
		}
		if _, err := s.client.Get("http://api.test/"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("after Shutdown: %v, want ECONNREFUSED", err)
		}
	})
}
