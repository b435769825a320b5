// One number in, one out. Row t of y has width numbers.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
layout(local_size_x = 64) in;
const uint COPY = 0u, ADD = 1u, SCALE = 2u, GELU = 3u, GATHER = 4u;
layout(constant_id = 1) const uint KIND = 0u;
layout(binding = 1, std430) readonly buffer BufZ { float z[]; };
layout(binding = 2, std430) readonly buffer BufX { float x[]; };
layout(binding = 3, std430) writeonly buffer BufY { float y[]; };
layout(binding = 7, std430) readonly buffer BufP { uint batch[]; };
layout(push_constant) uniform Push {
  uint width;
  uint at;   // SCALE: where the batch has a factor a row; GATHER: where it has the rows
  uint from; // GATHER: width of a row of x
};

// x Phi(x) within 2e-7: see the CPU's kernel, whose polynomial this is.
float gelu(float v) {
  precise float m = min(abs(v), 16.0);
  precise float t = 1.0 / fma(m, 0.265, 1.0);
  precise float p = 0.03062448218;
  p = fma(p, t, -0.1433006776);
  p = fma(p, t, 0.2159504456);
  p = fma(p, t, -0.114286489);
  p = fma(p, t, 0.1365549523);
  p = fma(p, t, 0.06089501777);
  p = fma(p, t, 0.1025550895);
  p = fma(p, t, 0.1052667786);
  p = fma(p, t, 0.1057403974);
  precise float q = p * t * exp_(m * m * -0.5);
  return max(v, 0.0) - m * q;
}

void main() {
  const uint i = gl_GlobalInvocationID.x, t = gl_WorkGroupID.y;
  if (i >= width) return;
  const uint k = t * width + i;
  precise float v;
  if (KIND == GATHER) v = x[batch[at + t] * from + i];
  else v = x[k];
  if (KIND == ADD) v += z[k];
  if (KIND == SCALE) v *= uintBitsToFloat(batch[at + t]);
  if (KIND == GELU) v = gelu(v);
  y[k] = v;
}
