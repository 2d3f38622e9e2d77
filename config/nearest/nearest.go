// Package nearest finds the word that somebody may have meant.
package nearest

// Of returns the word among known that s may be a slip of, or "".
func Of(s string, known []string) string {
	best, least := "", 4
	for _, k := range known {
		// Short words differ in few letters anyway.
		if n := distance(s, k); n < least && n <= len(k)/2 {
			best, least = k, n
		}
	}
	return best
}

// distance is the number of letters to insert, remove or replace between a and
// b, or a large number where that is more than three anyway.
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
