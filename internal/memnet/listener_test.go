package memnet_test

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev/internal/memnet"
)

func TestNetworkRoutesByAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		for _, at := range []string{"one.test:80", "two.test:80", ":9000"} {
			greet(t, n, at)
		}
		for at, want := range map[string]string{
			"one.test:80": "one.test:80", "two.test:80": "two.test:80", "any.test:9000": ":9000",
		} {
			c, err := n.Dial(t.Context(), "tcp", at)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(c); string(got) != want || err != nil {
				t.Errorf("dialled %s and reached %q, %v; want %s", at, got, err, want)
			}
			c.Close()
		}
	})
}

// greet listens at address and sends it to everyone who connects.
func greet(t *testing.T, n *memnet.Network, address string) {
	t.Helper()
	l, err := n.Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, address)
			c.Close()
		}
	}()
}

func TestNobodyListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		l, err := n.Listen("a.test:80")
		if err != nil {
			t.Fatal(err)
		}
		refused := func(what, at string) {
			c, err := n.Dial(t.Context(), "tcp", at)
			op, ok := errors.AsType[*net.OpError](err)
			if c != nil || !ok || op.Op != "dial" || !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("%s: Dial = %v, %v; want ECONNREFUSED", what, c, err)
			}
		}
		refused("other port", "a.test:81")
		refused("other host", "b.test:80")
		refused("no port", "a.test")
		l.Close()
		refused("closed listener", "a.test:80")
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept after Close: %v, want net.ErrClosed", err)
		}
		if again, err := n.Listen("a.test:80"); err != nil {
			t.Errorf("the address is not free after Close: %v", err)
		} else {
			again.Close()
		}
	})
}

func TestListenFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		l, _ := n.Listen("a.test:80")
		defer l.Close()
		if _, err := n.Listen("a.test:80"); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("second Listen: %v, want EADDRINUSE", err)
		}
		if _, err := n.Listen("a.test"); err == nil {
			t.Error("Listen took an address without a port")
		}
		if _, err := l.Dial(t.Context(), "udp", "a.test:80"); err == nil {
			t.Error("Dial took udp")
		}
	})
}

func TestPortZeroChoosesOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		one, err1 := n.Listen("127.0.0.1:0")
		two, err2 := n.Listen("127.0.0.1:0")
		if err1 != nil || err2 != nil || one.Addr().String() == two.Addr().String() {
			t.Fatalf("two listeners at port 0: %v %v, %v %v", one.Addr(), two.Addr(), err1, err2)
		}
		c, err := n.Dial(t.Context(), "tcp", two.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if c.RemoteAddr().String() != two.Addr().String() {
			t.Errorf("connected to %v, want %v", c.RemoteAddr(), two.Addr())
		}
		if host, _, err := net.SplitHostPort(c.LocalAddr().String()); host != "127.0.0.1" || err != nil {
			t.Errorf("client's address is %v, want loopback", c.LocalAddr())
		}
	})
}

func TestFullBacklogMakesDialWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := memnet.Listen()
		for range 128 {
			if _, err := l.Dial(t.Context(), "tcp", "x:1"); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		_, err := l.Dial(ctx, "tcp", "x:1")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("Dial = %v after %v, want the context's end after 1m", err, time.Since(start))
		}
		time.AfterFunc(time.Second, func() { l.Accept() })
		if _, err := l.Dial(t.Context(), "tcp", "x:1"); err != nil {
			t.Errorf("Dial after an Accept: %v", err)
		}
		l.Close()
	})
}

func TestListenerCloseEndsAllThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := memnet.Listen()
		accepted := make(chan error)
		go func() {
			_, err := l.Accept()
			accepted <- err
		}()
		synctest.Wait()
		l.Close()
		wantErr(t, "Accept", <-accepted, net.ErrClosed)

		l = memnet.Listen()
		c, err := l.Dial(t.Context(), "tcp", "x:1")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		l.Close()
		_, err = c.Read(make([]byte, 1))
		wantErr(t, "Read from a server that never accepted", err, syscall.ECONNRESET)
	})
}

func TestDialWithDeadContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := memnet.Listen()
		defer l.Close()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := l.Dial(ctx, "tcp", "x:1"); !errors.Is(err, context.Canceled) {
			t.Errorf("Dial = %v, want context.Canceled", err)
		}
	})
}
