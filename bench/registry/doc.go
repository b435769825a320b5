// Package registry tests scout's downloads against a real registry: the
// distribution project's, run in the process, with a model as Ollama publishes
// them. It is a module of its own, so that scout needs none of its
// dependencies.
package registry
