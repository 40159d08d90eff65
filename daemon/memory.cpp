#include "daemon/memory.hpp"

#include <malloc.h>

namespace tidemark {

// Setting a threshold also switches glibc's own raising of it off. An arena for each thread that there may be: with fewer, the thread that parses shares one
// with the thread that writes, and waiting for each other costs a third of a first index's time.
void keep_memory_small() {
  constexpr int threshold_bytes = 128 * 1024;
  mallopt(M_ARENA_MAX, 32);
  mallopt(M_MMAP_THRESHOLD, threshold_bytes);
  mallopt(M_TRIM_THRESHOLD, threshold_bytes);
}

void release_free_memory() { malloc_trim(0); }

}  // namespace tidemark
