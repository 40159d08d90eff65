#include "ingest/run_metrics.hpp"

#include <string>

#include "ingest/reconciler.hpp"

namespace tidemark::ingest {

namespace {

double seconds_since_1970(WallClock::time_point time) { return std::chrono::duration<double>(time.time_since_epoch()).count(); }

Counter& operations(Metrics& metrics, const char* operation) {
  return metrics.counter("tidemark_ingest_operations_total", "Operations that the engine applied.", {{"operation", operation}});
}

}  // namespace

RunMetrics::RunMetrics(Metrics& metrics)
    : metrics_(metrics),
      upserted_(operations(metrics, "upsert")),
      removed_(operations(metrics, "remove")),
      quarantined_(operations(metrics, "quarantine")),
      bytes_(metrics.counter("tidemark_ingest_blob_bytes_total", "Bytes of the files that were indexed.")),
      documents_(metrics.gauge("tidemark_ingest_documents", "Documents in the index.")),
      quarantine_(metrics.gauge("tidemark_ingest_quarantined_documents", "Files that the parser or the engine refused.")),
      last_success_(metrics.gauge("tidemark_ingest_last_success_timestamp_seconds", "When the index was last known to be level with the target.")),
      checkpoint_time_(metrics.gauge("tidemark_ingest_checkpoint_committed_timestamp_seconds", "Commit time of the revision that the index holds.")),
      behind_(metrics.gauge("tidemark_ingest_behind", "1 while the index does not hold the published revision.")),
      stalled_(metrics.gauge("tidemark_ingest_stalled", "1 while only a new revision or an operator can help.")),
      failures_(metrics.gauge("tidemark_ingest_consecutive_failures", "Failed runs since the last success.")) {}

void RunMetrics::ended(const RunReport& report) {
  const std::string mode(mode_of(report));
  metrics_.counter("tidemark_ingest_runs_total", "Runs by mode and outcome.", {{"mode", mode}, {"outcome", std::string(name_of(report.outcome))}})
      .increment();
  metrics_
      .histogram("tidemark_ingest_run_duration_seconds", "How long runs took.", {0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000},
                 {{"mode", mode}})
      .observe(std::chrono::duration<double>(report.ended - report.started).count());
  upserted_.increment(static_cast<double>(report.upserted));
  removed_.increment(static_cast<double>(report.removed));
  quarantined_.increment(static_cast<double>(report.quarantined));
  bytes_.increment(static_cast<double>(report.bytes));
}

void RunMetrics::update(const Status& status) {
  documents_.set(static_cast<double>(status.documents));
  quarantine_.set(static_cast<double>(status.quarantine));
  if (status.last_success) last_success_.set(seconds_since_1970(*status.last_success));
  if (status.checkpoint) checkpoint_time_.set(static_cast<double>(status.checkpoint->committed_at));
  behind_.set(status.target && (!status.checkpoint || status.checkpoint->commit != *status.target) ? 1 : 0);
  stalled_.set(status.stalled.empty() ? 0 : 1);
  failures_.set(status.failures);
}

}  // namespace tidemark::ingest
