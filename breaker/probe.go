package breaker

import "time"

// lease is one outstanding probe.
type lease struct {
	serial uint64 // of its permit; 0: free
	until  time.Time
}

// freeProbe reports whether another probe may be sent. If not, it is worth
// asking again when one has expired, or has probably answered.
func (b *Breaker) freeProbe(now time.Time) (wait time.Duration, ok bool) {
	wait = b.cfg.Open
	for i := range b.probes {
		if b.probes[i].serial == 0 {
			return 0, true
		}
		wait = min(wait, b.probes[i].until.Sub(now))
	}
	return wait, false
}

func (b *Breaker) takeProbe(now time.Time) uint64 {
	for i := range b.probes {
		if b.probes[i].serial == 0 {
			b.serial++
			b.probes[i] = lease{serial: b.serial, until: now.Add(b.cfg.Lease)}
			return b.serial
		}
	}
	return 0
}

// endProbe frees the lease, and reports whether the probe still held it: a
// copy of its permit may have given it back.
func (b *Breaker) endProbe(serial uint64) bool {
	for i := range b.probes {
		if serial != 0 && b.probes[i].serial == serial {
			b.probes[i] = lease{}
			return true
		}
	}
	return false
}

// expiredProbe returns when the first of the outstanding leases ended.
func (b *Breaker) expiredProbe(now time.Time) (at time.Time, hung bool) {
	for _, l := range b.probes {
		if l.serial != 0 && !now.Before(l.until) && (!hung || l.until.Before(at)) {
			at, hung = l.until, true
		}
	}
	return at, hung
}
