// tidemark-ingest: keeps a search index level with what tidemark-sync or git-sync publishes.
#include <atomic>
#include <csignal>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <utility>

#include "daemon/log.hpp"
#include "daemon/main_errors.hpp"
#include "daemon/memory.hpp"
#include "daemon/metrics.hpp"
#include "daemon/settings.hpp"
#include "daemon/signals.hpp"
#include "git/object_store.hpp"
#include "ingest/engine_factory.hpp"
#include "ingest/reconciler.hpp"
#include "ingest/selection.hpp"
#include "ingest/servers.hpp"
#include "ingest/settings.hpp"
#include "ingest/source.hpp"

namespace {

using namespace tidemark;
using namespace tidemark::ingest;

// One run for a Job. Its line in the log says what happened; the exit code, whether the index is level now.
int reconcile_one_time(Reconciler& reconciler, std::stop_token stop) {
  const auto report = reconciler.reconcile_once("start", stop);
  if (report.outcome == RunReport::Outcome::succeeded && report.mode != Mode::stand_by) return 0;
  throw std::runtime_error(report.error.empty() ? report.reason : report.error);
}

int run(const IngestSettings& settings) {
  Log log(settings.log_format, settings.log_level);
  std::stop_source stop;
  RunHistory history;
  std::atomic<Reconciler*> running = nullptr;
  std::unique_ptr<Engine> engine;  // before the signals, whose handlers call it
  std::atomic<Engine*> opened = nullptr;
  ShutdownDeadline deadline(std::chrono::seconds(10), 1);
  const auto end = [&] {
    if (stop.request_stop()) deadline.arm();
    if (auto* interrupted = opened.load()) interrupted->interrupt();
    history.close();
  };
  const auto run_now = [&] {
    if (auto* reconciler = running.load()) reconciler->hint("signal");
  };
  std::optional<Signals> signals(std::in_place, std::map<int, std::function<void()>>{{SIGTERM, end}, {SIGINT, end}, {SIGHUP, run_now}});
  const git::Library libgit2(git::Library::Hashing::by_object_store);
  Metrics metrics;
  engine = open_engine(settings, log);
  opened = engine.get();
  Source source(settings.source, settings.source_name);
  const Selection selection(settings.selection);
  Reconciler reconciler(source, *engine, selection, settings.reconciler, history, metrics, log);
  if (settings.one_time) return reconcile_one_time(reconciler, stop.get_token());

  const Servers servers(settings, {reconciler, *engine, history, metrics}, log);
  running = &reconciler;
  reconciler.loop(stop.get_token());
  signals.reset();  // before what its handlers call
  log.info("ending", {});
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  keep_memory_small();
  return run_main("tidemark-ingest", [&] {
    const auto settings = read_settings(argc, argv, process_environment(), std::cout);
    return settings ? run(*settings) : 0;
  });
}
