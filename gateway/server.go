package gateway

import (
	"log/slog"
	"net/http"
	"time"
)

// The bounds of a connection. net/http has none of them by default: half a
// header line kept one open for as long as we looked (reference/reliability.md,
// 3.2).
const (
	headerTime = 10 * time.Second // to send the headers of a request
	sendTime   = 2 * time.Minute  // to send a whole request
	idleTime   = 2 * time.Minute  // between two requests
	maxHeader  = 64 << 10         // bytes of the headers of a request; beyond: 431
)

// NewServer returns a server for the client or the admin listener, with bounds
// on what a connection may take. Serve it on a [StrictListener]. It speaks
// HTTP/1.1: over TLS too, where the listener is
//
//	gateway.StrictListener(tls.NewListener(ln, tlsConfig))
//
// The time to send a request ends with its body and does not bound the answer;
// for that, the gateway's handlers move a deadline from write to write. A nil
// log is silence.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:           closeAfterChunks(h),
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       sendTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		Protocols:         &protocols,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// closeAfterChunks ends the connection after a request whose body came in
// chunks. The strict listener does not look into chunks and so cannot tell
// where the next request would begin; nothing may follow that it has not seen.
func closeAfterChunks(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength < 0 {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}
