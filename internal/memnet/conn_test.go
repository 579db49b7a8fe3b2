package memnet_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev/internal/memnet"
)

// inBubble runs check on both ends of a connection, and closes them.
func inBubble(t *testing.T, check func(t *testing.T, a, b *memnet.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a, b := memnet.Pipe()
		check(t, a, b)
		a.Close()
		b.Close()
	})
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

func mustWrite(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if n, err := c.Write([]byte(s)); n != len(s) || err != nil {
		t.Fatalf("Write(%d bytes) = %d, %v", len(s), n, err)
	}
}

func TestBytesArriveInOrderAndWhole(t *testing.T) {
	inBubble(t, func(t *testing.T, a, b *memnet.Conn) {
		want := make([]byte, 1<<20)
		rand.NewChaCha8([32]byte{}).Read(want)
		go func() {
			io.Copy(a, bytes.NewReader(want))
			a.Close()
		}()
		got, err := io.ReadAll(b)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("read %d bytes, %v; want the %d bytes that were written", len(got), err, len(want))
		}
	})
}

func TestBothDirectionsAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, a, b *memnet.Conn) {
		// Each side writes all of it before it reads, more than a synchronous
		// pipe could take.
		var wg sync.WaitGroup
		for _, c := range []*memnet.Conn{a, b} {
			wg.Go(func() {
				mustWrite(t, c, string(make([]byte, 60<<10)))
				if n, err := io.ReadFull(c, make([]byte, 60<<10)); err != nil {
					t.Errorf("read %d bytes: %v", n, err)
				}
			})
		}
		wg.Wait()
	})
}

func TestSlowReaderHoldsWriterBack(t *testing.T) {
	inBubble(t, func(t *testing.T, a, b *memnet.Conn) {
		a.SetWriteDeadline(time.Now().Add(time.Minute))
		n, err := a.Write(make([]byte, 1<<20))
		if n != 64<<10 {
			t.Errorf("wrote %d bytes to a peer that does not read, want 65536", n)
		}
		wantErr(t, "Write", err, os.ErrDeadlineExceeded)
	})
}

func TestWritesDoNotMix(t *testing.T) {
	inBubble(t, func(t *testing.T, a, b *memnet.Conn) {
		const size, letters = 100 << 10, "abcdefghijklmnop"
		for _, letter := range []byte(letters) {
			go a.Write(bytes.Repeat([]byte{letter}, size))
		}
		for range letters {
			got := make([]byte, size)
			for i := 0; i < size; i += 1 << 10 { // slowly, so that writers wait
				io.ReadFull(b, got[i:i+1<<10])
				synctest.Wait()
			}
			if n := bytes.Count(got, got[:1]); n != size {
				t.Fatalf("%d of %d bytes of one write came together", n, size)
			}
		}
	})
}

func TestReadWaitsForTheDeadlineExactly(t *testing.T) {
	inBubble(t, func(t *testing.T, a, b *memnet.Conn) {
		start := time.Now()
		a.SetReadDeadline(start.Add(time.Hour))
		_, err := a.Read(make([]byte, 1))
		wantErr(t, "Read", err, os.ErrDeadlineExceeded)
		if ne, ok := errors.AsType[net.Error](err); !ok || !ne.Timeout() {
			t.Errorf("%v is no timeout", err)
		}
		if d := time.Since(start); d != time.Hour {
			t.Errorf("waited %v, want 1h", d)
		}
	})
}

func TestDeadlineCanBeMoved(t *testing.T) {
	inBubble(t, func(t *testing.T, a, b *memnet.Conn) {
		start := time.Now()
		a.SetDeadline(start.Add(time.Minute))
		time.AfterFunc(time.Second, func() { a.SetReadDeadline(time.Time{}) })
		time.AfterFunc(time.Hour, func() { a.SetReadDeadline(time.Unix(1, 0)) })
		_, err := a.Read(make([]byte, 1))
		wantErr(t, "Read", err, os.ErrDeadlineExceeded)
		if d := time.Since(start); d != time.Hour {
			t.Errorf("waited %v, want 1h: the deadline was taken back, then set in the past", d)
		}
		a.SetDeadline(time.Time{})
		mustWrite(t, b, "x")
		if n, err := a.Read(make([]byte, 8)); n != 1 || err != nil {
			t.Errorf("Read after a deadline = %d, %v; want the byte", n, err)
		}
	})
}

func TestPastDeadlineComesBeforeData(t *testing.T) {
	inBubble(t, func(t *testing.T, a, b *memnet.Conn) {
		mustWrite(t, b, "x")
		a.SetDeadline(time.Unix(1, 0))
		n, err := a.Read(make([]byte, 1))
		if n != 0 {
			t.Errorf("read %d bytes after the deadline", n)
		}
		wantErr(t, "Read", err, os.ErrDeadlineExceeded)
		_, err = a.Write([]byte("x"))
		wantErr(t, "Write", err, os.ErrDeadlineExceeded)
	})
}

