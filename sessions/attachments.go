package sessions

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"time"
)

// MostAttachment is the largest file that can be attached, in bytes.
const MostAttachment = 64 << 20

// attachmentsDir is the folder of attachments. Each is called by its hash, in
// folders by the first two digits.
const attachmentsDir = "attachments"

var hashShape = regexp.MustCompile(`^[0-9a-f]{64}$`)

// attachmentName is the file of the attachment with that hash.
func attachmentName(hash string) string { return path.Join(attachmentsDir, hash[:2], hash) }

// Attach keeps a file, so that a message can refer to it. What is kept already
// is not kept twice. name and mediaType are passed on as they are.
func (st *Store) Attach(name, mediaType string, r io.Reader) (Attachment, error) {
	data, err := io.ReadAll(io.LimitReader(r, MostAttachment+1))
	if err == nil && len(data) > MostAttachment {
		err = fmt.Errorf("it is larger than %d MiB", MostAttachment>>20)
	}
	sum := sha256.Sum256(data)
	a := Attachment{
		Hash: hex.EncodeToString(sum[:]), Name: strings.ToValidUTF8(name, "\uFFFD"),
		Type: strings.ToValidUTF8(mediaType, "\uFFFD"), Size: int64(len(data)),
	}
	if err == nil {
		err = st.keep(a.Hash, data)
	}
	if err != nil {
		return Attachment{}, fmt.Errorf("sessions: attaching %s: %w", name, err)
	}
	return a, nil
}

// keep writes the bytes of an attachment, unless they are there and whole.
func (st *Store) keep(hash string, data []byte) error {
	unlock, err := st.lock(false) // not while unused ones are removed
	if err != nil {
		return err
	}
	defer unlock()
	name := attachmentName(hash)
	if old, err := readAll(st.disk, name); err == nil && sha256.Sum256(old) == sha256.Sum256(data) {
		// From now on it counts as new, until a message refers to it.
		if err := st.disk.touch(name, st.now()); err != nil {
			return err
		}
		// Whoever wrote it may have been stopped before its name was safe.
		return st.disk.syncDir(path.Dir(name))
	}
	if err := st.disk.mkdir(path.Dir(name)); err != nil {
		return err
	}
	if err := st.writeWhole(name, data); err != nil {
		return err
	}
	for _, dir := range []string{path.Dir(name), attachmentsDir, "."} {
		if err := st.disk.syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// Attachment is the bytes of an attachment, which are the ones that were
// attached: others are an error. It is ErrNotFound if there is none.
func (st *Store) Attachment(hash string) ([]byte, error) {
	if !hashShape.MatchString(hash) {
		return nil, fmt.Errorf("sessions: reading the attachment %q: a hash has 64 hexadecimal digits", hash)
	}
	data, err := readAll(st.disk, attachmentName(hash))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("sessions: reading the attachment %s: %w", hash, ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("sessions: reading the attachment %s: %w", hash, err)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != hash {
		return nil, fmt.Errorf("sessions: reading the attachment %s: its bytes are damaged: attach the file again", hash)
	}
	return data, nil
}

// collectAge is how old an attachment must be to be removed: a message that
// refers to it may be about to be written.
const collectAge = 24 * time.Hour

// Collect removes attachments that no message of any session refers to,
// deleted ones included, and what is left of interrupted writes. It removes
// nothing while a session cannot be read whole: what is lost of it may refer to
// anything. removed is the bytes that were freed.
func (st *Store) Collect() (removed int64, err error) {
	unlock, err := st.lock(true)
	if errors.Is(err, errLocked) {
		return 0, nil // next time
	}
	if err != nil {
		return 0, fmt.Errorf("sessions: removing unused attachments: %w", err)
	}
	defer unlock()
	used, err := st.usedAttachments()
	if err != nil {
		return 0, fmt.Errorf("sessions: no unused attachment is removed: %w", err)
	}
	if removed, err = st.removeUnused(used); err != nil {
		return removed, fmt.Errorf("sessions: removing unused attachments: %w", err)
	}
	return removed, nil
}

// usedAttachments is the hashes that any session refers to.
func (st *Store) usedAttachments() (map[string]bool, error) {
	names, err := st.disk.readDir(".")
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	for _, name := range names {
		id, ok := journalID(name.Name())
		if !ok {
			continue
		}
		s, _, err := st.read(id)
		if err != nil {
			return nil, err
		}
		if s.Newer {
			return nil, &NewerError{id, s.format}
		}
		for _, d := range s.Damage {
			if !isRepair(d) && (d.Missing > 0 || !d.Noted) {
				return nil, fmt.Errorf("session %s is damaged %s", id, d)
			}
		}
		for _, m := range s.Messages {
			for _, a := range m.Attachments {
				used[a.Hash] = true
			}
		}
	}
	return used, nil
}

// removeUnused removes what is old and not used.
func (st *Store) removeUnused(used map[string]bool) (removed int64, err error) {
	var errs []error
	before := st.now().Add(-collectAge)
	dirs := []string{"."}
	folders, err := st.disk.readDir(attachmentsDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	for _, f := range folders {
		dirs = append(dirs, path.Join(attachmentsDir, f.Name()))
	}
	for _, dir := range dirs {
		files, err := st.disk.readDir(dir)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, f := range files {
			info, err := f.Info()
			if err != nil || !info.Mode().IsRegular() || !info.ModTime().Before(before) || !unused(dir, f.Name(), used) {
				continue
			}
			if err := st.disk.remove(path.Join(dir, f.Name())); err != nil {
				errs = append(errs, err)
				continue
			}
			removed += info.Size()
		}
	}
	return removed, errors.Join(errs...)
}

// unused reports whether a file is an attachment without a reference, or what
// is left of a write.
func unused(dir, name string, used map[string]bool) bool {
	if strings.HasSuffix(name, temporaryEnding) {
		return true
	}
	return dir != "." && hashShape.MatchString(name) && !used[name]
}
