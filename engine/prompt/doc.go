// Package prompt lays a conversation out as the model was trained to read it.
//
//	messages, tools ─► template ─► text with marks ─► parts ─► package tokenizer
//
// The template is the Jinja source of the model file (Parse), run by package
// jinja under limits, or one of our own (Builtin) for files without one.
//
// # What a person types stays text
//
// Control tokens have a textual form, such as <|eot|>, that the tokenizer
// recognises in a template's output. A message that contains this text, or a
// piece of it that joins another piece, must not become the token. So every
// byte of the output is known to be the template's own or user-supplied
// (jinja.Text), through every trim, escape, slice and join that a template
// applies, and Render cuts the output into parts such that
//
//  1. an occurrence of a special token that consists of the template's own
//     bytes lies whole in one part: cuts are made only where own and
//     user-supplied bytes meet, and between user-supplied bytes;
//  2. any other occurrence, with one user-supplied byte or more, has a cut
//     inside.
//
// The tokenizer looks for special tokens within parts only, so it finds those
// that the template wrote and no others. User-supplied are contents, names and
// the arguments and schemas of tools, keys included. The roles, the text of
// BOS and EOS and the date are the program's own; templates build special
// tokens of roles ('<|' + role + '|>'), so a role that is none of the four in
// message.go counts as user-supplied.
//
// What stays possible is what a template asks for: pieces of a special token
// that it writes around a text join when that text is empty, and numbers and
// truth values carry no mark.
package prompt
