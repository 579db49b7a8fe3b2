package telemetry

import (
	"strings"
	"sync"
	"sync/atomic"
)

// maxNames bounds how many values a label takes; see the package's comment.
const maxNames = 1000

// other stands for all names beyond the bound.
const other = "other"

// names is a bounded set of label values. A name that was taken stays.
type names struct {
	known sync.Map // string -> string
	count atomic.Int64
}

func newNames() *names { return &names{} }

// label returns the value that stands for a name, which must be UTF-8 there. A
// name that was not seen becomes a value of its own if admit allows it and there
// is room.
func (n *names) label(name string, admit bool) string {
	name = strings.ToValidUTF8(name, "?")
	switch {
	case name == "":
		return "unknown"
	case n.has(name):
		return name
	case !admit || !n.room():
		return other
	}
	if _, loaded := n.known.LoadOrStore(name, nil); loaded {
		n.count.Add(-1)
	}
	return name
}

func (n *names) has(name string) bool {
	_, ok := n.known.Load(name)
	return ok
}

// room takes one of the places, if one is left.
func (n *names) room() bool {
	if n.count.Add(1) > maxNames {
		n.count.Add(-1)
		return false
	}
	return true
}
