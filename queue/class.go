package queue

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Class is a priority class: a higher one is a larger number, and the zero value is Normal.
type Class int8

// The classes, from first to last.
const (
	Critical Class = 2 - iota // somebody is waiting and it matters
	High
	Normal // the default
	Low
	Batch // nobody is waiting
)

const classes = 5

var classNames = [classes]string{"critical", "high", "normal", "low", "batch"} // by rank

// rank is 0 for Critical to 4 for Batch; numbers beyond them count as the nearest.
func (c Class) rank() int { return int(Critical - min(max(c, Batch), Critical)) }

// String returns the class's name.
func (c Class) String() string {
	if c < Batch || c > Critical {
		return fmt.Sprintf("Class(%d)", int8(c))
	}
	return classNames[c.rank()]
}

// MarshalText writes the class's name.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads a class as ParseClass does.
func (c *Class) UnmarshalText(text []byte) error {
	parsed, err := ParseClass(string(text))
	if err == nil {
		*c = parsed
	}
	return err
}

// ParseClass reads a class's name; "" is Normal. Any other text is an error.
func ParseClass(name string) (Class, error) {
	if name == "" {
		return Normal, nil
	}
	for rank, n := range classNames {
		if n == name {
			return Critical - Class(rank), nil
		}
	}
	return Normal, fmt.Errorf("queue: unknown class %q: want critical, high, normal, low or batch", name)
}

// ByClass is a number for each class.
type ByClass [classes]int

// Of returns the number of a class.
func (b ByClass) Of(c Class) int { return b[c.rank()] }

// MarshalJSON writes the numbers by the names of their classes.
func (b ByClass) MarshalJSON() ([]byte, error) {
	text := []byte{'{'}
	for rank, name := range classNames {
		text = strconv.AppendInt(append(strconv.AppendQuote(text, name), ':'), int64(b[rank]), 10)
		text = append(text, ',')
	}
	text[len(text)-1] = '}'
	return text, nil
}

// UnmarshalJSON reads what MarshalJSON writes; names that are not there have 0.
func (b *ByClass) UnmarshalJSON(text []byte) error {
	var byName map[string]int
	if err := json.Unmarshal(text, &byName); err != nil {
		return err
	}
	for rank, name := range classNames {
		b[rank] = byName[name]
	}
	return nil
}
