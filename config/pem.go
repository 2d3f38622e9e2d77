package config

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// byteOrderMark is added by some editors. encoding/pem does not find a block that
// directly follows it.
const byteOrderMark = "\ufeff"

// pemError describes a problem in PEM text without quoting the text.
type pemError struct {
	line int // of the text, from 1
	text string
}

func (e *pemError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.text) }

// pemBlock is one block of PEM text.
type pemBlock struct {
	*pem.Block
	line int // first line of the block
}

var (
	// pemLine matches a line that begins or ends a block.
	pemLine = regexp.MustCompile(`^-----(BEGIN|END) ([^-]+)-----$`)
	// pemMarker matches text intended as such a line, anywhere in a line. Word
	// processors replace hyphens with other dashes.
	pemMarker = regexp.MustCompile(strings.NewReplacer(
		"DASHES", `[\p{Pd}\x{2212}]{2}`,
		"WORDS", `\b(?:BEGIN|END)[ \t]*[A-Z0-9 ]*(?:CERTIFICATE|KEY|CRL|PARAMETERS|REQUEST|PKCS7|CMS)\b`,
	).Replace(`(?i)DASHES[ \t]*WORDS|WORDS[ \t]*DASHES`))
)

// pemBlocks returns all blocks of PEM text. It returns a [pemError] where
// encoding/pem would silently skip a block that it cannot decode, such as one CA of
// a bundle.
func pemBlocks(text string) ([]pemBlock, error) {
	text = strings.TrimPrefix(text, byteOrderMark)
	var blocks []pemBlock
	number, end := 0, 0            // of the current line
	begun, start, kind := 0, 0, "" // of the current block; begun is 0 between blocks
	for line := range strings.Lines(text) {
		number++
		end += len(line)
		if !strings.ContainsFunc(line, isDash) {
			continue // Base64, or text between blocks.
		}
		trimmed := strings.TrimRight(line, " \t\r\n")
		m := pemLine.FindStringSubmatch(trimmed)
		switch {
		case m == nil && pemMarker.MatchString(trimmed):
			return nil, &pemError{number, malformed(trimmed)}
		case m == nil:
		case m[1] == "BEGIN" && begun > 0:
			return nil, &pemError{begun, "the block that begins here has no END line before the next block"}
		case m[1] == "BEGIN":
			begun, start, kind = number, end-len(line), m[2]
		case begun == 0:
			return nil, &pemError{number, "the block that ends here has no BEGIN line"}
		default:
			block, _ := pem.Decode([]byte(text[start:end]))
			if block == nil || m[2] != kind {
				return nil, &pemError{begun, "the block that begins here is damaged: it is not Base64 between a BEGIN and an END line of one kind"}
			}
			blocks = append(blocks, pemBlock{block, begun})
			begun = 0
		}
	}
	if begun > 0 {
		return nil, &pemError{begun, "the block that begins here has no END line: the text is incomplete"}
	}
	return blocks, nil
}

func isDash(r rune) bool { return unicode.Is(unicode.Pd, r) || r == '\u2212' }

// malformed explains why a line with a marker neither begins nor ends a block.
func malformed(line string) string {
	const form = "it must look like -----BEGIN CERTIFICATE-----, with five hyphens at each end"
	switch {
	case len(pemMarker.FindAllStringIndex(line, 2)) > 1:
		return "BEGIN and END lines are run together: put a line break after each"
	case line != strings.TrimLeft(line, " \t"):
		return "a BEGIN or END line is indented: remove the spaces before it"
	case strings.HasPrefix(line, "-----BEGIN ") || strings.HasPrefix(line, "-----END "):
		return "a BEGIN or END line has text after its hyphens: " + form + " and nothing after them"
	}
	return "a BEGIN or END line is malformed: " + form
}

// certificates returns only the certificates of PEM text, in PEM format, or "" if
// there are none.
func certificates(text string) (string, error) {
	blocks, err := pemBlocks(text)
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for _, b := range blocks {
		switch {
		case !strings.HasSuffix(b.Type, "CERTIFICATE"):
			continue
		case b.Type == "TRUSTED CERTIFICATE":
			return "", &pemError{b.line, "TRUSTED CERTIFICATE is a format specific to OpenSSL: convert it with openssl x509"}
		case b.Type != "CERTIFICATE" || len(b.Headers) > 0:
			return "", &pemError{b.line, "the certificate that begins here is not a plain CERTIFICATE block: convert it with openssl x509"}
		}
		if _, err := x509.ParseCertificate(b.Bytes); err != nil {
			return "", &pemError{b.line, "the certificate that begins here is damaged"} // err may quote the certificate
		}
		all.Write(pem.EncodeToMemory(b.Block))
	}
	return all.String(), nil
}

// privateKey returns only the first private key of PEM text, in PEM format, or "" if
// there is none.
func privateKey(text string) (string, error) {
	blocks, err := pemBlocks(text)
	if err != nil {
		return "", err
	}
	for _, b := range blocks {
		switch {
		case !strings.HasSuffix(b.Type, "PRIVATE KEY"):
			continue
		case b.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(b.Headers["Proc-Type"], "ENCRYPTED"):
			return "", &pemError{b.line, "the private key is encrypted: remove its passphrase, for example with openssl pkey"}
		}
		return string(pem.EncodeToMemory(b.Block)), nil
	}
	return "", nil
}
