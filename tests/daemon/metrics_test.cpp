#include "daemon/metrics.hpp"

#include <doctest/doctest.h>

#include <sstream>

using namespace tidemark;

namespace {

bool has_line(const std::string& text, const std::string& wanted) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line == wanted) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("metrics are written in Prometheus' text format") {
  Metrics metrics;
  metrics.counter("git_sync_count_total", "How many syncs.", {{"status", "success"}}).increment();
  metrics.counter("git_sync_count_total", "How many syncs.", {{"status", "error"}}).increment(2);
  metrics.gauge("tidemark_documents", "In the index.").set(42);
  metrics.histogram("tidemark_run_seconds", "Of a run.", {0.1, 1}).observe(0.5);
  const std::string text = metrics.exposition();
  CHECK(has_line(text, "# HELP git_sync_count_total How many syncs."));
  CHECK(has_line(text, "# TYPE git_sync_count_total counter"));
  CHECK(has_line(text, "git_sync_count_total{status=\"success\"} 1"));
  CHECK(has_line(text, "git_sync_count_total{status=\"error\"} 2"));
  CHECK(has_line(text, "tidemark_documents 42"));
  CHECK(has_line(text, "tidemark_run_seconds_bucket{le=\"0.1\"} 0"));
  CHECK(has_line(text, "tidemark_run_seconds_bucket{le=\"1\"} 1"));
  CHECK(has_line(text, "tidemark_run_seconds_bucket{le=\"+Inf\"} 1"));
  CHECK(has_line(text, "tidemark_run_seconds_sum 0.5"));
}

TEST_CASE("a summary has the quantiles of git-sync's") {
  Metrics metrics;
  auto& duration = metrics.summary("git_sync_duration_seconds", "Of a sync.", {{"status", "success"}});
  for (int i = 1; i <= 100; ++i) duration.observe(1);
  const std::string text = metrics.exposition();
  for (const char* quantile : {"0.5", "0.9", "0.99"}) {
    CHECK(has_line(text, std::string("git_sync_duration_seconds{status=\"success\",quantile=\"") + quantile + "\"} 1"));
  }
  CHECK(has_line(text, "git_sync_duration_seconds_count{status=\"success\"} 100"));
}

TEST_CASE("asking again for a name and labels gives the same object") {
  Metrics metrics;
  CHECK(&metrics.counter("a_total", "A.") == &metrics.counter("a_total", "A."));
  CHECK(&metrics.counter("a_total", "A.", {{"x", "1"}}) != &metrics.counter("a_total", "A."));
  CHECK(&metrics.gauge("b", "B.") == &metrics.gauge("b", "B."));
}