func TestCloseLeavesWhatWasSent(t *testing.T) {
	inBubble(t, func(t *testing.T, a, b *memnet.Conn) {
		mustWrite(t, a, "last words")
		a.Close()
		got, err := io.ReadAll(b)
		if string(got) != "last words" || err != nil {
			t.Errorf("ReadAll = %q, %v", got, err)
		}
		_, err = b.Write([]byte("x"))
		wantErr(t, "Write to a closed peer", err, syscall.EPIPE)
		_, err = a.Read(make([]byte, 1))
		wantErr(t, "Read after Close", err, net.ErrClosed)
		_, err = a.Write([]byte("x"))
		wantErr(t, "Write after Close", err, net.ErrClosed)
		wantErr(t, "SetDeadline after Close", a.SetDeadline(time.Now()), net.ErrClosed)
		wantErr(t, "second Close", a.Close(), nil)
	})
}

func TestEndingWakesThoseWhoWait(t *testing.T) {
	ends := map[string]struct {
		end         func(mine, peer *memnet.Conn)
		read, write error
	}{
		"own Close":        {func(mine, _ *memnet.Conn) { mine.Close() }, net.ErrClosed, net.ErrClosed},
		"own Reset":        {func(mine, _ *memnet.Conn) { mine.Reset() }, net.ErrClosed, net.ErrClosed},
		"peer's Close":     {func(_, peer *memnet.Conn) { peer.Close() }, io.EOF, syscall.EPIPE},
		"peer's Reset":     {func(_, peer *memnet.Conn) { peer.Reset() }, syscall.ECONNRESET, syscall.ECONNRESET},
		"peer's SetLinger": {func(_, peer *memnet.Conn) { peer.SetLinger(0); peer.Close() }, syscall.ECONNRESET, syscall.ECONNRESET},
	}
	for name, e := range ends {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, a, b *memnet.Conn) {
				var wg sync.WaitGroup
				wg.Go(func() {
					_, err := a.Read(make([]byte, 1))
					wantErr(t, "Read", err, e.read)
				})
				wg.Go(func() {
					_, err := a.Write(make([]byte, 1<<20))
					wantErr(t, "Write", err, e.write)
				})
				synctest.Wait()
				e.end(a, b)
				wg.Wait()
			})
		})
	}
}

func TestResetLosesWhatWasSent(t *testing.T) {
	inBubble(t, func(t *testing.T, a, b *memnet.Conn) {
		mustWrite(t, a, "lost")
		a.Reset()
		n, err := b.Read(make([]byte, 8))
		if n != 0 {
			t.Errorf("read %d bytes of a connection that was reset", n)
		}
		wantErr(t, "Read", err, syscall.ECONNRESET)
		b.Close()
		_, err = b.Read(make([]byte, 8))
		wantErr(t, "Read after own Close", err, net.ErrClosed)
	})
}

func TestCloseWriteLeavesTheAnswerOpen(t *testing.T) {
	inBubble(t, func(t *testing.T, a, b *memnet.Conn) {
		mustWrite(t, a, "question")
		a.CloseWrite()
		_, err := a.Write([]byte("x"))
		wantErr(t, "Write after CloseWrite", err, syscall.EPIPE)
		if got, err := io.ReadAll(b); string(got) != "question" || err != nil {
			t.Errorf("ReadAll = %q, %v", got, err)
		}
		mustWrite(t, b, "answer")
		b.Close()
		if got, err := io.ReadAll(a); string(got) != "answer" || err != nil {
			t.Errorf("ReadAll = %q, %v", got, err)
		}
	})
}

func TestNothingToReadOrWrite(t *testing.T) {
	inBubble(t, func(t *testing.T, a, b *memnet.Conn) {
		if n, err := a.Read(nil); n != 0 || err != nil {
			t.Errorf("Read(nil) = %d, %v", n, err)
		}
		mustWrite(t, a, string(make([]byte, 64<<10)))
		mustWrite(t, a, "")
	})
}

// TestMethodsMayBeCalledAtOnce is for the race detector.
func TestMethodsMayBeCalledAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, a, b *memnet.Conn) {
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() { a.Write(make([]byte, 4<<10)) })
			wg.Go(func() { b.Read(make([]byte, 4<<10)) })
			wg.Go(func() { a.SetDeadline(time.Now().Add(time.Duration(i) * time.Second)) })
			wg.Go(func() { b.SetDeadline(time.Now().Add(time.Duration(i) * time.Second)) })
			wg.Go(func() { _, _ = a.LocalAddr(), b.RemoteAddr() })
		}
		time.AfterFunc(2*time.Second, func() { b.Close() })
		wg.Wait()
	})
}
