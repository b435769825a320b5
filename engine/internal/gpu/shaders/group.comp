// Sorts the routes of a batch by expert, so that a workgroup of matmul.comp has
// TILE rows for one expert: tiles of (matrix of the stack, first place in the list,
// how many), unused ones with 0, and the list of row*K + k. One workgroup; lane l
// takes the matrices l, l+LANES, ...
#version 450
layout(local_size_x = 64) in;
layout(constant_id = 1) const uint TILE = 1u;
const uint LANES = 64u, MOST = 512u;
layout(binding = 1, std430) readonly buffer BufM { uint slot[]; }; // by expert; those of others: none
layout(binding = 2, std430) readonly buffer BufR { float routes[]; };
layout(binding = 3, std430) buffer BufG { uint tiles[]; };
layout(binding = 7, std430) readonly buffer BufP { uint batch[]; };
layout(push_constant) uniform Push { uint rowsAt, topK, slots, listAt; };
shared uint counts[MOST];
shared uint firstPair[MOST];
shared uint firstTile[MOST];

uint slotOf(uint pair) { return slot[uint(routes[(pair / topK) * 2u * topK + pair % topK])]; }

void main() {
  const uint lane = gl_LocalInvocationID.x, pairs = batch[rowsAt] * topK;
  for (uint s = lane; s < slots; s += LANES) {
    uint n = 0u;
    for (uint p = 0u; p < pairs; p++) n += slotOf(p) == s ? 1u : 0u;
    counts[s] = n;
  }
  barrier();
  const uint most = (pairs + TILE - 1u) / TILE + min(slots, pairs);
  if (lane == 0u) {
    uint pair = 0u, tile = 0u;
    for (uint s = 0u; s < slots; s++) {
      firstPair[s] = pair;
      firstTile[s] = tile;
      pair += counts[s];
      tile += (counts[s] + TILE - 1u) / TILE;
    }
    for (; tile < most; tile++) tiles[3u * tile + 2u] = 0u;
  }
  barrier();
  for (uint s = lane; s < slots; s += LANES) {
    uint at = firstPair[s];
    for (uint p = 0u; p < pairs; p++) {
      if (slotOf(p) == s) tiles[listAt + at++] = p;
    }
    for (uint i = 0u; i * TILE < counts[s]; i++) {
      const uint to = 3u * (firstTile[s] + i);
      tiles[to] = s;
      tiles[to + 1u] = firstPair[s] + i * TILE;
      tiles[to + 2u] = min(TILE, counts[s] - i * TILE);
    }
  }
}
