package fakellm_test

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev/fakellm"
	"fairlead.dev/internal/memnet"
)

// A listener in memory that can be opened again is really shut, for exactly the
// window; connections from before are reset.
func TestRefused(t *testing.T) {
	for _, clock := range []string{"start", "first"} {
		t.Run(clock, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { testRefused(t, clock) }) })
	}
}

// testRefused asks once a second, in a bubble ("in bubble").
func testRefused(t *testing.T, clock string) {
	network := memnet.New()
	ln, err := network.Listen("fake:80")
	if err != nil {
		t.Fatal(err)
	}
	fake, err := fakellm.New(fakellm.Config{
		Script: script(t, `{"clock": "`+clock+`", "rules": [{"from": "10s", "to": "20s", "fault": "refused"}, {"from": "30s", "to": "40s", "fault": "refused"}]}`),
		Listen: func(_, address string) (net.Listener, error) { return network.Listen(address) },
	})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- fake.Serve(ln) }()
	transport := &http.Transport{DialContext: network.Dial}
	b := &bed{t, fake, &http.Client{Transport: transport}}
	start := time.Now()
	kept := b.post(messages, prompt("m"))
	want(t, "before", kept.status, 200)
	for second := range 50 {
		time.Sleep(time.Until(start.Add(time.Duration(second)*time.Second + time.Millisecond)))
		shut := second >= 10 && second < 20 || second >= 30 && second < 40
		r := b.post(messages, prompt("m"))
		want(t, "refused", r.err != nil, shut)
		// Only the first finds the connection from before still open.
		refused := errors.Is(r.err, syscall.ECONNREFUSED)
		want(t, "by the listener", refused, shut && second%10 > 0)
	}
	transport.CloseIdleConnections()
	if err := errors.Join(fake.Close(), <-served); err != nil {
		t.Error(err)
	}
}

// Without a way to open it again, the listener resets what connects.
func TestRefusedByReset(t *testing.T) {
	cfg := fakellm.Config{Script: script(t, `{"clock": "first", "rules": [{"from": "10s", "to": "20s", "fault": "refused"}]}`)}
	bubble(t, cfg, func(b *bed) {
		time.Sleep(time.Minute)
		want(b, "before", b.post(messages, prompt("m")).status, 200)
		time.Sleep(15 * time.Second)
		for range 3 {
			want(b, "refused", b.post(messages, prompt("m")).err != nil, true)
		}
		want(b, "the kept connection was logged", b.last().Fault, "refused")
		want(b, "the others were not", len(b.fake.Attempts()), 2)
		time.Sleep(5 * time.Second)
		want(b, "after", b.post(messages, prompt("m")).status, 200)
	})
}

// On TCP the port is closed while it refuses, and a new script opens it.
func TestRefusedOnTCP(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fake, err := fakellm.New(fakellm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- fake.Serve(ln) }()
	transport := &http.Transport{DisableKeepAlives: true}
	post := func() error {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+ln.Addr().String()+messages, strings.NewReader(prompt("m")))
		req.Header.Set("x-api-key", "k")
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}
	for range 3 {
		if err := post(); err != nil {
			t.Fatal(err)
		}
		if err := fake.SetScript(script(t, `{"rules": [{"fault": "refused"}]}`)); err != nil {
			t.Fatal(err)
		}
		if err := post(); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("while shut: %v", err)
		}
		if err := fake.SetScript(nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(fake.Close(), <-served); err != nil {
		t.Error(err)
	}
	if err := fake.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve after Close: %v", err)
	}
}
