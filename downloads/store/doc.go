// Package store keeps models on disk: which there are, what files each is made
// of, and what may be removed.
//
//	blobs/sha256-HEX      the files, by what is in them (package transfer)
//	manifests/NAME.json   a model: its name, where it came from, its files
//	models/NAME/          its files under names that say what they are
//	locks/                who works on what
//
// A manifest is written before the first byte of its files is fetched, so that
// a download is seen, kept by removals of other models, and can be removed
// itself. It is replaced as a whole or not at all. While any manifest cannot
// be read nothing is removed: what it holds on to is unknown.
//
// Files that other programs have (Ollama, the Hugging Face cache, LM Studio,
// llama.cpp) are used where they lie and only read: see Elsewhere.
package store
