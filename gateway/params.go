package gateway

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"fairlead.dev"
	"fairlead.dev/queue"
)

// maxTenant bounds the name of a tenant, in bytes: it is kept in reports.
const maxTenant = 128

// callOf reads the headers that a client steers its call with, and takes all of
// ours out of h. lowered tells that the client asked for a higher class than
// its key has: the call goes on in the key's class, because a wish about order
// is no reason to fail, and the answer says so.
func callOf(h http.Header, key *Key) (call fairlead.Call, lowered bool, bad *refusal) {
	if key != nil {
		call.Class, call.Tenant, call.Trusted = key.Class, key.Name, true
	}
	for name, values := range h {
		if !strings.HasPrefix(name, "Fairlead-") {
			continue
		}
		delete(h, name)
		if len(values) != 1 {
			return call, false, badRequest("the header %s occurs more than once", strings.ToLower(name))
		}
		switch name {
		case "Fairlead-Class":
			lowered, bad = setClass(&call, values[0], key)
		case "Fairlead-Deadline-Ms":
			bad = setDeadline(&call, values[0])
		case "Fairlead-Fallback":
			call.Pinned, bad = true, only("fairlead-fallback", "off", values[0])
		case "Fairlead-Stream":
			call.Complete, bad = true, only("fairlead-stream", "complete", values[0])
		case "Fairlead-Resume":
			call.Final, bad = true, only("fairlead-resume", "off", values[0])
		case "Fairlead-Tenant":
			bad = setTenant(&call, values[0])
		}
		if bad != nil {
			return call, false, bad
		}
	}
	return call, lowered, nil
}

func setClass(call *fairlead.Call, value string, key *Key) (lowered bool, bad *refusal) {
	class, err := queue.ParseClass(value)
	if err != nil || value == "" {
		return false, badRequest("fairlead-class: one of critical, high, normal, low and batch is wanted")
	}
	if key != nil && class > key.Class {
		return true, nil
	}
	call.Class = class
	return false, nil
}

func setDeadline(call *fairlead.Call, value string) *refusal {
	ms, err := strconv.ParseUint(value, 10, 63)
	if err != nil || ms == 0 || ms > math.MaxInt64/uint64(time.Millisecond) {
		return badRequest("fairlead-deadline-ms: a positive whole number of milliseconds is wanted")
	}
	call.Deadline = time.Duration(ms) * time.Millisecond
	return nil
}

// only refuses any other value of a header than the one that it knows.
func only(name, known, value string) *refusal {
	if value != known {
		return badRequest("%s: only the value %s is known", name, known)
	}
	return nil
}

func setTenant(call *fairlead.Call, value string) *refusal {
	if !validTenant(value) {
		return badRequest("fairlead-tenant: 1 to %d printable characters are wanted", maxTenant)
	}
	call.Tenant = value
	return nil
}

// validTenant refuses what would break a line of a log or a report.
func validTenant(s string) bool {
	return s != "" && len(s) <= maxTenant && utf8.ValidString(s) &&
		strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}
