// Package llm holds the provider-neutral nouns: a request as a client sent it,
// the outcome of asking a provider, and the two interfaces that a provider
// package fulfils.
//
// A [Dialect] is a wire format as the client speaks it: it reads the envelope
// of a request and writes errors of ours in words that the client's SDK
// understands. A [Provider] is the other side: what goes upstream, and what
// came back. Neither does I/O, keeps state or reads a clock; the loop in
// package fairlead does all three.
//
// Bodies are never decoded as a whole. The [Scanner] finds the envelope in one
// strict pass and keeps byte offsets; everything that is changed is a named
// [Edit], so that all other bytes go upstream as they came.
package llm

import (
	"fmt"
	"hash/crc32"
	"net/http"
	"time"

	"fairlead.dev/event"
	"fairlead.dev/limit"
)

// Op is what a request asks of an API.
type Op uint8

// The operations.
const (
	Generate    Op = iota // an answer of a model
	CountTokens           // how long a prompt is; asks a model by name, generates nothing
	Models                // the list of models, or one of them
	Other                 // anything else under the API's prefix; passed on as it is
)

// String returns the operation's name, for metrics.
func (o Op) String() string { return [...]string{"generate", "count_tokens", "models", "other"}[o&3] }

// Request is a client's request with its envelope found. Body and Header
// belong to the request and are never changed by a provider.
type Request struct {
	Op      Op
	Dialect string // "anthropic", "openai"
	Method  string
	Path    string // as the dialect knows it: "/v1/messages"
	Query   string // raw, without '?'
	Header  http.Header
	Body    []byte

	Model     string // as the client named it; empty for Models and some Other
	Stream    bool
	MaxTokens int  // what the client allows the answer to have; 0: not said
	Thinking  bool // asks for thinking, effort or reasoning: may be silent for minutes
	Tools     bool // offers tools
	Choices   int  // OpenAI's n; 1 when not said
	Bound     bool // goes on from what one provider remembers: nobody else can answer it

	MaxEvent int // longest event of a streamed answer in bytes, set by whoever asks for one; 0: 8 MiB

	ModelAt     Span // the value of the model member in Body, quotes included
	MaxTokensAt Span // the value that MaxTokens was read from; empty: none
	MessagesAt  Span // the value of messages
}

// Span is a part of a body: Body[Start:End].
type Span struct{ Start, End int }

// Empty reports whether the span covers nothing.
func (s Span) Empty() bool { return s.End <= s.Start }

// InputTokens estimates the length of the prompt: four bytes a token, the
// usual ratio for English and code (measured 4.28 on a real agent's body).
func (r *Request) InputTokens() int { return len(r.Body) / 4 }

// Conversation is a hash that stays the same over the turns of a conversation:
// of the session id if the client sends one, else of how its first turn begins.
// Calls of one conversation go to one target while it recovers, because prompt
// caches live there.
func (r *Request) Conversation() uint32 {
	if id := r.Session(); id != "" {
		return crc32.ChecksumIEEE([]byte(id))
	}
	const enough = 2048
	turn := r.firstTurn()
	return crc32.ChecksumIEEE(turn[:min(len(turn), enough)])
}

// Session is the id of the session that the client sends, or "".
func (r *Request) Session() string {
	for _, name := range sessionHeaders {
		if id := r.Header.Get(name); id != "" {
			return id
		}
	}
	return ""
}

// firstTurn is the first message that is no instruction: later turns repeat
// it, while all conversations of a program may have its instructions in common.
func (r *Request) firstTurn() []byte {
	if r.MessagesAt.Empty() {
		return r.Body
	}
	messages := r.Body[r.MessagesAt.Start:r.MessagesAt.End]
	s := ScanArray(messages)
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		turn := messages[m.Start:m.End]
		if role, _ := member(turn, "role"); string(role) != `"system"` && string(role) != `"developer"` {
			return turn
		}
	}
	return messages
}

// sessionHeaders name a client's conversation: Claude Code and Codex send them.
var sessionHeaders = [...]string{"X-Claude-Code-Session-Id", "Session-Id"}

// Outcome is what became of one attempt.
type Outcome struct {
	Verdict event.Verdict
	Status  int           // HTTP status; 0 when there was no answer
	Type    string        // the provider's error type, such as "overloaded_error"
	Code    string        // the provider's error code, such as "enforced_spend_limit_reached"
	Hint    time.Duration // the provider's word when to come back; 0: none
	Header  http.Header   // of the provider's answer
	Body    []byte        // the provider's error body, only when it is in the shape of its dialect; goes to the client unmodified
	Err     error         // what failed below HTTP, or inside a stream
	KeyWide bool          // an unauthorized or exhausted credential is so for every model, not just this one
	Safe    bool          // the provider certainly did not process the request
	Usage   event.Usage   // of a good plain answer
	NoRetry bool          // the provider said x-should-retry: false: do not ask this target again
	Reused  bool          // a connection from the pool ended before any byte of an answer
}

