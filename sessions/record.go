package sessions

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strconv"
	"time"
)

// formatVersion is what this version writes. It rises when a reader of before
// would misunderstand a journal; fields and records that it can leave out do
// not count.
const formatVersion = 1

// record is one line of a journal. Exactly one of its parts is set.
type record struct {
	N    int64     `json:"n"` // counts the records of a journal from 1 on, so that a missing one is noticed
	Time time.Time `json:"t"`

	Session *header  `json:"session,omitempty"`
	Message *Message `json:"message,omitempty"`
	Part    *part    `json:"part,omitempty"`
	Head    *int     `json:"head,omitempty"`
	Title   *string  `json:"title,omitempty"`
	Pinned  *bool    `json:"pinned,omitempty"`
	Deleted *bool    `json:"deleted,omitempty"`
	Mended  *mended  `json:"mended,omitempty"`
}

// header is the first record of a journal.
type header struct {
	Format int     `json:"format"`
	ID     string  `json:"id"`
	Origin *Origin `json:"origin,omitempty"`
}

// part is a piece of an answer that is being written. The answer is recorded
// whole when it is over, so parts matter only until then, or if that is lost.
type part struct {
	ID     int    `json:"id"`
	Parent int    `json:"parent,omitempty"`
	At     int    `json:"at"` // bytes of the answer before it
	Text   string `json:"text"`
	Reply  *Reply `json:"reply,omitempty"` // with the first part
}

// mended says what was found damaged when the session was opened for writing,
// so that it is not found again each time.
type mended struct {
	Regions [][2]int64 `json:"regions,omitempty"` // offset and length in bytes
	Through int64      `json:"through"`           // records up to this one that are missing are known to be
}

// The frame of a record:
//
//	CCCCCCCC LENGTH BODY\n
//
// CCCCCCCC is the CRC-32C of "LENGTH BODY" as 8 hexadecimal digits, LENGTH the
// length of BODY in bytes in decimal, BODY a JSON object that begins with
// {"n": and has no line break in it.
const (
	crcDigits    = 8
	lengthDigits = 9 // at most: enough for mostBody
	bodyStart    = `{"n":`
)

// mostBody is the longest body in bytes. JSON can make six bytes of one, so
// that a message may have mostText.
const mostBody = 400 << 20

// mostText is the longest text of a message in bytes: far more than any
// context holds.
const mostText = 64 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendFrame appends a record to b, as its line.
func appendFrame(b []byte, v any) ([]byte, error) {
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("sessions: encoding a record: %w", err)
	}
	line := body.Bytes() // ends with a line break
	if len(line)-1 > mostBody {
		return nil, fmt.Errorf("sessions: encoding a record: it is %d bytes long, want at most %d", len(line)-1, mostBody)
	}
	length := strconv.AppendInt(nil, int64(len(line)-1), 10)
	length = append(length, ' ')
	sum := crc32.Update(crc32.Checksum(length, castagnoli), castagnoli, line[:len(line)-1])
	b = fmt.Appendf(b, "%08x ", sum)
	b = append(b, length...)
	return append(b, line...), nil
}
