module fairlead.dev/bench

go 1.26.0

require (
	github.com/failsafe-go/failsafe-go v0.9.8
	golang.org/x/time v0.16.0
)

require (
	github.com/bits-and-blooms/bitset v1.24.4 // indirect
	github.com/influxdata/tdigest v0.0.1 // indirect
)

require (
	fairlead.dev v0.0.0
	golang.org/x/sync v0.23.0
)

replace fairlead.dev => ../
