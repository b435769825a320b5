// How keys and values lie in a cache. A cell holds n numbers: of 16 bits, two a
// word; of 8 or 4, four or eight a word, and behind all cells a scale for each 32.
const uint KV_F16 = 0u, KV_F32 = 1u, KV_Q8_0 = 2u, KV_Q4_0 = 3u;
