package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// off is how the switchable types say that something is switched off.
const off = "off"

// Duration is a time span as Go writes it: "500ms", "2m30s". 0 means the default,
// "off" is negative.
type Duration time.Duration

// UnmarshalText reads a duration.
func (d *Duration) UnmarshalText(text []byte) error {
	if string(text) == off {
		*d = -1
		return nil
	}
	parsed, err := time.ParseDuration(string(text))
	if err != nil || parsed < 0 {
		return errors.New("want a duration such as 500ms, 30s or 2m, or off")
	}
	*d = Duration(parsed)
	return nil
}

// String writes a duration as a person would: "2m", not "2m0s".
func (d Duration) String() string {
	if d < 0 {
		return off
	}
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Size is a number of bytes: 1048576, "32MB", "256MiB". 0 means the default,
// "off" is negative.
type Size int64

// sizeUnits are tried in this order, so that "B" does not hide the others.
var sizeUnits = []struct {
	suffix string
	bytes  float64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}, {"", 1}}

// UnmarshalText reads a size.
func (s *Size) UnmarshalText(text []byte) error {
	if string(text) == off {
		*s = -1
		return nil
	}
	for _, unit := range sizeUnits {
		number, ok := strings.CutSuffix(string(text), unit.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err == nil && n >= 0 && n*unit.bytes < math.MaxInt64 && !strings.ContainsAny(number, "xXpPeE_") {
			*s = Size(n * unit.bytes)
			return nil
		}
	}
	return errors.New("want a size such as 256MiB, 32MB or a number of bytes, or off")
}

// String writes a size in the largest binary unit that divides it.
func (s Size) String() string {
	if s < 0 {
		return off
	}
	for _, unit := range []struct {
		suffix string
		bytes  Size
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if s > 0 && s%unit.bytes == 0 {
			return fmt.Sprintf("%d%s", s/unit.bytes, unit.suffix)
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// Count is a whole number that can be switched off. 0 means the default, "off"
// is negative.
type Count int

// UnmarshalText reads a count.
func (c *Count) UnmarshalText(text []byte) error {
	if string(text) == off {
		*c = -1
		return nil
	}
	n, err := strconv.ParseUint(string(text), 10, 31)
	if err != nil {
		return errors.New("want a whole number, or off")
	}
	*c = Count(n)
	return nil
}

// String writes a count.
func (c Count) String() string {
	if c < 0 {
		return off
	}
	return strconv.Itoa(int(c))
}

// Ratio is a share from 0 to 1 that can be switched off. 0 means the default,
// "off" is negative.
type Ratio float64

// UnmarshalText reads a ratio.
func (r *Ratio) UnmarshalText(text []byte) error {
	if string(text) == off {
		*r = -1
		return nil
	}
	n, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(n >= 0 && n <= 1) {
		return errors.New("want a share from 0 to 1 such as 0.5, or off")
	}
	*r = Ratio(n)
	return nil
}

// String writes a ratio.
func (r Ratio) String() string {
	if r < 0 {
		return off
	}
	return strconv.FormatFloat(float64(r), 'g', -1, 64)
}

// Secret is a text that is never shown: it formats as "(set)".
type Secret string

// UnmarshalText reads a secret. It travels in a header, so that line breaks are
// refused.
func (s *Secret) UnmarshalText(text []byte) error {
	switch {
	case len(text) == 0:
		return errors.New("is set, but empty")
	case strings.TrimSpace(string(text)) != string(text) || strings.ContainsFunc(string(text), unicode.IsControl):
		return errors.New("holds a line break or a space at its end")
	}
	*s = Secret(text)
	return nil
}

// String says whether there is a secret, and nothing else.
func (s Secret) String() string {
	if s == "" {
		return "(not set)"
	}
	return "(set)"
}

// GoString is String, so that no verb of fmt shows a secret.
func (s Secret) GoString() string { return s.String() }

// MarshalText is String, so that no encoder shows a secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }
