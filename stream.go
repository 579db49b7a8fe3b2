package fairlead

import (
	"context"
	"errors"
	"io"
	"iter"

	"fairlead.dev/event"
)

// Chunk is a piece of an answer. The last one has no text but the Response's
// other fields.
type Chunk struct {
	Text     string
	Model    string        // who answers, as "provider/model"
	Report   *event.Report // what it has taken so far
	Response *Response     // on the last chunk: the whole answer
}

// Stream asks and returns the answer piece by piece as it is written. A failure
// before the first piece is repaired without a trace, as for [Client.Query]; one
// after it ends the stream with an *[Error]: an answer is never cut silently.
// Leaving the loop early cancels the call.
func (c *Client) Stream(ctx context.Context, r Request) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		ask, _, err := c.ask(r, true)
		if err != nil {
			yield(Chunk{}, err)
			return
		}
		ask.text = true
		answer, err := c.Do(ctx, ask)
		if err != nil {
			yield(Chunk{}, err)
			return
		}
		defer answer.Close()
		answer.pieces(yield)
	}
}

// pieces yields the text of a stream's events, and the whole answer at its end.
func (a *Answer) pieces(yield func(Chunk, error) bool) {
	whole := Response{Model: a.Target, Report: a.Report}
	for {
		_, err := a.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			yield(Chunk{Model: a.Target, Report: a.Report}, err)
			return
		}
		text := a.text()
		whole.Text += text
		if text != "" && !yield(Chunk{Text: text, Model: a.Target, Report: a.Report}, nil) {
			return
		}
	}
	whole.Usage, whole.StopReason = a.ending()
	yield(Chunk{Model: a.Target, Report: a.Report, Response: &whole}, nil)
}

// text is the answer's text in the events that Next returned last.
func (a *Answer) text() string {
	if a.stream == nil {
		return ""
	}
	return string(a.stream.stream.text)
}

func (a *Answer) ending() (event.Usage, string) {
	if a.stream == nil || a.stream.stream.dec == nil {
		return event.Usage{}, ""
	}
	return a.stream.usage(), a.stream.stream.dec.StopReason()
}
