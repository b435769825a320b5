// Package embedcache keeps the embeddings of pictures, in memory and on disk, so that a
// picture goes through the vision tower once and not once a question or session.
//
// It is a convenience and behaves like one: a full disk, a folder that cannot be
// written or a damaged entry cost the next caller time, and are no error. Several
// processes may share a folder: entries appear under their names whole, by renaming,
// are checked when read, and any may disappear at any time.
package embedcache

import (
	"container/list"
	"crypto/sha256"
	"encoding/binary"
	"sync"
)

// Key is all that embeddings depend on.
type Key struct {
	Image     [sha256.Size]byte // SHA-256 of the picture's file
	Family    string            // of the tower: how pictures are cut
	MostTiles int               // the limit on tiles
	Tower     string            // what tells the tower from all others
}

// KeyOf is the key of a picture whose file has these bytes.
func KeyOf(image []byte, family string, mostTiles int, tower string) Key {
	return Key{sha256.Sum256(image), family, mostTiles, tower}
}

// pixelNumbers is part of every key. Add one where a change of this program shows a
// tower other pixels of the same file.
const pixelNumbers = 1

// id is a name for the key, unique without doubt.
func (k Key) id() id {
	b := append([]byte("scout embeddings"), k.Image[:]...)
	for _, n := range []int{pixelNumbers, k.MostTiles, len(k.Family), len(k.Tower)} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	b = append(b, k.Family...)
	b = append(b, k.Tower...)
	return sha256.Sum256(b)
}

type id = [sha256.Size]byte

// Cache keeps embeddings by key. Its methods may be called from several goroutines.
type Cache struct {
	store *store // nil: nothing on disk

	mu     sync.Mutex
	room   int64                // bytes in memory at most
	used   int64                // bytes in memory
	recent *list.List           // of *entry, the latest used first
	byID   map[id]*list.Element // what is in recent
}

type entry struct {
	id     id
	embeds []float32
}

func (e *entry) bytes() int64 { return 4 * int64(len(e.embeds)) }

// New is a cache in the folder dir, which is made when it is needed, readable for its
// owner alone: embeddings tell what is in a picture. It keeps at most diskBytes there
// and memoryBytes in memory, the latest used; with 0 bytes or an empty dir it does
// without.
func New(dir string, diskBytes, memoryBytes int64) *Cache {
	c := &Cache{room: memoryBytes, recent: list.New(), byID: map[id]*list.Element{}}
	if dir != "" && diskBytes > 0 {
		c.store = &store{dir: dir, room: diskBytes, disk: realDisk{}}
	}
	return c
}

// Get is the embeddings that were put under the key. They belong to the cache and must
// not be changed.
func (c *Cache) Get(k Key) ([]float32, bool) {
	id := k.id()
	if embeds, ok := c.remembered(id); ok {
		return embeds, true
	}
	if c.store == nil {
		return nil, false
	}
	embeds, ok := c.store.get(id)
	if ok {
		c.remember(id, embeds)
	}
	return embeds, ok
}

// Put keeps embeddings under the key. They must not be changed afterwards.
func (c *Cache) Put(k Key, embeds []float32) {
	id := k.id()
	c.remember(id, embeds)
	if c.store != nil {
		c.store.put(id, embeds)
	}
}

func (c *Cache) remembered(id id) ([]float32, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byID[id]
	if !ok {
		return nil, false
	}
	c.recent.MoveToFront(e)
	return e.Value.(*entry).embeds, true
}

// remember keeps embeddings in memory, in place of those used longest ago.
func (c *Cache) remember(id id, embeds []float32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.byID[id]; ok {
		c.forget(e)
	}
	e := &entry{id, embeds}
	if e.bytes() > c.room {
		return
	}
	for c.used+e.bytes() > c.room {
		c.forget(c.recent.Back())
	}
	c.byID[id] = c.recent.PushFront(e)
	c.used += e.bytes()
}

func (c *Cache) forget(e *list.Element) {
	old := c.recent.Remove(e).(*entry)
	delete(c.byID, old.id)
	c.used -= old.bytes()
}
