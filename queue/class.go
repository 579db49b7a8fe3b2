package queue

import "fmt"

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
