// Package jinja runs the Jinja templates that model files carry to lay out a
// conversation. It implements the language of Jinja 3.1 as Hugging Face
// transformers sets it up for chat templates (trim_blocks, lstrip_blocks,
// loop controls, an immutable sandbox), without what a chat template has no
// business with: include, import, extends and block.
//
//	source ─ lexer ─► tokens ─ parser ─► statements ─ Render(globals) ─► Text
//
// A template comes with a file from the network, so it is hostile until shown
// otherwise. There is nothing in the language to reach a file, the network, the
// environment, a Go method or a Go field; values are only the kinds in
// value.go. Every evaluation costs steps and every byte copied is counted, both
// against Limits, and nesting is bounded in the parser, in calls and in values,
// since Go cannot recover from a stack that overflows. A render therefore ends,
// in bounded time and memory, with a Text or an error.
//
// That is also why this is no library: of the two for Go that were tried, gonja
// 2.9.1 and ardanlabs/jinja 1.8.0, neither can be stopped after a number of
// steps or bytes, neither tells a template's text from a person's, and gonja
// does not parse several published templates.
//
// Strings know where they come from: Text marks every byte as the template's
// own or as user-supplied, and every operation carries the marks along. What
// becomes a special token is decided from these marks after rendering (see
// package prompt), so that no trimming, escaping or joining in a template can
// turn what a person typed into a control token.
//
// Deviations from Jinja, all deliberate: integers have 64 bits and overflow is
// an error; dictionaries made from Go maps are in sorted order; a letter has one
// letter as its upper case; escape returns plain text, as there is no
// autoescaping; macros take surplus arguments without complaint; unknown
// filters and tests are errors only when reached.
package jinja
