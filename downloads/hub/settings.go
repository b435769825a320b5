package hub

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Settings is where the hubs are and what they may be told.
type Settings struct {
	Endpoint string // base address of the Hugging Face hub, or of a mirror
	Registry string // base address of the Ollama registry
	Token    string // of Hugging Face; empty for none
	// TokenForMirror lets a mirror have the token. It is somebody else.
	TokenForMirror bool
	Offline        bool // HF_HUB_OFFLINE: nobody is asked for anything
}

const (
	officialEndpoint = "https://huggingface.co"
	officialRegistry = "https://registry.ollama.ai"
	maxToken         = 4 << 10

	// trustMirror is the variable that lets the hub of HF_ENDPOINT have the token.
	trustMirror = "SCOUT_TRUST_MIRROR"
)

// FromEnvironment reads the settings that the tools of Hugging Face read:
// HF_ENDPOINT (and llama.cpp's MODEL_ENDPOINT), HF_TOKEN (and
// HUGGING_FACE_HUB_TOKEN), else the file HF_TOKEN_PATH, HF_HOME/token or
// ~/.cache/huggingface/token, unless HF_HUB_DISABLE_IMPLICIT_TOKEN is set;
// HF_HUB_OFFLINE; and SCOUT_TRUST_MIRROR, which is ours. token, if not empty,
// goes before all of them.
func FromEnvironment(env func(string) string, home, token string) (Settings, error) {
	s := Settings{Endpoint: officialEndpoint, Registry: officialRegistry, Offline: isOn(env("HF_HUB_OFFLINE")), TokenForMirror: isOn(env(trustMirror))}
	for _, name := range []string{"MODEL_ENDPOINT", "HF_ENDPOINT"} {
		if v := strings.TrimRight(env(name), "/"); v != "" {
			s.Endpoint = v
		}
	}
	var err error
	s.Token, err = findToken(env, home, token)
	return s, err
}

// Named are the hosts, with their ports, that the person named in place of the
// official ones.
func (s Settings) Named() []string {
	var hosts []string
	for base, official := range map[string]string{s.Endpoint: officialEndpoint, s.Registry: officialRegistry} {
		if base != official {
			hosts = append(hosts, hostOf(base))
		}
	}
	return hosts
}

func isOn(v string) bool {
	switch strings.ToLower(v) {
	case "1", "true", "yes", "on":
		return true
	}
	return false
}

// findToken finds the token, in the order that huggingface_hub has.
func findToken(env func(string) string, home, token string) (string, error) {
	if token != "" {
		return cleanToken(token, "the token given")
	}
	for _, name := range []string{"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"} {
		if v := env(name); strings.TrimSpace(v) != "" {
			return cleanToken(v, name)
		}
	}
	if isOn(env("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
		return "", nil
	}
	file := env("HF_TOKEN_PATH")
	if folder := env("HF_HOME"); file == "" && folder != "" {
		file = filepath.Join(folder, "token")
	}
	if file == "" {
		if home == "" {
			return "", nil
		}
		file = filepath.Join(home, ".cache", "huggingface", "token")
	}
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("hub: reading the token: %w", err)
	case len(data) > maxToken:
		return "", fmt.Errorf("hub: reading the token: %s has %d bytes: that is no token", file, len(data))
	}
	return cleanToken(string(bytes.TrimSpace(data)), file)
}

// cleanToken drops the white space around a token and refuses what could not
// be sent as one. The token itself is in no message.
func cleanToken(token, where string) (string, error) {
	token = strings.TrimSpace(token)
	for _, r := range token {
		if r <= ' ' || r > '~' {
			return "", fmt.Errorf("hub: %s holds no token: it has a character that tokens do not have", where)
		}
	}
	return token, nil
}
