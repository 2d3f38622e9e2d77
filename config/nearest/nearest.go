// Package nearest suggests corrections for misspelled words.
package nearest

// Of returns the known word that s most likely misspells, or "".
func Of(s string, known []string) string {
	best, least := "", 4
	for _, k := range known {
		// Between short words, a small distance means nothing.
		if n := distance(s, k); n < least && n <= len(k)/2 {
			best, least = k, n
		}
	}
	return best
}

// distance returns the edit distance between a and b in bytes, or a larger number
// if their lengths differ by more than three.
func distance(a, b string) int {
	if len(a) > len(b)+3 || len(b) > len(a)+3 {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
