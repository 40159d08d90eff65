// tidemark-sync: follows a repository and publishes each revision under a link.
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <utility>

#include "daemon/http_server.hpp"
#include "daemon/log.hpp"
#include "daemon/main_errors.hpp"
#include "daemon/memory.hpp"
#include "daemon/metrics.hpp"
#include "daemon/settings.hpp"
#include "daemon/signals.hpp"
#include "daemon/wakeup.hpp"
#include "git/object_store.hpp"
#include "sync/http.hpp"
#include "sync/push_listener.hpp"
#include "sync/settings.hpp"
#include "sync/synchronizer.hpp"

namespace {

using namespace tidemark;
using namespace tidemark::sync;

int run(const SyncSettings& settings) {
  Log log(settings.log_format, settings.log_level);
  for (const auto& note : settings.notes) log.warning("setting", {{"note", note}});
  std::stop_source stop;
  Wakeup wakeup;
  ShutdownDeadline deadline(std::chrono::seconds(10), 1);
  const auto end = [&] {
    deadline.arm();
    stop.request_stop();
  };
  std::map<int, std::function<void()>> handlers{{SIGTERM, end}, {SIGINT, end}, {SIGHUP, [&] { wakeup.notify(); }}};
  if (settings.sync_on_signal) handlers[*settings.sync_on_signal] = [&] { wakeup.notify(); };
  const Signals signals(std::move(handlers));
  const git::Library libgit2;
  Metrics metrics;
  Synchronizer synchronizer(settings, wakeup, metrics, log);
  std::unique_ptr<HttpServer> server;
  if (!settings.http_bind.empty()) {
    server = make_http_server(*ListenAddress::parse(settings.http_bind), synchronizer, metrics, log,
                              settings.http_metrics ? Exposition::served : Exposition::off);
    server->start();
    log.info("listening", {{"address", server->address()}});
  }
  std::optional<PushListener> listener;
  if (!settings.listen.empty() && !settings.one_time) {
    listener.emplace(settings, [&] { synchronizer.hint(); }, metrics, log);
    listener->start();
    log.info("listening for push webhooks", {{"address", listener->address()}});
  }
  log.info("following", {{"repo", settings.repo}, {"ref", settings.ref}, {"root", settings.root}, {"link", settings.link}});
  return synchronizer.loop(stop.get_token());
}

// What stands in the process list from the start; from here on it does not.
void hide_passwords(int argc, char** argv) {
  for (const std::string_view flag : {"--password", "--credential"}) {
    for (int i = 1; i < argc; i++) {
      const std::string_view argument = argv[i];
      if (argument.starts_with(flag) && argument.substr(flag.size()).starts_with('='))
        std::fill(argv[i] + flag.size() + 1, argv[i] + argument.size(), '*');
      if (argument == flag && i + 1 < argc) std::fill_n(argv[i + 1], std::string_view(argv[i + 1]).size(), '*');
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  keep_memory_small();
  return run_main("tidemark-sync", [&] {
    const auto settings = read_settings(argc, argv, process_environment(), std::cout);
    hide_passwords(argc, argv);
    // Consumers are other users: what is published is readable for all.
    ::umask(settings && settings->group_write ? 0002 : 0022);
    return settings ? run(*settings) : 0;
  });
}
