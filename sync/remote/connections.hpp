// The sockets of a fetcher, made so that a stop or a deadline ends whatever libgit2 waits for on them: libgit2 has no cancellation, and before 1.7 no
// time limits.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "sync/alarm.hpp"

namespace tidemark::sync {

class Connections {
 public:
  enum class Interruption { none, stopped, timed_out };

  Connections();
  ~Connections();  // waits for a name lookup that still hangs
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // While it lives, what libgit2 opens on this thread belongs to these connections, and all of them are shut at `deadline` or at `stop`.
  class Attempt {
   public:
    Attempt(Connections& connections, Alarm& alarm, const std::stop_token& stop, Alarm::Clock::time_point deadline);
    ~Attempt();
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;

   private:
    static Connections* begin(Connections& connections);

    Connections* outer_;
    std::stop_callback<std::function<void()>> on_stop_;
    Alarm::Call at_deadline_;
  };

  Interruption interruption() const { return interruption_.load(); }
  // Of the present attempt: requested when it is interrupted.
  std::stop_token token() const;
  // What went wrong below libgit2, in words, since the attempt began or since forget_problem(); "" when nothing did.
  std::string problem() const;
  void forget_problem();

  // For the stream.
  int connect(const std::string& host, const std::string& port);  // a connected descriptor, or -1
  void close(int descriptor);
  void fail(std::string problem);

 private:
  struct Lookup;
  struct Address;
  std::shared_ptr<Lookup> begin_lookup(const std::string& host, const std::string& port);
  std::vector<Address> resolve(const std::string& host, const std::string& port);
  int connect_to(const Address& address);
  void begin();
  void interrupt(Interruption cause);

  mutable std::mutex mutex_;
  std::atomic<Interruption> interruption_ = Interruption::none;
  std::stop_source interrupted_;
  std::set<int> descriptors_;
  std::string problem_;
  std::vector<std::shared_ptr<Lookup>> lookups_;
};

}  // namespace tidemark::sync
