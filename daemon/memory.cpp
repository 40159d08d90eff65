#include "daemon/memory.hpp"

#include <malloc.h>

namespace tidemark {

// Setting a threshold also switches glibc's own raising of it off. Two arenas: the loop's and one for all the servers' threads.
void keep_memory_small() {
  constexpr int threshold_bytes = 128 * 1024;
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, threshold_bytes);
  mallopt(M_TRIM_THRESHOLD, threshold_bytes);
}

void release_free_memory() { malloc_trim(0); }

}  // namespace tidemark
