package sessions

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strconv"
)

// Damage is something that is wrong with a journal. The rest of the session is
// there all the same.
type Damage struct {
	Offset  int64  // where it begins, in bytes
	Length  int64  // of what cannot be read, in bytes; 0 if nothing is there
	Missing int64  // records that are lost by it, as far as one can tell
	What    string // in words
	// Noted says that an earlier opening has found it too.
	Noted bool
}

// String is one line about the damage.
func (d Damage) String() string {
	s := fmt.Sprintf("at byte %d: %s", d.Offset, d.What)
	if d.Missing > 0 {
		s += fmt.Sprintf("; %s missing", records(d.Missing))
	}
	return s
}

func records(n int64) string {
	if n == 1 {
		return "1 record is"
	}
	return fmt.Sprintf("%d records are", n)
}

// scanned is a record that was read, with where its line begins.
type scanned struct {
	record
	offset  int64
	flipped bool // one wrong bit of it was put right
}

// scan is the work of finding the records in a journal, whatever became of it.
type scan struct {
	data []byte
	pos  int // everything before it is dealt with
	// The line that was last asked for, from the place that was asked about.
	lineFrom, line int
	records        []scanned
	damage         []Damage
	// budget is how many more bytes may be looked at beyond reading every line
	// once: a file made to be slow gets less care, not more time.
	budget int
}

// scanJournal finds every record in data. It reads lines; where one does not
// hold, it tries to put one wrong bit right, and else goes on from the next
// place at which a record begins. ended says whether the last record is
// complete, line break included, so that more can be appended.
func scanJournal(data []byte) (records []scanned, damage []Damage, ended bool) {
	s := scan{data: data, lineFrom: -1, line: -1, budget: 16*len(data) + 1<<20}
	for s.pos < len(data) {
		s.next()
	}
	return s.records, s.damage, len(data) == 0 || data[len(data)-1] == '\n'
}

// next deals with what is at pos: a record, an empty line or damage.
func (s *scan) next() {
	if s.data[s.pos] == '\n' { // begun anew after a write that failed
		s.pos++
		return
	}
	line := s.lineEnd(s.pos)
	if end, ok := s.whole(s.pos); ok {
		s.take(s.data[s.pos:end], end, false)
		return
	}
	// A wrong bit may be anywhere: in the length, so that only the line break
	// says where the record ends, or in the line break, so that only the length
	// does.
	if end, ok := s.byLength(s.pos); ok && end != line && s.spend(end-s.pos) {
		if frame, ok := repaired(s.data[s.pos:end]); ok && s.take(frame, end, true) {
			return
		}
	}
	if s.spend(line - s.pos) {
		if frame, ok := repaired(s.data[s.pos:line]); ok && s.take(frame, line, true) {
			return
		}
	}
	s.skip(line)
}

// take adds the record in frame, which ends at end in the data. It reports
// whether it is one.
func (s *scan) take(frame []byte, end int, flipped bool) bool {
	var r record
	_, body, _ := splitFrame(frame)
	if err := json.Unmarshal(body, &r); err != nil {
		if flipped {
			return false
		}
		s.lost(s.pos, end, "a record that is not understood: "+jsonProblem(err))
		s.pos = end
		s.lineBreak(false)
		return true
	}
	s.records = append(s.records, scanned{r, int64(s.pos), flipped})
	start := s.pos
	s.pos = end
	broken := s.lineBreak(!flipped)
	if flipped {
		what := "one wrong bit in a record, put right"
		if broken {
			what = "wrong bits in a record and after it, put right"
		}
		s.damage = append(s.damage, Damage{Offset: int64(start), Length: int64(end - start), What: what})
	}
	return true
}

// lineBreak steps over the line break after a record. It reports whether
// something else was there, and notes it if it is asked to.
func (s *scan) lineBreak(note bool) (broken bool) {
	switch {
	case s.pos == len(s.data):
		return false // the last byte was lost: the record was not
	case s.data[s.pos] == '\n':
		s.pos++
		return false
	}
	if note {
		s.damage = append(s.damage, Damage{Offset: int64(s.pos), Length: 1, What: "no line break after a record"})
	}
	// One wrong bit makes another byte of it; if the next record begins right
	// here, nothing was put in its place.
	if _, ok := s.whole(s.pos); !ok {
		s.pos++
	}
	return true
}

// skip gives up what is at pos, as far as the next record.
func (s *scan) skip(line int) {
	start, end := s.pos, line
	// The line break may be what is lost: the next record is then where the
	// length says, or where something begins as bodies do.
	if after, ok := s.byLength(start); ok && after < line && s.recordAt(after+1, line) {
		end = after + 1
	} else {
		end = s.recordWithin(start, line)
	}
	what := "bytes that are no record"
	if end == len(s.data) {
		what = "an unfinished record at the end"
	}
	s.lost(start, end, what)
	s.pos = end
}

