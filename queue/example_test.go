package queue_test

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"fairlead.dev/queue"
)

// One slot, held while the attempt is in flight.
func Example() {
	q := queue.New(queue.Config{MaxInFlight: 1, MaxWait: 10 * time.Millisecond})
	ctx := context.Background()

	slot, err := q.Enter(ctx, queue.Ticket{Class: queue.High})
	fmt.Println("in:", err)
	_, err = q.Enter(ctx, queue.Ticket{})
	fmt.Println("no room:", err)
	slot.Leave()
	slot, err = q.Enter(ctx, queue.Ticket{})
	fmt.Println("room again:", err)
	slot.Leave()
	// Output:
	// in: <nil>
	// no room: queue: expired while waiting
	// room again: <nil>
}

// A free slot goes to the highest class, whoever came first.
func ExampleQueue_Enter() {
	q := queue.New(queue.Config{MaxInFlight: 1})
	slot, _, _ := q.TryEnter(queue.Ticket{})
	done := make(chan bool)
	for _, class := range []queue.Class{queue.Batch, queue.Critical} {
		go func() {
			s, _ := q.Enter(context.Background(), queue.Ticket{Class: class})
			fmt.Println(class)
			s.Leave()
			done <- true
		}()
		for q.Load().Class(class) == 0 { // until it stands in line
			runtime.Gosched()
		}
	}
	slot.Leave()
	<-done
	<-done
	// Output:
	// critical
	// batch
}

func ExampleBytes() {
	bodies := queue.NewBytes(1 << 20)
	fmt.Println(bodies.Take(700_000), bodies.Take(700_000), bodies.Held())
	bodies.Give(700_000)
	fmt.Println(bodies.Take(700_000))
	// Output:
	// true false 700000
	// true
}
