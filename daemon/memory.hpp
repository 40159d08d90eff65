// The allocator's settings for a small resident set.
#pragma once

namespace tidemark {

// Few arenas and early trimming (glibc's mallopt). Call first in main. `release_free_memory` hands what is free back to the system, after a large
// run.
void keep_memory_small();
void release_free_memory();

}  // namespace tidemark
