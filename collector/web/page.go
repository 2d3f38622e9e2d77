package web

import "net/http"

const (
	firstPiece = 4 << 10
	pieceSize  = 64 << 10
)

// page is a response that is not sent yet. It implements [http.ResponseWriter]. Its
// body consists of pieces, so that it takes little more memory than its size, and
// each piece can be released once it is sent.
type page struct {
	code   int
	header http.Header
	body   [][]byte
	size   int // of the body, in bytes
}

func (p *page) Header() http.Header  { return p.header }
func (p *page) WriteHeader(code int) { p.code = code }

func (p *page) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		last := len(p.body) - 1
		if last < 0 || len(p.body[last]) == cap(p.body[last]) {
			size := pieceSize
			if last < 0 {
				size = firstPiece
			}
			p.body = append(p.body, make([]byte, 0, size))
			last++
		}
		piece := p.body[last]
		fits := min(len(b), cap(piece)-len(piece))
		p.body[last] = append(piece, b[:fits]...)
		b = b[fits:]
	}
	p.size += n
	return n, nil
}
