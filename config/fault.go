package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fault is one thing that is wrong with a file.
type Fault struct {
	File         string
	Line, Column int    // from 1; columns count characters
	Path         string // such as models.fast.chain[1]; empty when it is about the text itself
	Message      string
	Remedy       string // what to do about it; may be empty
	Source       string // the line, without secrets

	width   int
	unknown bool // an unknown key
}

// String is the fault as a person reads it: place, message, the line with a
// caret, the remedy.
func (f Fault) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: %s\n", f.File, f.Line, f.Column, f.Message)
	source, before := window([]rune(f.Source), f.Column-1)
	number := fmt.Sprintf("%6d", f.Line)
	gutter := strings.Repeat(" ", len(number))
	fmt.Fprintf(&b, "%s | %s\n", number, string(source))
	indent := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, string(source[:before]))
	fmt.Fprintf(&b, "%s | %s%s\n", gutter, indent, strings.Repeat("^", max(1, min(f.width, len(source)-before))))
	if f.Remedy != "" {
		fmt.Fprintf(&b, "%s = %s\n", gutter, f.Remedy)
	}
	return b.String()
}

// window cuts a long line to what surrounds the caret.
func window(line []rune, at int) (part []rune, before int) {
	const left, width = 60, 120
	at = max(0, min(at, len(line)))
	from := 0
	if len(line) > width {
		from = max(0, min(at-left, len(line)-width))
	}
	return line[from:min(len(line), from+width)], at - from
}

// Faults is everything that is wrong with a file, in the order of its lines.
type Faults struct{ List []Fault }

// Error lists all faults.
func (e *Faults) Error() string {
	var b strings.Builder
	for _, f := range e.List {
		b.WriteString(f.String())
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// add notes a fault.
func (f *File) add(at place, fault Fault) {
	fault.File, fault.Line, fault.Column, fault.width = f.name, at.line, at.column, at.width
	f.faults = append(f.faults, fault)
}

// report puts the faults in order. Only now is known what must not be shown.
func (f *File) report() *Faults {
	list := slices.Clone(f.faults)
	slices.SortStableFunc(list, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	for i := range list {
		one := &list[i]
		one.Message, one.Remedy, one.Path = f.scrub(one.Message), f.scrub(one.Remedy), f.scrub(one.Path)
		if one.Line <= len(f.lines) {
			one.Source = f.scrubLine(one.Line)
		}
	}
	return &Faults{list}
}

var (
	keyLike   = regexp.MustCompile(`\bsk-[A-Za-z0-9_-]{4,}`)
	userInfo  = regexp.MustCompile(`//[^/@\s]+@`)
	tokenLike = regexp.MustCompile(`[A-Za-z0-9_+/=.-]{16,}`)
)

// longSecret is the length from which a secret is hidden wherever it turns up.
const longSecret = 12

// scrub takes out of a message what references brought in and what looks like a
// key, and makes it one printable line.
func (f *File) scrub(text string) string {
	for _, h := range f.hidden {
		text = strings.ReplaceAll(text, h.text, h.reference)
	}
	for _, m := range f.masked {
		if len(m.text) >= longSecret {
			text = strings.ReplaceAll(text, m.text, stars(m.text))
		}
	}
	return Redact(text)
}

// Redact replaces what looks like the key of a provider, or the user and password in
// a URL, by stars, and characters
// that a terminal would act on by spaces.
func Redact(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' || r == utf8.RuneError || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return ' '
		}
		return r
	}, text)
	text = keyLike.ReplaceAllStringFunc(text, stars)
	return userInfo.ReplaceAllStringFunc(text, func(s string) string { return "//" + stars(s[3:]) + "@" })
}

// scrubLine hides secrets in a line of the file; every character keeps its column.
func (f *File) scrubLine(n int) string {
	line := f.lines[n-1]
	for _, m := range f.masked {
		if n >= m.from && n <= m.to || len(m.text) >= longSecret {
			line = strings.ReplaceAll(line, m.text, stars(m.text))
		}
	}
	if f.broken {
		line = tokenLike.ReplaceAllStringFunc(line, func(s string) string {
			if strings.ContainsAny(s, "0123456789") {
				return stars(s)
			}
			return s
		})
	}
	return Redact(line)
}

func stars(s string) string { return strings.Repeat("*", utf8.RuneCountInString(s)) }

// Nearest returns the known word that a misspelled one may have meant, or "".
func Nearest(word string, known []string) string {
	best, least := "", 1+max(1, len(word)/3)
	for _, k := range known {
		if d := distance(strings.ToLower(word), k); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is how many letters must be changed, added, removed or swapped with
// their neighbour to make b of a (optimal string alignment).
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	var rows [65][65]int
	for i := range len(a) + 1 {
		rows[i][0] = i
	}
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			rows[i][j] = min(change, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
