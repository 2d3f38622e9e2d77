package simulator

import (
	"net/http"
	"strconv"
	"time"
)

// Slowly sends the response of a with its body one byte per interval.
func Slowly(interval time.Duration, a Answer) Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		held := hold(w, r, a)
		for _, b := range held.body.Bytes() {
			send(w, string([]byte{b}))
			sleep(r.Context(), interval)
		}
	}
}

// Halved announces the response of a, sends half of its body and closes the connection.
func Halved(a Answer) Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		held := hold(w, r, a)
		send(w, held.body.String()[:held.body.Len()/2])
		panic(http.ErrAbortHandler)
	}
}

// hold sends the headers of the response of a and returns its body.
func hold(w http.ResponseWriter, r *http.Request, a Answer) *holder {
	held := &holder{ResponseWriter: w, status: http.StatusOK}
	a(held, r)
	w.Header().Set("Content-Length", strconv.Itoa(held.body.Len()))
	w.WriteHeader(held.status)
	return held
}
