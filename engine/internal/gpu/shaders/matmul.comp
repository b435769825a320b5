// y[t, o] = sum over i of W[o, i] x[t, i], a tile of TILE rows of x and ROWS rows
// of W a workgroup. Lane l takes units l, l+LANES, ... of 32 weights, in order; the
// lanes' sums are added by a tree. So the bits of y[t, o] depend on neither TILE nor
// ROWS.
//
// GATED multiplies with two matrices at once: y = silu(W x) * (V x). EXPERTS takes
// the rows of x, and the matrix of the stack, from the tiles that group.comp made.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "types.glsl"
layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LANES = 32u;
layout(constant_id = 1) const uint TYPE_W = 0u;
layout(constant_id = 2) const uint TILE = 1u;
layout(constant_id = 3) const uint ROWS = 2u;
layout(constant_id = 4) const bool GATED = false;
layout(constant_id = 5) const bool EXPERTS = false;
layout(constant_id = 6) const bool BIAS = false;
layout(constant_id = 7) const uint TYPE_V = 0u;
layout(binding = 0, std430) readonly buffer BufW { uint W[]; };
layout(binding = 1, std430) readonly buffer BufV { uint V[]; };
layout(binding = 2, std430) readonly buffer BufX { float x[]; };
layout(binding = 3, std430) writeonly buffer BufY { float y[]; };
layout(binding = 4, std430) readonly buffer BufB { float bias[]; };
layout(binding = 5, std430) readonly buffer BufG { uint tiles[]; };
layout(binding = 6, std430) readonly buffer BufR { float routes[]; };
layout(binding = 7, std430) readonly buffer BufP { uint batch[]; };
layout(push_constant) uniform Push {
  uint cols, outs, rowBytes;
  uint rowsAt;   // where the batch says how many rows x has
  uint rowBytesV;
  uint topK;     // of EXPERTS
  uint share;    // rows of y that use one row of x
  uint scaled;   // EXPERTS: x is multiplied with the route's weight
  uint listAt;   // where the list begins in tiles
};
shared float part[LANES * ROWS * TILE * (GATED ? 2u : 1u)];

#define WORDS W
#define TYPE TYPE_W
#define UNIT unitW
#include "decode.glsl"
#define WORDS V
#define TYPE TYPE_V
#define UNIT unitV
#include "decode.glsl"

const uint RESULTS = ROWS * TILE;

void main() {
  const uint lane = gl_LocalInvocationID.x, row0 = (gl_WorkGroupID.z * gl_NumWorkGroups.x + gl_WorkGroupID.x) * ROWS;
  if (row0 >= outs) return;
  uint first = gl_WorkGroupID.y * TILE, count = 0u, slab = 0u; // slab: rows before the matrix
  if (EXPERTS) {
    uint at = 3u * gl_WorkGroupID.y;
    slab = tiles[at] * outs;
    first = listAt + tiles[at + 1u];
    count = tiles[at + 2u];
    if (count == 0u) return;
  } else count = min(TILE, batch[rowsAt] - first);
  uint from[TILE];
  for (uint c = 0u; c < TILE; c++) {
    uint t = first + min(c, count - 1u);
    if (EXPERTS) t = tiles[t] / share;
    from[c] = t * cols;
  }
  precise float acc[RESULTS], acc2[GATED ? RESULTS : 1u];
  for (uint k = 0u; k < RESULTS; k++) {
    acc[k] = 0.0;
    if (GATED) acc2[k] = 0.0;
  }
  const uint units = (cols + 31u) / 32u;
  for (uint u = lane; u < units; u += LANES) {
    const uint n = min(32u, cols - 32u * u);
    for (uint r = 0u; r < ROWS; r++) {
      const uint row = slab + min(row0 + r, outs - 1u);
      float w[32], v[32];
      unitW(row * rowBytes, u, cols, w);
      if (GATED) unitV(row * rowBytesV, u, cols, v);
      for (uint c = 0u; c < TILE; c++) {
        const uint k = r * TILE + c, at = from[c] + 32u * u;
        if (c >= count) break;
        // Four chains of eight, and their sum: shorter waits, and a smaller error.
        precise float s[4], s2[4];
        for (uint j = 0u; j < 4u; j++) {
          s[j] = 0.0;
          s2[j] = 0.0;
        }
        if (n == 32u) {
          for (uint i = 0u; i < 32u; i++) {
            s[i & 3u] = fma(w[i], x[at + i], s[i & 3u]);
            if (GATED) s2[i & 3u] = fma(v[i], x[at + i], s2[i & 3u]);
          }
        } else {
          for (uint i = 0u; i < n; i++) {
            s[i & 3u] = fma(w[i], x[at + i], s[i & 3u]);
            if (GATED) s2[i & 3u] = fma(v[i], x[at + i], s2[i & 3u]);
          }
        }
        acc[k] += (s[0] + s[2]) + (s[1] + s[3]);
        if (GATED) acc2[k] += (s2[0] + s2[2]) + (s2[1] + s2[3]);
      }
    }
  }
  const uint sums = GATED ? 2u * RESULTS : RESULTS;
  for (uint k = 0u; k < RESULTS; k++) {
    part[k * LANES + lane] = acc[k];
    if (GATED) part[(RESULTS + k) * LANES + lane] = acc2[k];
  }
  for (uint s = LANES / 2u; s > 0u; s >>= 1) {
    barrier();
    for (uint j = lane; j < sums * s; j += LANES) {
      const uint at = j / s * LANES + j % s;
      precise float sum = part[at] + part[at + s];
      part[at] = sum;
    }
  }
  barrier();
  for (uint k = lane; k < RESULTS; k += LANES) {
    const uint o = row0 + k / TILE, c = k % TILE;
    if (o >= outs || c >= count) continue;
    uint t = first + c;
    float scale = 1.0;
    if (EXPERTS) {
      t = tiles[t];
      if (scaled != 0u) scale = routes[(t / topK) * 2u * topK + topK + t % topK];
    }
    precise float s = part[k * LANES] * scale;
    if (GATED) {
      precise float up = part[(RESULTS + k) * LANES] * scale;
      s = silu(s) * up;
    }
    if (BIAS) s += bias[o];
    y[t * outs + o] = s;
  }
}
