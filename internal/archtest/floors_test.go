package archtest

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// aside is the floor of packages that stand beside the house: nothing imports
// them without being named in its part's also.
const aside = -1

// A part is one line of the house: a package, or several by a pattern.
type part struct {
	dir   string   // as in path.Match, from the root of the module; "." is the face
	floor int      //
	also  []string // parts it may import beyond what its floor gives it
	tests []string // parts its tests may import beyond that, as in path.Match
	libs  []string // modules of others it may import; "*" is any
	why   string   // why the part stands where it does
}

// house is the table of docs/architecture.md. Whoever adds a package adds a line.
var house = []part{
	{dir: "event", floor: 0, why: "the words for what happened; everyone above speaks them"},
	{dir: "retry", floor: 0, why: "one pattern, usable alone"},
	{dir: "breaker", floor: 0, why: "one pattern, usable alone"},
	{dir: "queue", floor: 0, why: "one pattern, usable alone"},
	{dir: "limit", floor: 0, why: "one pattern, usable alone"},
	{dir: "quality", floor: 0, why: "one pattern, usable alone"},
	{dir: "sse", floor: 0, why: "framing, nothing else"},

	{dir: "llm", floor: 1, why: "the nouns that providers and the face share"},
	{dir: "fallback", floor: 1, why: "the plan needs verdicts, and no provider"},
	{dir: "provider/providertest", floor: 1, tests: []string{"provider/*"},
		why: "the conformance suite; its tests run it over every provider"},
	{dir: "provider/*", floor: 1, why: "each knows its dialect and no other"},
	{dir: "health", floor: 1, why: "reads events, and no other part"},

	{dir: ".", floor: 2, why: "the face: whoever imports it compiles the standard library and us, nothing else"},

	{dir: "gateway", floor: 3, why: "the HTTP face over the Go face"},
	{dir: "batch", floor: 3, why: "durable work, paid for by those who use it"},
	{dir: "fleet", floor: 3, why: "shared state, paid for by those who use it"},
	{dir: "telemetry", floor: 3, libs: []string{"github.com/prometheus/client_golang"},
		why: "metrics and traces from events"},
	{dir: "dash", floor: 3, why: "the page, from events and conditions"},
	{dir: "structured", floor: 3, why: "JSON Schema, which quality asks for through its own interface"},

	{dir: "config", floor: 4, libs: []string{"github.com/goccy/go-yaml", "github.com/invopop/jsonschema"},
		why: "one file into the structs below, strictly"},
	{dir: "rehearse", floor: 4, also: []string{"fakellm", "internal/memnet"},
		why: "runs the real loop against fake providers in virtual time"},

	{dir: "cmd/fairlead", floor: 5, also: []string{"fakellm"}, libs: []string{"*"},
		why: "the only place for flags, environment and wiring"},

	{dir: "fakellm", floor: aside, why: "an oracle must not share our code or our bugs"},
	{dir: "internal/memnet", floor: aside, why: "for tests and rehearse"},
	{dir: "internal/traces", floor: aside, why: "for tests and rehearse"},
	{dir: "internal/archtest", floor: aside, why: "tests only; it reads the house and imports nothing of it"},
}

// Beyond what its package may import, a test may import these.
var (
	testParts = []string{"fakellm", "internal/memnet", "internal/traces", "provider/providertest"}
	testLibs  = []string{"pgregory.net/rapid", "go.uber.org/goleak", "github.com/go-json-experiment/json"}
)

// floors finds packages that are not in the table and imports that go up,
// sideways or out of the house.
func floors(t *tree, table []part) []fault {
	var faults []fault
	for _, files := range t.dirs() {
		from := find(table, files[0].dir)
		if from == nil {
			faults = append(faults, t.fault(files[0].syntax.Package, "floors",
				"add it to the table in internal/archtest/floors_test.go, with its floor and the reason",
				"package %s stands on no floor", files[0].dir))
			continue
		}
		for _, f := range files {
			faults = append(faults, badImports(t, table, from, f)...)
		}
	}
	return faults
}

func badImports(t *tree, table []part, from *part, f *file) []fault {
	var faults []fault
	for _, spec := range f.syntax.Imports {
		to, _ := strconv.Unquote(spec.Path.Value)
		if remedy := refuse(t.module, table, from, f, to); remedy != "" {
			faults = append(faults, t.fault(spec.Pos(), "floors", remedy, "%s imports %s", f.dir, to))
		}
	}
	return faults
}

// refuse says what to do instead of the import, or "" where it is allowed.
func refuse(module string, table []part, from *part, f *file, importPath string) string {
	dir, ours := inModule(module, importPath)
	switch {
	case !ours && isStd(importPath):
		return ""
	case !ours && (covers(from.libs, importPath) || f.test && covers(testLibs, importPath)):
		return ""
	case !ours:
		return "use the standard library, or name the module in the part's libs in floors_test.go with a decision record"
	case dir == f.dir, f.test && (covers(testParts, dir) || matches(from.tests, dir)):
		return ""
	}
	to := find(table, dir)
	switch {
	case to == nil:
		return "add " + dir + " to the table in internal/archtest/floors_test.go"
	case mayImport(from, to, dir):
		return ""
	case to.floor == aside:
		return "only tests, and the parts that name it in floors_test.go, may import " + dir
	}
	return "a part imports from floors below only (see floors_test.go): return a value, " +
		"or declare an interface here and let the upper floor fulfil it"
}

// mayImport is the table of floors.
func mayImport(from, to *part, dir string) bool {
	if covers(from.also, dir) {
		return true
	}
	if to.floor == aside || from.floor == aside {
		return false
	}
	switch from.floor {
	case 0:
		return dir == "event" && from.dir != "event"
	case 1:
		return to.floor == 0 || dir == "llm"
	}
	return to.floor < from.floor
}

// find returns the part that dir belongs to, or nil.
func find(table []part, dir string) *part {
	for i := range table {
		if ok, _ := path.Match(table[i].dir, dir); ok {
			return &table[i]
		}
	}
	return nil
}

func matches(patterns []string, dir string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, _ := path.Match(p, dir)
		return ok
	})
}

// inModule returns the directory of a package of the module.
func inModule(module, importPath string) (dir string, ours bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

// isStd reports whether a path is of the standard library: its first element is
// not a host name.
func isStd(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".") && importPath != "C"
}

// covers reports whether one of the names is the path or holds it.
func covers(names []string, p string) bool {
	for _, n := range names {
		if n == "*" || n == p || strings.HasPrefix(p, n+"/") {
			return true
		}
	}
	return false
}
