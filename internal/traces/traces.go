// Package traces holds real arrivals for tests: when requests came to public services, and how long they
// and their answers were. Where they come from, and their licences: testdata/README.md.
package traces

import (
	"embed"
	"encoding/csv"
	"fmt"
	"strconv"
	"time"
)

//go:embed testdata/*.csv
var files embed.FS

// Arrival is one request.
type Arrival struct {
	At            time.Duration // since the first
	Input, Output int           // tokens
}

// Names are the traces, from the burstiest.
var Names = []string{"azure_code", "azure_conv", "mooncake"}

// Read returns the arrivals of a trace, in order. It panics when there is none of that name.
func Read(name string) []Arrival {
	f, err := files.Open("testdata/" + name + ".csv")
	if err != nil {
		panic("traces: " + err.Error())
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		panic("traces: " + err.Error())
	}
	list := make([]Arrival, 0, len(rows)-1)
	for i, row := range rows[1:] {
		at, err1 := strconv.ParseFloat(row[0], 64)
		in, err2 := strconv.Atoi(row[1])
		out, err3 := strconv.Atoi(row[2])
		if err1 != nil || err2 != nil || err3 != nil {
			panic(fmt.Sprintf("traces: %s: row %d: %q", name, i+2, row))
		}
		list = append(list, Arrival{time.Duration(at * float64(time.Second)), in, out})
	}
	return list
}
