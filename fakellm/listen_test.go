package fakellm_test

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev/fakellm"
	"fairlead.dev/internal/memnet"
)

// town is a network in memory with a fake at an address of it.
type town struct {
	*bed
	network *memnet.Network
	opened  *atomic.Int64 // times that the fake listened again
	fail    *atomic.Bool  // whether that fails
	served  chan error
}

// inTown runs test against a fake that can be refused and opened again, in a bubble.
func inTown(t *testing.T, text string, test func(c town)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := town{network: memnet.New(), opened: new(atomic.Int64), fail: new(atomic.Bool), served: make(chan error, 2)}
		fake, err := fakellm.New(fakellm.Config{
			Script: script(t, text),
			Listen: func(_, address string) (net.Listener, error) {
				c.opened.Add(1)
				if c.fail.Load() {
					return nil, syscall.EADDRINUSE
				}
				return c.network.Listen(address)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		transport := &http.Transport{DialContext: c.network.Dial, DisableKeepAlives: true}
		c.bed = &bed{t, fake, &http.Client{Transport: transport}}
		c.serve()
		test(c)
		if err := fake.Close(); err != nil {
			t.Error(err)
		}
	})
}

func (c town) serve() {
	c.Helper()
	ln, err := c.network.Listen("fake:80")
	if err != nil {
		c.Fatal(err)
	}
	go func() { c.served <- c.fake.Serve(ln) }()
	synctest.Wait()
}

// state is what a client finds: "." answered, "R" refused, "x" anything else.
func (c town) state() string {
	r := c.post(messages, prompt("m"))
	switch {
	case r.status == 200:
		return "."
	case errors.Is(r.err, syscall.ECONNREFUSED):
		return "R"
	}
	return "x"
}

// Overlapping and touching windows are one; the port is opened as often as it must.
func TestRefusedWindows(t *testing.T) {
	tests := []struct {
		name, rules, want string
		opened            int64
	}{
		{"one", `{"from": "2s", "to": "4s", "fault": "refused"}`, "..RR....", 1},
		{"from the start", `{"to": "3s", "fault": "refused"}`, "RRR.....", 1},
		{"for ever", `{"from": "5s", "fault": "refused"}`, ".....RRR", 0},
		{"touching", `{"from": "1s", "to": "3s", "fault": "refused"}, {"from": "3s", "to": "5s", "fault": "refused"}`, ".RRRR...", 1},
		{"overlapping", `{"from": "1s", "to": "4s", "fault": "refused"}, {"from": "2s", "to": "3s", "fault": "refused"}`, ".RRR....", 1},
		{"two", `{"from": "1s", "to": "2s", "fault": "refused"}, {"from": "4s", "to": "6s", "fault": "refused"}`, ".R..RR..", 2},
		{"beside other faults", `{"from": "1s", "to": "2s", "fault": "refused"}, {"from": "3s", "to": "4s", "fault": "reset"}`, ".R.x....", 1},
	}
	for _, tt := range tests {
		inTown(t, `{"rules": [`+tt.rules+`]}`, func(c town) {
			var got strings.Builder
			time.Sleep(time.Millisecond)
			for range len(tt.want) {
				got.WriteString(c.state())
				time.Sleep(time.Second)
			}
			want(c, tt.name, got.String(), tt.want)
			want(c, tt.name+": opened", c.opened.Load(), tt.opened)
			if err := errors.Join(c.fake.Close(), <-c.served); err != nil {
				c.Errorf("%s: %v", tt.name, err)
			}
		})
	}
}

// A script that is put while the port is shut opens it, and the other way round.
func TestScriptsMoveTheListener(t *testing.T) {
	inTown(t, `{}`, func(c town) {
		var states strings.Builder
		states.WriteString(c.state())
		for _, text := range []string{`{"rules": [{"fault": "refused"}]}`, `{}`, `{"rules": [{"to": "1s", "fault": "refused"}]}`} {
			if err := c.fake.SetScript(script(c.T, text)); err != nil {
				c.Fatal(err)
			}
			synctest.Wait()
			states.WriteString(c.state())
		}
		time.Sleep(time.Second)
		synctest.Wait()
		states.WriteString(c.state())
		c.fake.Reset()
		synctest.Wait()
		want(c, "states", states.String()+c.state(), ".R.R.R")
		// Close while the port is shut.
		if err := errors.Join(c.fake.Close(), <-c.served); err != nil {
			c.Error(err)
		}
		want(c, "closed", c.state(), "R")
	})
}

// When the port cannot be opened again, Serve says so and the fake goes on
// elsewhere.
func TestThePortIsGone(t *testing.T) {
	inTown(t, `{"rules": [{"from": "1s", "to": "2s", "fault": "refused"}]}`, func(c town) {
		time.Sleep(1500 * time.Millisecond)
		c.fail.Store(true)
		if err := <-c.served; !errors.Is(err, syscall.EADDRINUSE) {
			c.Errorf("Serve: %v", err)
		}
		c.serve()
		want(c, "another listener", c.state(), ".")
		if err := errors.Join(c.fake.Close(), <-c.served); err != nil {
			c.Error(err)
		}
	})
}

// One fake may serve several listeners; they refuse and close together.
func TestSeveralListeners(t *testing.T) {
	inTown(t, `{"rules": [{"from": "1s", "to": "2s", "fault": "refused"}]}`, func(c town) {
		second, err := c.network.Listen("other:80")
		if err != nil {
			c.Fatal(err)
		}
		go func() { c.served <- c.fake.Serve(second) }()
		dial := func(address string) error {
			conn, err := c.network.Dial(c.Context(), "tcp", address)
			if err == nil {
				conn.Close()
			}
			return err
		}
		for _, refused := range []bool{false, true, false} {
			synctest.Wait()
			for _, address := range []string{"fake:80", "other:80"} {
				want(c, address, errors.Is(dial(address), syscall.ECONNREFUSED), refused)
			}
			time.Sleep(time.Second)
		}
		if err := errors.Join(c.fake.Close(), <-c.served, <-c.served); err != nil {
			c.Error(err)
		}
		for _, address := range []string{"fake:80", "other:80"} {
			want(c, "closed "+address, dial(address) != nil, true)
		}
	})
}

// A listener that breaks ends Serve with its error, and closes its connections.
func TestABrokenListener(t *testing.T) {
	fake, err := fakellm.New(fakellm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	ln := memnet.Listen()
	ln.Close()
	if err := fake.Serve(ln); err == nil || !strings.Contains(err.Error(), net.ErrClosed.Error()) {
		t.Errorf("Serve: %v", err)
	}
	if err := errors.Join(fake.Close(), fake.Close()); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}
