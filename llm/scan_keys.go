package llm

import (
	"bytes"
	"hash/maphash"
)

// few is how many keys are kept inline. Request bodies have 5 to 25 members at their top level.
const few = 32

// keys remembers the keys of one object by their offsets. Up to few of them are compared one by one, with a print
// that tells nearly all apart without looking at the text. An object with more moves to a hash table with a random
// seed: a body of a million keys, all of them chosen to collide, costs linear time and 16 bytes and change each.
type keys struct {
	n      int
	prints [few]uint32
	starts [few]int
	many   map[uint64]int // hash of the unescaped key to its offset
	seed   maphash.Seed
}

// repeated notes the key of m and tells whether it was there already.
func (k *keys) repeated(t *text, m Member) bool {
	if k.n == few {
		return k.repeatedMany(t, m)
	}
	p := fingerprint(m.Key)
	for i, q := range k.prints[:k.n] {
		if p == q && bytes.Equal(m.Key, t.keyAt(k.starts[i])) {
			return true
		}
	}
	k.prints[k.n], k.starts[k.n] = p, m.KeyStart
	k.n++
	return false
}

func (k *keys) repeatedMany(t *text, m Member) bool {
	if k.many == nil {
		k.many, k.seed = make(map[uint64]int, 4*few), maphash.MakeSeed()
		for _, start := range k.starts {
			k.insert(t, t.keyAt(start), start)
		}
	}
	return k.insert(t, m.Key, m.KeyStart)
}

// insert adds a key to the table unless it is there. Two different keys of one hash take neighbouring places.
func (k *keys) insert(t *text, key []byte, start int) (there bool) {
	for h := maphash.Bytes(k.seed, key); ; h++ {
		other, taken := k.many[h]
		if !taken {
			k.many[h] = start
			return false
		}
		if bytes.Equal(key, t.keyAt(other)) {
			return true
		}
	}
}

// keyAt returns the unescaped key that begins at start and was validated before.
func (t *text) keyAt(start int) []byte { return t.unquoted(start, t.str(start)) }

// fingerprint is equal for equal keys and mostly different for others.
func fingerprint(key []byte) uint32 {
	n := len(key)
	if n == 0 {
		return 0
	}
	return uint32(n)<<24 ^ uint32(key[0])<<16 ^ uint32(key[n/2])<<8 ^ uint32(key[n-1])
}
