package fairlead

import (
	"time"

	"fairlead.dev/event"
	"fairlead.dev/llm"
)

// keepAlive tells the caller of a stream whenever it has got nothing for long,
// so that it can keep its own client waiting.
func (k *call) keepAlive() {
	every := k.links[0].policies.Streams.Keepalive
	if k.ask.Quiet == nil || every <= 0 || !k.req.Stream || k.req.Op != llm.Generate {
		return
	}
	k.heard.Store(k.now.UnixNano())
	k.beat.Store(time.AfterFunc(every, func() { k.quiet(every) }))
}

// quiet runs when the caller may have got nothing for long. Setting the timer
// anew with every event would cost more than waking once in a while.
func (k *call) quiet(every time.Duration) {
	if k.ended.Load() {
		return
	}
	now := time.Now()
	wait := every - now.Sub(time.Unix(0, k.heard.Load()))
	if wait <= 0 {
		if !k.held {
			k.held = true
			k.tell(event.Event{At: now, Kind: event.Held, Wait: every})
		}
		k.ask.Quiet(k.id)
		k.heard.Store(now.UnixNano())
		wait = every
	}
	if t := k.beat.Load(); t != nil && !k.ended.Load() {
		t.Reset(wait)
	}
}

// hears notes that the caller gets something.
func (k *call) hears() {
	if k.beat.Load() != nil {
		k.heard.Store(time.Now().UnixNano())
	}
}

func (k *call) stopQuiet() {
	k.ended.Store(true)
	if t := k.beat.Load(); t != nil {
		t.Stop()
	}
}
