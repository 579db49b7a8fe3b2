package fairlead

import (
	"container/list"
	"sync"
)

// lru is a bounded map that forgets what was not used for longest. Keys come
// from clients, so without the bound they could grow our memory.
type lru[K comparable, V any] struct {
	max   int
	mu    sync.Mutex
	items map[K]*list.Element // guarded by mu
	order *list.List          // guarded by mu; newest in front; of lruItem
}

type lruItem[K comparable, V any] struct {
	key   K
	value V
}

func newLRU[K comparable, V any](max int) *lru[K, V] {
	return &lru[K, V]{max: max, items: map[K]*list.Element{}, order: list.New()}
}

// get returns the value of a key without counting as use.
func (l *lru[K, V]) get(k K) (v V, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.items[k]
	if ok {
		v = e.Value.(lruItem[K, V]).value
	}
	return v, ok
}

// getOr returns the value of a key, made by create when there is none.
func (l *lru[K, V]) getOr(k K, create func() V) V {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.items[k]; ok {
		l.order.MoveToFront(e)
		return e.Value.(lruItem[K, V]).value
	}
	v := create()
	l.add(k, v)
	return v
}

// empty reports whether there is nothing in it.
func (l *lru[K, V]) empty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.items) == 0
}

// put sets the value of a key.
func (l *lru[K, V]) put(k K, v V) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.items[k]; ok {
		e.Value = lruItem[K, V]{k, v}
		l.order.MoveToFront(e)
		return
	}
	l.add(k, v)
}

// add puts in a key that is not there. mu is held.
func (l *lru[K, V]) add(k K, v V) {
	l.items[k] = l.order.PushFront(lruItem[K, V]{k, v})
	if l.order.Len() > l.max {
		oldest := l.order.Remove(l.order.Back()).(lruItem[K, V])
		delete(l.items, oldest.key)
	}
}

// all returns the values, newest first.
func (l *lru[K, V]) all() []V {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]V, 0, l.order.Len())
	for e := l.order.Front(); e != nil; e = e.Next() {
		out = append(out, e.Value.(lruItem[K, V]).value)
	}
	return out
}
