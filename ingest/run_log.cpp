#include "ingest/run_log.hpp"

namespace tidemark::ingest {

void log_run(Log& log, const RunReport& report) {
  const auto seconds = std::chrono::duration<double>(report.ended - report.started).count();
  const auto target = report.to ? report.to->hex() : std::string();
  if (report.outcome == RunReport::Outcome::failed) {
    log.warning("run failed", {{"run", report.id},
                               {"trigger", report.trigger},
                               {"mode", mode_of(report)},
                               {"target", target},
                               {"error", report.error},
                               {"seconds", seconds}});
    return;
  }
  if (report.outcome == RunReport::Outcome::stalled) {
    log.error("run stalled", {{"run", report.id},
                              {"trigger", report.trigger},
                              {"mode", mode_of(report)},
                              {"target", target},
                              {"error", report.error},
                              {"seconds", seconds}});
    return;
  }
  if (report.id == 0) {
    log.debug("nothing to do", {{"mode", mode_of(report)}, {"reason", report.reason}, {"target", target}});
    return;
  }
  log.info("run ended", {{"run", report.id},
                         {"trigger", report.trigger},
                         {"mode", mode_of(report)},
                         {"reason", report.reason},
                         {"from", report.from ? report.from->hex() : std::string()},
                         {"target", target},
                         {"examined", report.examined},
                         {"upserted", report.upserted},
                         {"removed", report.removed},
                         {"quarantined", report.quarantined},
                         {"bytes", report.bytes},
                         {"seconds", seconds}});
  for (const auto& problem : report.problems) log.debug("problem", {{"run", report.id}, {"problem", problem}});
}

}  // namespace tidemark::ingest
