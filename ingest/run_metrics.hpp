// What Prometheus hears of the runs.
#pragma once

#include "daemon/metrics.hpp"
#include "ingest/run.hpp"

namespace tidemark::ingest {

struct Status;

class RunMetrics {
 public:
  explicit RunMetrics(Metrics& metrics);
  void ended(const RunReport& report);
  void update(const Status& status);

 private:
  Metrics& metrics_;
  Counter& upserted_;
  Counter& removed_;
  Counter& quarantined_;
  Counter& bytes_;
  Gauge& documents_;
  Gauge& quarantine_;
  Gauge& last_success_;
  Gauge& checkpoint_time_;
  Gauge& behind_;
  Gauge& stalled_;
  Gauge& failures_;
};

}  // namespace tidemark::ingest
