// Pushes, timed by one program on both sides: the agent's, from the flip on, and a bare bulk.
#pragma once

#include <string>
#include <vector>

namespace tidemark::bench {

// `arguments`: URL INDEX REPOSITORY SOURCE ORIGIN of the bare bulk, AGENT-URL. For each line of standard input one line of JSON:
//   bulk COMMIT GENERATION PATH   {"seconds"} of one bulk of one document, with refresh=true
//   flip FROM TO COMMIT           renames FROM to TO, which is the link, and hints at it: {"checkpoint"}, until /api/v1/wait answers, which was asked
//                                 before, and {"searchable"}, the same without what follows the bulk's refresh: the run's own stage `commit`
// Throws std::runtime_error for an answer that is none.
void time_pushes(const std::vector<std::string>& arguments);

}  // namespace tidemark::bench
