package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// Origin says where a value came from. The zero value is a default.
type Origin struct {
	File         string
	Line, Column int
	From         []string // the references that it was made of: "${VAR}", "${file:/path}", "the default in ${VAR:-...}"
}

// String is the origin in words: "default", "fairlead.yaml:12" or
// "${VAR} at fairlead.yaml:12".
func (o Origin) String() string {
	switch {
	case o.Line == 0 && len(o.From) > 0:
		return strings.Join(o.From, " and ")
	case o.Line == 0:
		return "default"
	}
	where := fmt.Sprintf("%s:%d", o.File, o.Line)
	if len(o.From) > 0 {
		return strings.Join(o.From, " and ") + " at " + where
	}
	return where
}

// expansion is a scalar with its references replaced.
type expansion struct {
	text string
	from []string
	bare bool // nothing but references to variables and files: its source may be shown
}

var reference = regexp.MustCompile(`^\$\{(?:file:([^}]*)|([A-Za-z_][A-Za-z0-9_]*)(:-[^}]*)?)\}`)

// expand replaces the references in text. The error never holds a value.
func (d *decoder) expand(text string) (expansion, error) {
	var b strings.Builder
	out := expansion{bare: true}
	for text != "" {
		i := strings.IndexByte(text, '$')
		if i != 0 {
			literal := text
			if i > 0 {
				literal = text[:i]
			}
			b.WriteString(literal)
			text = text[len(literal):]
			out.bare = false
			continue
		}
		switch {
		case strings.HasPrefix(text, "$${"):
			b.WriteString("${")
			text, out.bare = text[3:], false
		case strings.HasPrefix(text, "${"):
			m := reference.FindStringSubmatch(text)
			if m == nil {
				return out, fmt.Errorf("a reference is written ${VAR}, ${VAR:-default} or ${file:/path}\na plain ${ is written $${")
			}
			value, from, err := d.resolve(m)
			if err != nil {
				return out, err
			}
			b.WriteString(value)
			out.from = append(out.from, from)
			out.bare = out.bare && m[3] == ""
			text = text[len(m[0]):]
		default:
			b.WriteByte('$')
			text, out.bare = text[1:], false
		}
	}
	out.text = b.String()
	return out, nil
}

// resolve looks one reference up.
func (d *decoder) resolve(m []string) (value, from string, err error) {
	path, name, fallback := m[1], m[2], m[3]
	if name == "" {
		return d.fromFile(path)
	}
	set := false
	if d.env != nil {
		value, set = d.env(name)
	}
	if fallback != "" && value == "" {
		return fallback[2:], "the default in ${" + name + ":-...}", nil
	}
	if !set {
		return "", "", fmt.Errorf("the environment variable %s is not set\nset it, or give a default: ${%s:-...}", name, name)
	}
	from = "${" + name + "}"
	d.hide(value, from)
	return value, from, nil
}

// fromFile reads a value from a file, without the line break at its end.
func (d *decoder) fromFile(path string) (value, from string, err error) {
	if !filepath.IsAbs(path) {
		return "", "", fmt.Errorf("${file:...} needs an absolute path")
	}
	if d.readFile == nil {
		return "", "", fmt.Errorf("files cannot be referred to here")
	}
	data, err := d.readFile(path)
	if err != nil {
		return "", "", fmt.Errorf("cannot read the file: %v", err)
	}
	value, from = strings.TrimRight(string(data), "\r\n"), "${file:"+path+"}"
	d.hide(value, from)
	return value, from, nil
}

// hide keeps what a reference brought in out of messages. Very short values are
// no secrets, and replacing them would garble every message.
func (d *decoder) hide(value, from string) {
	if len(value) >= 8 {
		d.file.hidden = append(d.file.hidden, hidden{value, from})
	}
}