// recordWithin is where the first record begins after start in a line, or the
// line's end.
func (s *scan) recordWithin(start, line int) int {
	mark := []byte(" " + bodyStart)
	for at := start + 1; at < line; {
		i := bytes.Index(s.data[at:line], mark)
		if i < 0 {
			break
		}
		body := at + i
		digits := 0
		for digits < lengthDigits && body-1-digits > start && isDigit(s.data[body-1-digits]) {
			digits++
		}
		if from := body - digits - 1 - crcDigits; digits > 0 && from > start && s.recordAt(from, line) {
			return from
		}
		at = body + 1
	}
	return line
}

// recordAt reports whether a record begins at pos, or one that can be put
// right.
func (s *scan) recordAt(pos, line int) bool {
	if pos >= line {
		return false
	}
	if _, ok := s.whole(pos); ok {
		return true
	}
	for _, end := range []int{s.lengthOr(pos, line), line} {
		if s.spend(end - pos) {
			if _, ok := repaired(s.data[pos:end]); ok {
				return true
			}
		}
	}
	return false
}

// lengthOr is where the record at pos ends by its length, or else.
func (s *scan) lengthOr(pos, otherwise int) int {
	if end, ok := s.byLength(pos); ok {
		return end
	}
	return otherwise
}

// lost notes that data[from:to] could not be read. Neighbours become one.
func (s *scan) lost(from, to int, what string) {
	if n := len(s.damage) - 1; n >= 0 && s.damage[n].What == what && s.damage[n].Offset+s.damage[n].Length+1 >= int64(from) {
		s.damage[n].Length = int64(to) - s.damage[n].Offset
		return
	}
	s.damage = append(s.damage, Damage{Offset: int64(from), Length: int64(to - from), What: what})
}

// spend takes n bytes from the budget, if it has them.
func (s *scan) spend(n int) bool {
	if n > s.budget {
		return false
	}
	s.budget -= n
	return true
}

// lineEnd is where the line that holds pos ends, without its line break.
func (s *scan) lineEnd(pos int) int {
	if s.lineFrom <= pos && pos <= s.line {
		return s.line // a line without a break may hold many records
	}
	s.lineFrom, s.line = pos, len(s.data)
	if i := bytes.IndexByte(s.data[pos:], '\n'); i >= 0 {
		s.line = pos + i
	}
	return s.line
}

// byLength is where the record at pos ends, if what stands for its length is
// right, and it is within the data.
func (s *scan) byLength(pos int) (end int, ok bool) {
	rest := s.data[pos:min(len(s.data), pos+crcDigits+1+lengthDigits+1)]
	if len(rest) <= crcDigits {
		return 0, false
	}
	digits, _, found := bytes.Cut(rest[crcDigits+1:], []byte(" "))
	if !found {
		return 0, false
	}
	n, err := strconv.ParseUint(string(digits), 10, 32)
	if err != nil {
		return 0, false
	}
	end = pos + crcDigits + 1 + len(digits) + 1 + int(n)
	return end, n <= mostBody && end <= len(s.data)
}

// whole reports whether a record begins at pos whose checksum is right, and
// where it ends.
func (s *scan) whole(pos int) (end int, ok bool) {
	end, ok = s.byLength(pos)
	if !ok {
		return 0, false
	}
	// What ends with its line is free: no byte is in two lines.
	if end != s.lineEnd(pos) && !s.spend(end-pos) {
		return 0, false
	}
	return end, s.checks(pos, end)
}

// checks reports whether data[pos:end] is a frame whose checksum is right.
func (s *scan) checks(pos, end int) bool {
	sum, _, ok := splitFrame(s.data[pos:end])
	return ok && sum == crc32.Checksum(s.data[pos+crcDigits+1:end], castagnoli)
}

// splitFrame takes a frame apart. It reports whether it looks like one.
func splitFrame(frame []byte) (sum uint32, body []byte, ok bool) {
	if len(frame) <= crcDigits+1 || frame[crcDigits] != ' ' {
		return 0, nil, false
	}
	for _, c := range frame[:crcDigits] {
		digit, ok := hexDigit(c)
		if !ok {
			return 0, nil, false
		}
		sum = sum<<4 | uint32(digit)
	}
	_, body, ok = bytes.Cut(frame[crcDigits+1:], []byte(" "))
	return sum, body, ok && bytes.HasPrefix(body, []byte(bodyStart))
}

// hexDigit is the value of a digit as appendFrame writes them.
func hexDigit(c byte) (byte, bool) {
	switch {
	case isDigit(c):
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// jsonProblem is an error of encoding/json without what it says about Go.
func jsonProblem(err error) string {
	return fmt.Sprintf("%.80q", err.Error())
}
