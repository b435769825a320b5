// Adds up the results of a row's experts that are here, times their weights with
// WEIGHTED.
#version 450
layout(local_size_x = 64) in;
layout(constant_id = 1) const bool WEIGHTED = false;
layout(binding = 1, std430) readonly buffer BufM { uint slot[]; };
layout(binding = 0, std430) readonly buffer BufR { float routes[]; };
layout(binding = 2, std430) readonly buffer BufX { float x[]; };
layout(binding = 3, std430) writeonly buffer BufY { float y[]; };
layout(push_constant) uniform Push { uint width, topK, slots; };
void main() {
  const uint i = gl_GlobalInvocationID.x, t = gl_WorkGroupID.y;
  if (i >= width) return;
  precise float sum = 0.0;
  for (uint k = 0u; k < topK; k++) {
    const uint at = t * 2u * topK + k;
    if (slot[uint(routes[at])] >= slots) continue;
    precise float v = x[(t * topK + k) * width + i];
    if (WEIGHTED) v *= routes[at + topK];
    sum += v;
  }
  y[t * width + i] = sum;
}
