package faultserver

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Published is a file of a repository.
type Published struct {
	Path   string
	Bytes  io.ReaderAt
	Size   int64
	SHA256 string
}

// At is the content, published under a path.
func (c Content) At(path string) Published {
	return Published{Path: path, Bytes: c, Size: c.Size, SHA256: c.SHA256()}
}

// Data is a file of bytes that are there, published under a path. Only a
// Direct repository can serve it.
func Data(path string, data []byte) Published {
	sum := sha256.Sum256(data)
	return Published{Path: path, Bytes: bytes.NewReader(data), Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}
}

// Repository is a model repository with the API of the Hugging Face hub:
//
//	/api/models/USER/REPO/revision/REV       the commit of main
//	/api/models/USER/REPO/tree/COMMIT        the files, in pages
//	/USER/REPO/resolve/COMMIT/PATH           a redirect to the storage
type Repository struct {
	// Gated makes every question for a file answer 403 GatedRepo.
	Gated bool
	// PerPage is how many files are on a page of the listing; 0 for all.
	PerPage int
	// Direct makes the hub serve the bytes itself, without a redirect: to a
	// program that trusts no other host.
	Direct bool
	// Card is more of what the API says of the repository.
	Card map[string]any

	server  *Server
	name    string
	mu      sync.Mutex
	head    string
	commits map[string][]Published
	sent    int64
	pause   time.Duration
}

// Repository adds a repository, USER/REPO, to the hub.
func (s *Server) Repository(name string) *Repository {
	r := &Repository{server: s, name: name, commits: map[string][]Published{}}
	s.Handle("/api/models/"+name+"/revision/{rev}", r.revision)
	s.Handle("/api/models/"+name+"/tree/{commit}", r.tree)
	s.Handle("/"+name+"/resolve/{commit}/{path...}", r.resolve)
	return r
}

// Commit publishes files as the newest commit, and keeps older ones.
func (r *Repository) Commit(sha string, files ...Published) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.head = sha
	r.commits[sha] = files
	for _, f := range files {
		if c, ok := f.Bytes.(Content); ok {
			r.server.Add(r.key(sha, f.Path), c)
		}
	}
}

// Slow makes a Direct repository wait so long after every 64 KiB.
func (r *Repository) Slow(pause time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pause = pause
}

// Forget drops a commit, as a history that is rewritten does.
func (r *Repository) Forget(sha string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.commits, sha)
}

// Sent is how many bytes a Direct repository has sent.
func (r *Repository) Sent() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sent
}

func (r *Repository) key(sha, path string) string { return r.name + "/" + sha + "/" + path }

// fail answers as the hub does.
func fail(w http.ResponseWriter, code int, reason string) {
	w.Header().Set("X-Error-Code", reason)
	w.WriteHeader(code)
}

func (r *Repository) revision(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	sha := q.PathValue("rev")
	if sha == "main" {
		sha = r.head
	}
	if r.commits[sha] == nil {
		fail(w, http.StatusNotFound, "RevisionNotFound")
		return
	}
	info := map[string]any{"sha": sha, "gated": false}
	for k, v := range r.Card {
		info[k] = v
	}
	_ = json.NewEncoder(w).Encode(info)
}

func (r *Repository) tree(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	files, ok := r.commits[q.PathValue("commit")]
	if !ok {
		fail(w, http.StatusNotFound, "RevisionNotFound")
		return
	}
	from, _ := strconv.Atoi(q.URL.Query().Get("cursor"))
	files = files[min(max(from, 0), len(files)):]
	if r.PerPage > 0 && len(files) > r.PerPage {
		files = files[:r.PerPage]
		w.Header().Set("Link", fmt.Sprintf(`<%s%s?recursive=true&cursor=%d>; rel="next"`, r.server.Hub, q.URL.Path, from+r.PerPage))
	}
	lines := []map[string]any{}
	for _, f := range files {
		lines = append(lines, map[string]any{
			"type": "file", "path": f.Path, "size": f.Size, "oid": "0123456789012345678901234567890123456789",
			"lfs": map[string]any{"oid": f.SHA256, "size": f.Size, "pointerSize": 135},
		})
	}
	_ = json.NewEncoder(w).Encode(lines)
}

func (r *Repository) resolve(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	files, gated, sha := r.commits[q.PathValue("commit")], r.Gated, q.PathValue("commit")
	r.mu.Unlock()
	if gated {
		fail(w, http.StatusForbidden, "GatedRepo")
		return
	}
	for _, f := range files {
		if f.Path != q.PathValue("path") {
			continue
		}
		w.Header().Set("X-Repo-Commit", sha)
		w.Header().Set("X-Linked-Etag", strconv.Quote(f.SHA256))
		w.Header().Set("X-Linked-Size", strconv.FormatInt(f.Size, 10))
		if r.Direct {
			w.Header().Set("Content-Type", "application/octet-stream")
			http.ServeContent(&counted{w, r}, q, "", time.Time{}, io.NewSectionReader(f.Bytes, 0, f.Size))
			return
		}
		r.server.mu.Lock()
		r.server.signature++
		signature := r.server.signature
		r.server.mu.Unlock()
		w.Header().Set("Location", fmt.Sprintf("%s/blob/%s?sig=%d", r.server.Store, r.key(sha, f.Path), signature))
		w.WriteHeader(http.StatusFound)
		return
	}
	fail(w, http.StatusNotFound, "EntryNotFound")
}

// counted counts what is sent, and takes its time.
type counted struct {
	http.ResponseWriter
	r *Repository
}

func (c *counted) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		n, err := c.ResponseWriter.Write(p[:min(len(p), sendChunk)])
		c.r.mu.Lock()
		c.r.sent += int64(n)
		pause := c.r.pause
		c.r.mu.Unlock()
		written += n
		if err != nil {
			return written, err
		}
		p = p[n:]
		if pause > 0 {
			time.Sleep(pause)
		}
	}
	return written, nil
}
