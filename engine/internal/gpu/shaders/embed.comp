// Rows of a table. Without ADD: y[t] is row token[t] of the table, or the batch's
// own row where the token is negative. With ADD: y[t] is x[t] plus row
// index[t mod n] of the table, or x[t] where that is negative.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "types.glsl"
layout(local_size_x = 64) in;
layout(constant_id = 1) const uint TYPE_W = 0u;
layout(constant_id = 2) const bool ADD = false;
layout(binding = 0, std430) readonly buffer BufW { uint W[]; };
layout(binding = 1, std430) readonly buffer BufI { int index[]; };
layout(binding = 2, std430) readonly buffer BufX { float x[]; };
layout(binding = 3, std430) writeonly buffer BufY { float y[]; };
layout(binding = 7, std430) readonly buffer BufP { int batch[]; };
layout(push_constant) uniform Push {
  uint cols, rowBytes;
  uint tokensAt; // where the batch has the token ids
  uint ownAt;    // where it has the number of the own row of each token
  uint n;        // of index
};
#define WORDS W
#define TYPE TYPE_W
#define UNIT unitW
#include "decode.glsl"

void main() {
  const uint u = gl_GlobalInvocationID.x, t = gl_WorkGroupID.y;
  if (32u * u >= cols) return;
  const uint m = min(32u, cols - 32u * u), at = t * cols + 32u * u;
  int row = ADD ? index[t % n] : batch[tokensAt + t];
  if (row < 0) {
    const uint from = ADD ? at : uint(batch[ownAt + t]) * cols + 32u * u;
    for (uint i = 0u; i < m; i++) y[at + i] = x[from + i];
    return;
  }
  float w[32];
  unitW(uint(row) * rowBytes, u, cols, w);
  for (uint i = 0u; i < m; i++) y[at + i] = ADD ? x[at + i] + w[i] : w[i];
}