// Good reports whether the attempt brought a complete answer. A refusal is an
// answer too.
func (o *Outcome) Good() bool {
	return o.Verdict == event.OK || o.Verdict == event.Refused && o.Status/100 == 2
}

// Kind is what one event of a stream is to the loop.
type Kind uint8

// The kinds of stream event.
const (
	Lifecycle Kind = iota // anything that is none of the others: starts, stops, unknown types
	Ping                  // keeps the connection, says nothing
	Content               // text or tool input
	Thought               // thinking: content too, but no other answer has to think the same
	End                   // the end marker
	Fail                  // an error, or an event that could have been content and cannot be read
)

// IsContent reports whether an event of this kind brings a part of the answer.
func (k Kind) IsContent() bool { return k == Content || k == Thought }

// Decoder reads the events of one stream.
type Decoder interface {
	// Next looks at the first whole event of b: n is its length in bytes, 0
	// when b holds no whole event yet. text is the answer's text that it
	// carries, decoded; it is valid until the next call.
	Next(b []byte) (n int, k Kind, text []byte)
	// Outcome is the verdict after End or Fail.
	Outcome() Outcome
	// EOF is the verdict when the stream ended in order without End. rest is
	// what was not yet a whole event.
	EOF(rest []byte) Outcome
	// Usage is what the stream has told of its cost so far.
	Usage() event.Usage
	// StopReason is why the model stopped, in the dialect's words, once told.
	StopReason() string
	// Ending is the end marker that the stream of a complete answer lacked,
	// after EOF: the client's SDK waits for it. Empty: nothing is missing.
	Ending() []byte
	// Seam is where another answer may go on, after a failure. It is nil when
	// none can: what has come is more than the beginning of one text and the
	// thinking before it.
	Seam() Seam
}

// Seam joins the events of another answer to those of one that was cut, so that
// the client sees one message: with one beginning, one identity and one end.
type Seam interface {
	// Begin notes that the events of another answer follow. tokens is what of
	// the cut answer its usage leaves out.
	Begin(tokens int)
	// Pass appends to dst what the client gets of a whole event, which a
	// decoder has read as of kind k: nothing of what begins a message again, and
	// none of the thinking before its text.
	Pass(dst, event []byte, k Kind) []byte
	// Text appends an event that brings text.
	Text(dst, text []byte) []byte
}

// Assembler makes a plain answer of the events of a stream.
type Assembler interface {
	// Add takes the next whole event.
	Add(event []byte)
	// Answer returns the plain answer, after the end. The error says what of
	// the stream has no place in it.
	Answer() ([]byte, error)
}

// Dialect is a wire format as clients speak it.
type Dialect interface {
	// Name is the dialect's name in configuration: "anthropic", "openai".
	Name() string
	// Parse finds the envelope of a request. path is without any prefix of
	// ours. The error is a *[BadRequest].
	Parse(method, path, query string, h http.Header, body []byte) (*Request, error)
	// Failure is an error body of ours.
	Failure(f Failure) []byte
	// Ping is an event that keeps a waiting client from giving up, and says
	// nothing.
	Ping() []byte
	// FailureEvent is an error of ours or the provider's inside a stream,
	// framed as an event.
	FailureEvent(f Failure) []byte
	// ModelList is the answer to a request for all models, and ModelInfo to
	// one for a single model.
	ModelList(ids []string) []byte
	ModelInfo(id string) []byte
}

// Failure is an error of ours, told to a client in its dialect.
type Failure struct {
	Status  int
	Verdict event.Verdict // chooses the dialect's error type where the status does not
	Message string
	Body    []byte // the provider's own error body, for FailureEvent: sent as it is
	Call    string // our id of the call
	Path    string // of the request, where one dialect has several forms of events
}

// BadRequest is a request that cannot be read. It is the caller's mistake and
// never reaches a provider.
type BadRequest struct {
	Status  int // 400, 404, 413, 415 ...
	Message string
}

// Error returns the message.
func (e *BadRequest) Error() string { return "llm: " + e.Message }

// Badf makes a BadRequest.
func Badf(status int, format string, args ...any) *BadRequest {
	return &BadRequest{Status: status, Message: fmt.Sprintf(format, args...)}
}

