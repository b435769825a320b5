// Rotates pairs of each head by angles whose cosine and sine the host computed:
// batch[tableAt + (t*dim/2 + i)*2], and the word behind it.
#version 450
layout(local_size_x = 64) in;
layout(binding = 2, std430) readonly buffer BufX { float x[]; };
layout(binding = 3, std430) writeonly buffer BufY { float y[]; };
layout(binding = 7, std430) readonly buffer BufP { float batch[]; };
layout(push_constant) uniform Push { uint width, dim, halves, tableAt; };
void main() {
  const uint j = gl_GlobalInvocationID.x, t = gl_WorkGroupID.y, pairs = dim / 2u;
  if (2u * j >= width) return;
  const uint i = j % pairs, head = t * width + j / pairs * dim;
  const uint a = halves != 0u ? head + i : head + 2u * i, b = halves != 0u ? a + pairs : a + 1u;
  const uint at = tableAt + (t * pairs + i) * 2u;
  precise float c = batch[at], s = batch[at + 1u], p = x[a], q = x[b];
  y[a] = p * c - q * s;
  y[b] = p * s + q * c;
}
