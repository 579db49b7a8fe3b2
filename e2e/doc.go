// Package e2e holds the tests with real clients: the official SDKs of Go and
// TypeScript, curl, and requests as Claude Code sends them. It is a module of
// its own, so that the SDKs are nobody's dependency.
//
// Each test starts two fake providers (package fakellm) on loopback ports and
// puts Fairlead between them and a client: in one line around the SDK
// ([fairlead.dev.Wrap]), or as the program that users run, fairlead serve with
// a fairlead.yaml, which TestMain builds once. What happened is read where it
// cannot be prettied up: from the client's own view, and from the logs of the
// fakes.
//
//	client ── counter ──┬── Wrap ─────────────────────── main
//	                    └── fairlead serve ──┬────────── main
//	                                         └────────── spare
//
// Run them as go test -count=1 ./...: go test does not know that the program
// is built of files outside this module, and would show an old result for a new
// program.
//
// Nothing here needs a network, a key or a configured machine. Node and curl
// are used where they are; without them their tests are skipped and say so.
package e2e
