// One line of the log for each run.
#pragma once

#include "daemon/log.hpp"
#include "ingest/run.hpp"

namespace tidemark::ingest {

void log_run(Log& log, const RunReport& report);

}  // namespace tidemark::ingest