// Credential is what proves us, or the client, to a provider.
type Credential struct {
	Secret string // empty: send none
	Header string // "x-api-key", "authorization" (as a Bearer), or another name; empty: the provider's usual form
	Client bool   // passthrough: send the client's own headers, both forms, as they came
}

// Model is a target's model as a provider is asked for it.
type Model struct {
	Name    string  // as the provider knows it
	Primary string  // the name of the chain's first model; equal to Name on the primary
	Hop     bool    // another target was to be asked first: adapt the request
	Adapt   []Adapt // what is known of models: the user's rows, then the provider's own

	Stream bool   // ask for a stream although the client did not: a plain answer is assembled of it
	Resume Resume // the client has the beginning of an answer: how to ask for the rest
	Sent   []byte // that beginning: the text, decoded

	// Room lends memory of a length for a body that is changed; nil: make it.
	Room func(n int) []byte
}

// Resume is how a model is asked for the rest of an answer.
type Resume uint8

// The ways to ask.
const (
	Afresh  Resume = iota // as at first: an answer that begins like the cut one, byte for byte, goes on behind it
	Prefill               // the cut answer is the beginning of the model's own turn
	NewTurn               // the cut answer is a turn, and the user asks for the rest in another
)

// Body is a request body made ready for one target.
type Body struct {
	Bytes []byte   // one contiguous slice; the request's own when nothing changed
	Betas []string // values to take out of the beta header
	Edits []string // names of what was changed, for the report
}

// Provider is an API to which requests can be sent.
type Provider interface {
	Dialect
	// Header fills dst with the headers that go upstream: those of the client
	// that the provider should see, without any credential but cred.
	Header(dst http.Header, r *Request, b *Body, cred Credential)
	// Body makes the request's body ready for one target. The error says why
	// the target cannot take the request; it wraps [ErrCannot].
	Body(r *Request, m Model) (Body, error)
	// Outcome judges a whole answer, good or bad. body may be cut off when it
	// is an error of extreme length. now is for hints that name an instant.
	Outcome(r *Request, status int, h http.Header, body []byte, now time.Time) Outcome
	// Decoder reads a stream that answers r. h is the header of the answer.
	Decoder(r *Request, status int, h http.Header) Decoder
	// Prefills reports whether the model goes on from the beginning of an answer
	// to r, when it is asked with [Prefill].
	Prefills(r *Request, m Model) bool
	// Assembles reports whether a plain answer to r can be assembled of a
	// stream, the same field for field.
	Assembles(r *Request) bool
	// Assembler makes the plain answer to r.
	Assembler(r *Request) Assembler
	// Limits reads what an answer's headers tell of the rate limits.
	Limits(h http.Header, now time.Time) limit.Report
	// Charged is what of an attempt's input counts for the rate limit.
	Charged(u event.Usage) int
	// Family names the models that share a rate limit with model.
	Family(model string) string
	// Adapts is what the provider's package knows of models by itself.
	Adapts() []Adapt
	// Encode makes a request of a prompt.
	Encode(p Prompt) (*Request, error)
	// Decode reads a whole good answer.
	Decode(body []byte) (Response, error)
}

// ErrCannot is why a target that cannot take a request is passed over.
var ErrCannot = fmt.Errorf("llm: the target cannot take this request")

// Adapt is what is known of the models whose names match Model, as far as a
// request may have to be changed before they take it. Zero means unknown, and
// unknown means allowed.
type Adapt struct {
	Model     string   // name, or a pattern with '*'
	Window    int      // context window in tokens
	MaxOutput int      // max_tokens is clamped to it
	NoTools   bool     // cannot use tools: a request with tools passes it over
	NoImages  bool     // cannot see images: a request with images passes it over
	Prefill   string   // "allowed" or "refused": whether it goes on from the beginning of an answer
	Drop      []string // fields that it refuses and that may be left out: "temperature", "output_config.effort", "thinking?type=adaptive"
	DropBetas []string // values of the beta header (patterns) that go with them
	Refuse    []string // fields that it refuses and that may not be left out, named alike
}

// Prompt is a request in neutral words, for callers without an SDK.
type Prompt struct {
	Model     string
	System    string
	Messages  []Message
	MaxTokens int
	Stream    bool
}

// Message is one turn of a conversation.
type Message struct {
	Role string // "user" or "assistant"
	Text string
}

// Response is a whole answer in neutral words.
type Response struct {
	Model      string // as the provider names it
	Text       string
	StopReason string // in the provider's words
	Usage      event.Usage
}
